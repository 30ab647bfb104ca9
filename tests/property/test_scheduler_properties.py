"""The scheduler counts incrementally; these compare it with the rules written down plainly."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from secondsite.errors import IllegalTransitionError
from secondsite.graph import Operation, compile_graph
from secondsite.plan.model import Plan
from secondsite.run.events import PlannedStep
from secondsite.run.planned import planned_steps
from secondsite.run.scheduler import Scheduler
from secondsite.run.states import FINAL, Event, StepState
from tests.property.strategies import plans

KINDS = st.sampled_from([Operation.TEST, Operation.PLANNED, Operation.UNPLANNED])
OUTCOMES = [Event.SUCCEED, Event.SUCCEED, Event.SUCCEED, Event.FAIL, Event.INTERRUPT]
DECISIONS = [Event.RETRY, Event.SKIP, Event.MARK_DONE, Event.ABORT]
ENDED = {StepState.FAILED, StepState.ABORTED}


class Oracle:
    """The rules of the scheduler, each as one recursive sentence."""

    def __init__(self, steps: dict[str, PlannedStep], states: dict[str, StepState]) -> None:
        self.steps, self.states = steps, states
        self._stuck: dict[str, bool] = {}
        self._settled: dict[str, bool] = {}

    def satisfied(self, step: str) -> bool:
        state = self.states[step]
        tolerated = state is StepState.FAILED and self.steps[step].on_failure == "continue"
        return tolerated or state in {StepState.DONE, StepState.SKIPPED}

    def stuck(self, step: str) -> bool:
        if step not in self._stuck:
            planned = self.steps[step]
            self._stuck[step] = self.states[step] is StepState.PENDING and any(
                not self.satisfied(other) and (self.states[other] in ENDED or self.stuck(other))
                for other in planned.waits_for
                if other not in planned.tolerates
            )
        return self._stuck[step]

    def settled(self, step: str) -> bool:
        if step not in self._settled:
            self._settled[step] = (
                self.satisfied(step)
                or self.states[step] in ENDED
                or (self.stuck(step) and all(map(self.settled, self.steps[step].waits_for)))
            )
        return self._settled[step]

    def free(self, step: str) -> bool:
        planned = self.steps[step]
        return self.states[step] is StepState.PENDING and all(
            self.settled(other) if other in planned.tolerates else self.satisfied(other)
            for other in planned.waits_for
        )


def agree(scheduler: Scheduler) -> None:
    oracle = Oracle(scheduler.steps, scheduler.states)
    free = [step for step in scheduler.steps if oracle.free(step)]
    assert not [step for step in free if scheduler.steps[step].action == "barrier"]
    if not scheduler.is_halted:
        assert list(scheduler.ready()) == free
    assert set(scheduler.stuck) == {step for step in scheduler.steps if oracle.stuck(step)}
    again = Scheduler(tuple(scheduler.steps.values()), operation="test", states=scheduler.states)
    assert again.states == scheduler.states
    assert again.stuck == scheduler.stuck


@settings(max_examples=150)
@given(plans(max_vms=5), KINDS, st.data())
def test_the_scheduler_follows_its_rules_whatever_happens(
    plan: Plan, operation: Operation, data: st.DataObject
) -> None:
    graph = compile_graph(plan, operation=operation, cleanup=True, hold=data.draw(st.booleans()))
    steps = planned_steps(graph, source_site="tokyo", target_site="osaka")
    scheduler = Scheduler(steps, operation=operation)

    for _ in range(data.draw(st.integers(0, 3 * len(steps)))):
        moves = [(step, Event.START) for step in scheduler.ready()]
        moves += [(step, event) for step in scheduler.running for event in OUTCOMES]
        moves += [(step, event) for step in scheduler.failed for event in DECISIONS]
        if not moves:
            break
        step, event = data.draw(st.sampled_from(moves))
        scheduler.apply(step, event)
        agree(scheduler)


@settings(max_examples=60)
@given(plans(max_vms=6), KINDS, st.data())
def test_after_a_failure_nothing_that_needs_it_ever_starts(
    plan: Plan, operation: Operation, data: st.DataObject
) -> None:
    graph = compile_graph(plan, operation=operation)
    steps = planned_steps(graph, source_site="tokyo", target_site="osaka")
    scheduler = Scheduler(steps, operation=operation)
    victim = data.draw(st.sampled_from([step.id for step in steps if step.action != "barrier"]))

    started: list[str] = []
    rounds: list[tuple[str, ...]] = []
    while ready := scheduler.ready():
        rounds.append(ready)
        started += ready
        for step in ready:
            scheduler.apply(step, Event.START)
        for step in ready:
            scheduler.apply(step, Event.FAIL if step == victim else Event.SUCCEED)

    if scheduler.steps[victim].on_failure == "continue":
        assert scheduler.verdict() == "done"
        return
    needing = {victim}
    for planned in steps:
        if (set(planned.waits_for) - set(planned.tolerates)) & needing:
            needing.add(planned.id)
    assert not (needing - {victim}) & set(started)
    assert scheduler.verdict() == "failed"
    if operation is Operation.PLANNED:
        assert victim in rounds[-1], "something started after the failure"
    if operation is Operation.UNPLANNED and scheduler.steps[victim].vm:
        others = {step.id for step in steps} - needing
        if scheduler.steps[victim].on_failure == "block":
            assert others <= {step for step, state in scheduler.states.items() if state in FINAL}


@given(plans(max_vms=6), KINDS)
def test_a_run_in_which_all_goes_well_starts_every_step_once(
    plan: Plan, operation: Operation
) -> None:
    graph = compile_graph(plan, operation=operation, cleanup=True)
    steps = planned_steps(graph, source_site="tokyo", target_site="osaka")
    scheduler = Scheduler(steps, operation=operation)

    started: list[str] = []
    while ready := scheduler.ready():
        step = ready[-1]
        scheduler.apply(step, Event.START)
        scheduler.apply(step, Event.SUCCEED)
        started.append(step)

    assert sorted(started) == sorted(step.id for step in steps if step.action != "barrier")
    assert scheduler.verdict() == "done"


@given(plans(max_vms=6), KINDS, st.data())
def test_no_step_can_be_started_before_what_it_needs(
    plan: Plan, operation: Operation, data: st.DataObject
) -> None:
    graph = compile_graph(plan, operation=operation)
    steps = planned_steps(graph, source_site="tokyo", target_site="osaka")
    scheduler = Scheduler(steps, operation=operation)
    early = data.draw(
        st.sampled_from([step.id for step in steps if step.waits_for and step.action != "barrier"])
        if len(steps) > len([step for step in steps if step.action == "barrier"]) + 1
        else st.just("preflight")
    )
    if early == "preflight":
        return

    try:
        scheduler.apply(early, Event.START)
    except IllegalTransitionError:
        assert scheduler.states[early] is StepState.PENDING
    else:
        raise AssertionError(f"{early} was started before the preflight")
