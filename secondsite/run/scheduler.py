"""What may start now, and what a failure leads to. Pure: no I/O, no clock, no Prefect.

A step waits for other steps in one of two ways. Mostly it needs them *satisfied*: done, skipped by
somebody's decision, or failed where the plan says `on_error: continue`. Where it only *tolerates*
them (an unplanned failover goes on past single VMs) it needs them *settled*: satisfied, failed, or
stuck behind a failure while nothing before them can move any more.

Barriers are not actions: the scheduler passes them by itself as soon as nothing holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from secondsite.errors import IllegalTransitionError
from secondsite.run.events import PlannedStep
from secondsite.run.states import FINAL, Event, StepState, advance

__all__ = ["Consequences", "RunState", "Scheduler"]

RunState = Literal["pending", "running", "waiting", "done", "failed", "aborted"]

_BARRIER = "barrier"
_STOPS_WHERE_IT_STANDS = frozenset({"planned"})
"""Operations in which nothing new starts after any failure: nothing is lost yet, people decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What one event led to, beyond the step itself.

    Attributes:
        ready: Steps that nothing holds any more because of it.
        passed: Barriers that were passed because of it.
        stuck: Steps that can no longer start unless people decide.
    """

    ready: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()


class Scheduler:
    """The progress of one run over its steps.

    Attributes:
        steps: The run graph, by id, in the order of the graph.
        states: Where each step stands. Change it through `apply` and `abort` only.
        is_held: A person holds the run: nothing new starts.
        is_aborted: People ended the run.
    """

    def __init__(
        self,
        steps: Sequence[PlannedStep],
        *,
        operation: str,
        states: Mapping[str, StepState] | None = None,
    ) -> None:
        """Steps absent from `states` are pending; `operation` decides what a failure leads to."""
        self.steps = {step.id: step for step in steps}
        self.states = dict.fromkeys(self.steps, StepState.PENDING)
        self.is_held = False
        self.is_aborted = False
        self._stops_at_failure = operation in _STOPS_WHERE_IT_STANDS
        self._index = {step.id: index for index, step in enumerate(steps)}
        self._tolerates = {step.id: frozenset(step.tolerates) for step in steps}
        self._followers: dict[str, list[str]] = {step.id: [] for step in steps}
        for step in steps:
            for other in step.waits_for:
                self._followers[other].append(step.id)
        self._in: dict[StepState, set[str]] = {state: set() for state in StepState}
        self._in[StepState.PENDING].update(self.steps)
        for name, state in (states or {}).items():
            self._set(name, state)
        self._stuck: set[str] = set()
        self._startable: set[str] = set()
        self._unmet: dict[str, int] = {}
        self._unsettled: dict[str, int] = {}
        self._recount()

    def ready(self) -> tuple[str, ...]:
        """The steps that may start now, in the order of the graph. None while held or halted."""
        if self.is_held or self.is_halted:
            return ()
        return self._sorted(self._startable)

    @property
    def startable(self) -> tuple[str, ...]:
        """The steps that wait for no other step, whether or not anything may start now."""
        return self._sorted(self._startable)

    def apply(self, step: str, event: Event) -> Consequences:
        """Advance `step` by `event`.

        Raises:
            IllegalTransitionError: the step does not know the event in its state, or is started
                before something it needs is done. Nothing has changed.
        """
        before = self.states[step]
        after = advance(before, event)
        if event in {Event.START, Event.ASK}:
            self._refuse_if_early(step, event)
        elif event is Event.RETRY and self.is_satisfied(step):
            # Its followers have gone on as if it were done: there is no way back.
            raise IllegalTransitionError(state=f"{before} (the run went on)", event=event.value)
        self._set(step, after)
        self._startable.discard(step)
        was_stuck, was_startable = set(self._stuck), set(self._startable)
        if before in {StepState.RUNNING, StepState.WAITING}:
            passed = self._leave(step)
        elif after in {StepState.RUNNING, StepState.WAITING}:
            passed = set()
        else:
            passed = self._recount()
        return Consequences(
            ready=self._sorted(self._startable - was_startable),
            passed=self._sorted(passed),
            stuck=self._sorted(self._stuck - was_stuck),
        )

    def abort(self) -> tuple[str, ...]:
        """End the run: what has not started never will. Running steps finish; failed ones stay."""
        hit = self._sorted(self._in[StepState.PENDING] | self._in[StepState.WAITING])
        for step in hit:
            self._set(step, advance(self.states[step], Event.ABORT))
        self.is_aborted = True
        self._recount()
        return hit

    def causes(self) -> dict[str, frozenset[str]]:
        """What keeps each pending step from starting: the first steps before it that are not over.

        Barriers and stuck steps are looked through, so that a person reads the cause.
        """
        found: dict[str, frozenset[str]] = {}
        for name in self.steps:  # the order of the graph: what a step waits for comes before it
            if self.states[name] is not StepState.PENDING or name in self._startable:
                continue
            causes: set[str] = set()
            for other in self.steps[name].waits_for:
                if self._is_enough(other, for_step=name):
                    continue
                if self.states[other] is not StepState.PENDING or other in self._startable:
                    causes.add(other)
                else:
                    causes |= found.get(other, frozenset())
            if causes:
                found[name] = frozenset(causes)
        return found

    def is_satisfied(self, step: str) -> bool:
        """Whether followers of `step` may take it as done."""
        state = self.states[step]
        return state in {StepState.DONE, StepState.SKIPPED} or (
            state is StepState.FAILED and self.steps[step].on_failure == "continue"
        )

    def is_stuck(self, step: str) -> bool:
        """Whether `step` cannot start unless people decide about a failed one before it."""
        return step in self._stuck

    @property
    def failed(self) -> tuple[str, ...]:
        """Failed steps that were not tolerated, in the order of the graph."""
        return self._sorted(
            step for step in self._in[StepState.FAILED] if not self.is_satisfied(step)
        )

    @property
    def running(self) -> tuple[str, ...]:
        """Steps with an intent and no outcome."""
        return self._sorted(self._in[StepState.RUNNING])

    @property
    def waiting(self) -> tuple[str, ...]:
        """Gates that wait for people."""
        return self._sorted(self._in[StepState.WAITING])

    @property
    def stuck(self) -> tuple[str, ...]:
        """Steps that cannot start unless people decide about a failed one before them."""
        return self._sorted(self._stuck)

    @property
    def is_halted(self) -> bool:
        """Whether a failure, or an abort, keeps anything new from starting."""
        return self.is_aborted or any(
            self._stops_at_failure or self.steps[step].on_failure == "stop" for step in self.failed
        )

    @property
    def is_idle(self) -> bool:
        """Whether the engine can do nothing now: the run is over, or people must decide."""
        return not self._in[StepState.RUNNING] and not self.ready()

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do or to decide."""
        if self.is_aborted:
            return not self._in[StepState.RUNNING]
        return all(state in FINAL or self.is_satisfied(step) for step, state in self.states.items())

    def verdict(self) -> RunState:
        """How the run stands, from its steps alone."""
        if not self.is_idle:
            return "running"
        if self.is_aborted:
            return "aborted"
        if self._in[StepState.WAITING] or (self.is_held and self._startable):
            return "waiting"
        if self.failed:
            return "failed"
        return "aborted" if self._in[StepState.ABORTED] else "done"

    def _sorted(self, steps: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(steps, key=self._index.__getitem__))

    def _set(self, step: str, state: StepState) -> None:
        self._in[self.states[step]].discard(step)
        self._in[state].add(step)
        self.states[step] = state

    def _refuse_if_early(self, step: str, event: Event) -> None:
        early = [
            other
            for other in self.steps[step].waits_for
            if other not in self._tolerates[step] and not self.is_satisfied(other)
        ]
        if early:
            raise IllegalTransitionError(
                state=f"pending: {step} waits for {', '.join(early)}", event=event.value
            )

    def _leave(self, step: str) -> set[str]:
        """Follow a step out of running or waiting; gives the barriers that were passed."""
        state = self.states[step]
        if state is StepState.PENDING:  # interrupted
            self._startable.add(step)
            return set()
        if not self.is_satisfied(step):
            self._mark_stuck([step])
        return self._settle([step])

    def _recount(self) -> set[str]:
        """Work everything out anew from the states; gives the barriers that were passed."""
        self._startable = set()
        self._stuck = set()
        self._mark_stuck(
            step
            for step in self._in[StepState.FAILED] | self._in[StepState.ABORTED]
            if not self.is_satisfied(step)
        )
        self._unmet = {name: len(step.waits_for) for name, step in self.steps.items()}
        self._unsettled = dict(self._unmet)
        ended = [
            step
            for step, state in self.states.items()
            if state in FINAL or state is StepState.FAILED
        ]
        roots = [
            step
            for step in tuple(self._in[StepState.PENDING])
            if not self._unmet[step] and self._free(step)
        ]
        return self._settle([*ended, *roots]) | set(roots)

    def _mark_stuck(self, ended: Iterable[str]) -> None:
        """A pending step is stuck when one that it needs is failed, aborted or stuck itself."""
        frontier = list(ended)
        while frontier:
            dead = frontier.pop()
            for follower in self._followers[dead]:
                if (
                    self.states[follower] is StepState.PENDING
                    and follower not in self._stuck
                    and dead not in self._tolerates[follower]
                ):
                    self._stuck.add(follower)
                    frontier.append(follower)

    def _settle(self, settled: Sequence[str]) -> set[str]:
        """Count settled steps off for their followers; gives the barriers that this passed."""
        passed: set[str] = set()
        frontier = list(settled)
        while frontier:
            step = frontier.pop()
            is_satisfied = self.is_satisfied(step)
            for follower in self._followers[step]:
                self._unsettled[follower] -= 1
                if is_satisfied or step in self._tolerates[follower]:
                    self._unmet[follower] -= 1
                if self.states[follower] is not StepState.PENDING:
                    continue
                if follower in self._stuck:
                    if not self._unsettled[follower]:
                        frontier.append(follower)
                elif not self._unmet[follower] and self._free(follower):
                    passed.add(follower)
                    frontier.append(follower)
        return passed

    def _free(self, step: str) -> bool:
        """Nothing holds `step`: it may start; a barrier is passed at once, and then it is true."""
        if self.steps[step].action != _BARRIER:
            self._startable.add(step)
            return False
        for event in (Event.START, Event.SUCCEED):
            self._set(step, advance(self.states[step], event))
        return True

    def _is_enough(self, step: str, *, for_step: str) -> bool:
        if self.is_satisfied(step):
            return True
        if step not in self._tolerates[for_step]:
            return False
        return self._is_settled(step)

    def _is_settled(self, step: str) -> bool:
        return (
            self.is_satisfied(step)
            or self.states[step] in {StepState.FAILED, StepState.ABORTED}
            or (step in self._stuck and not self._unsettled[step])
        )
