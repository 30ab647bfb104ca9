"""Journal events → the record of a run. Pure; fed one event at a time it follows a live run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, assert_never

from secondsite.errors import IllegalTransitionError, JournalError
from secondsite.run.events import (
    Asked,
    CodeGiven,
    Decided,
    Decision,
    ErrorFact,
    Escalated,
    InventoryTaken,
    JournalEvent,
    Noted,
    Notified,
    PlannedStep,
    Reminded,
    RunAttached,
    RunCreated,
    RunEnded,
    RunHeld,
    RunReleased,
    StepIntent,
    StepOutcome,
    VmFact,
)
from secondsite.run.questions import Question, question_records
from secondsite.run.record import (
    Attachment,
    QuestionRecord,
    RunRecord,
    StepRecord,
    VmRecord,
)
from secondsite.run.remarks import remark_on
from secondsite.run.scheduler import Consequences, RunState, Scheduler
from secondsite.run.states import Event, StepState
from secondsite.run.vms import vm_record

__all__ = ["Replay", "replay"]

_OUTCOMES = {"done": Event.SUCCEED, "failed": Event.FAIL, "skipped": Event.SKIP}
_ON_FAILURE = {
    Decision.RETRY: Event.RETRY,
    Decision.SKIP: Event.SKIP,
    Decision.MARK_DONE: Event.MARK_DONE,
    Decision.ABORT: Event.ABORT,
}

_OF_PLAN = frozenset({"plan", "policy", "time-out"})
"""How a decision comes about that no person made: it needs no second one."""


@dataclass(slots=True)
class _Progress:
    """What a step's record needs beyond its state."""

    attempts: int = 0
    host: str = ""
    changed: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    error: ErrorFact | None = None
    is_unsettled: bool = False
    done_by_hand: bool = False


class Replay:
    """The state of a run, event by event.

    Attributes:
        scheduler: What may start now, after the events so far.
    """

    def __init__(self, created: RunCreated) -> None:
        """A run that has just been created."""
        self.created = created
        self.scheduler = Scheduler(created.steps, operation=created.operation)
        self._progress = {step.id: _Progress() for step in created.steps}
        self._vms: dict[str, VmFact] = {}
        self._questions: list[Question] = []
        self._decisions: list[Decided] = []
        self._too_late: list[Decided] = []
        self._notes: list[Noted] = []
        self._notifications: list[Notified] = []
        self._attachments: list[Attachment] = []
        self._held_by = ""
        self._ended: RunEnded | None = None
        self._last_event_at = created.at

    def apply(self, event: JournalEvent) -> Consequences:
        """Take one event in.

        Raises:
            IllegalTransitionError: the event does not fit the state; nothing has changed.
            JournalError: the event belongs to another run, or to a step that this run has not.
        """
        self._refuse_if_foreign(event)
        consequences = Consequences()
        match event:
            case RunCreated():
                raise JournalError(f"{self.created.run_id} was created twice.")
            case RunAttached():
                self._attach(event)
            case RunEnded():
                self._end(event)
            case RunHeld():
                self._held_by, self.scheduler.is_held = event.by, True
            case RunReleased():
                self._held_by, self.scheduler.is_held = "", False
            case InventoryTaken():
                self._vms |= {vm.name.casefold(): vm for vm in event.vms}
            case StepIntent():
                consequences = self._start(event)
            case StepOutcome():
                consequences = self._finish(event)
            case Asked():
                self._ask(event)
            case Escalated() | Reminded():
                self._ask_again(event)
            case Decided():
                consequences = self._decide(event)
            case CodeGiven():
                pass  # it stands for itself: what it let through is a decision
            case Noted():
                self._notes.append(event)
            case Notified():
                self._notifications.append(event)
                return consequences  # who was told of the run is no progress of it
            case _:
                assert_never(event)
        if remark := remark_on(event):
            self._notes.append(remark)
        for barrier in consequences.passed:
            passed = self._progress[barrier]
            passed.started_at = passed.ended_at = event.at
        self._last_event_at = event.at
        return consequences

    def record(self) -> RunRecord:
        """The run as it stands now."""
        steps = tuple(self._step(step) for step in self.created.steps)
        first = self._attachments[0].at if self._attachments else None
        return RunRecord(
            run_id=self.created.run_id,
            plan=self.created.plan,
            plan_digest=self.created.plan_digest,
            kind=self.created.operation,
            direction=self.created.direction,
            state=self._state(),
            created_at=self.created.at,
            started_at=first,
            ended_at=self._ended.at if self._ended else None,
            last_event_at=self._last_event_at,
            objectives=self.created.objectives,
            parameters=self.created.parameters,
            requested_by=self.created.requested_by,
            versions=self.created.versions,
            fingerprint=self.created.fingerprint,
            steps=steps,
            vms=self._vm_records(steps),
            questions=question_records(self.created.steps, self._questions),
            decisions=tuple(self._decisions),
            too_late=tuple(self._too_late),
            notes=tuple(self._notes),
            notifications=tuple(self._notifications),
            attachments=tuple(self._attachments),
            held_by=self._held_by,
            summary=self._ended.summary if self._ended else "",
            by_id=MappingProxyType({step.id: step for step in steps}),
        )

    def open_questions(self) -> tuple[QuestionRecord, ...]:
        """What people are asked now; cheaper than the whole record."""
        return tuple(each.record() for each in self._questions if each.settled is None)

    @property
    def vm_facts(self) -> dict[str, VmFact]:
        """What the inventory showed, by VM name; empty before the preflight."""
        return {fact.name: fact for fact in self._vms.values()}

    def _refuse_if_foreign(self, event: JournalEvent) -> None:
        step = getattr(event, "step", "")
        if step and step not in self.scheduler.steps:
            raise JournalError(
                f"The journal of {self.created.run_id} names a step it does not have: {step}.",
                next_step=f"Run: secondsite runs verify {self.created.run_id}",
            )

    def _attach(self, event: RunAttached) -> None:
        for step in self.scheduler.running:
            # Its process is gone: nobody will write the outcome. Whoever takes it up must look.
            self.scheduler.apply(step, Event.INTERRUPT)
            self._progress[step].is_unsettled = True
        self._attachments.append(
            Attachment(at=event.at, holder=event.holder, flow_run=event.flow_run)
        )
        self._ended = None

    def _end(self, event: RunEnded) -> None:
        if event.state == "aborted" and not self.scheduler.is_aborted:
            self.scheduler.abort()
        self._ended = event

    def _start(self, event: StepIntent) -> Consequences:
        consequences = self.scheduler.apply(event.step, Event.START)
        progress = self._progress[event.step]
        progress.attempts += 1
        progress.host = event.host or progress.host
        progress.started_at = progress.started_at or event.at
        progress.ended_at = None
        progress.is_unsettled = False
        return consequences

    def _finish(self, event: StepOutcome) -> Consequences:
        consequences = self.scheduler.apply(event.step, _OUTCOMES[event.state])
        progress = self._progress[event.step]
        progress.ended_at = event.at
        progress.changed = progress.changed or event.changed
        progress.evidence = event.evidence
        progress.error = event.error
        progress.is_unsettled = False
        host = event.evidence.get("host")
        progress.host = str(host) if host else progress.host
        return consequences

    def _ask(self, event: Asked) -> None:
        if event.about == "gate":
            self.scheduler.apply(event.step, Event.ASK)
            progress = self._progress[event.step]
            progress.started_at = progress.started_at or event.at
            progress.attempts += 1
        self._questions.append(Question(asked=event))

    def _ask_again(self, event: Escalated | Reminded) -> None:
        """Take in that people are told again; an answer may have come in this very moment."""
        question = self._open_question(event.step)
        match event:
            case _ if question is None:
                pass
            case Escalated():
                question.escalations.append(event)
            case Reminded():
                question.reminders.append(event)

    def _decide(self, event: Decided) -> Consequences:
        """Take a decision in. One that comes too late is kept, and changes nothing.

        People answer through several doors at once (UI, terminal, time limit): the first counts.
        """
        self._decisions.append(event)
        try:
            return self._settle_by(event)
        except IllegalTransitionError:
            self._too_late.append(event)
            return Consequences()

    def _settle_by(self, event: Decided) -> Consequences:
        if not event.step:
            if event.decision is Decision.ABORT:
                self.scheduler.abort()
            return Consequences()
        question = self._open_question(event.step)
        if event.decision is Decision.APPROVE:
            consequences = self._approve(event, question)
        elif event.decision is Decision.REJECT:
            consequences = self.scheduler.apply(event.step, Event.FAIL)
            self._settle(event, question)
            self._progress[event.step].error = _rejected(event, self.created.plan)
        else:
            consequences = self.scheduler.apply(event.step, _ON_FAILURE[event.decision])
            self._settle(event, question)
            self._after_failure(event)
        return consequences

    def _approve(self, event: Decided, question: Question | None) -> Consequences:
        if question is None or question.asked.about != "gate":
            raise IllegalTransitionError(
                state=str(self.scheduler.states[event.step]), event=event.decision.value
            )
        voters = {vote.by.casefold() for vote in (*question.decisions, event)}
        is_of_plan = event.via in _OF_PLAN
        if len(voters) < question.asked.required and not is_of_plan:
            question.decisions.append(event)
            return Consequences()
        consequences = self.scheduler.apply(event.step, Event.SUCCEED)
        self._settle(event, question)
        return consequences

    def _settle(self, event: Decided, question: Question | None) -> None:
        if question is not None:
            question.decisions.append(event)
            question.settled = event
        self._progress[event.step].ended_at = event.at

    def _after_failure(self, event: Decided) -> None:
        progress = self._progress[event.step]
        match event.decision:
            case Decision.RETRY:
                progress.ended_at = None
            case Decision.MARK_DONE:
                progress.done_by_hand = True
            case _:
                pass

    def _open_question(self, step: str) -> Question | None:
        return next(
            (
                question
                for question in reversed(self._questions)
                if question.asked.step == step and question.settled is None
            ),
            None,
        )

    def _state(self) -> RunState:
        if self._ended is not None:
            return self._ended.state
        if not self._attachments:
            return "pending"
        verdict = self.scheduler.verdict()
        if verdict in {"running", "waiting"}:
            return verdict
        is_asked = any(question.settled is None for question in self._questions)
        return "waiting" if is_asked else "running"

    def _step(self, step: PlannedStep) -> StepRecord:
        progress = self._progress[step.id]
        state = self.scheduler.states[step.id]
        is_satisfied = self.scheduler.is_satisfied(step.id)
        return StepRecord(
            id=step.id,
            action=step.action,
            group=step.group,
            vm=step.vm,
            site=step.site,
            host=progress.host,
            title=step.title,
            state=state,
            waits_for=step.waits_for,
            attempts=progress.attempts,
            changed=progress.changed,
            started_at=progress.started_at,
            ended_at=progress.ended_at,
            evidence=progress.evidence,
            error=progress.error,
            is_tolerated=state is StepState.FAILED and is_satisfied,
            is_unsettled=progress.is_unsettled or state is StepState.RUNNING,
            is_stuck=self.scheduler.is_stuck(step.id),
            done_by_hand=progress.done_by_hand,
        )

    def _vm_records(self, steps: Sequence[StepRecord]) -> tuple[VmRecord, ...]:
        by_vm: dict[str, list[StepRecord]] = {}
        for step in steps:
            if step.vm:
                by_vm.setdefault(step.vm, []).append(step)
        return tuple(
            vm_record(name, own, self._vms.get(name.casefold(), VmFact(name=name)))
            for name, own in by_vm.items()
        )


def replay(events: Iterable[JournalEvent]) -> RunRecord:
    """The record of the run that `events` tell of, in their order.

    Raises:
        JournalError: the first event does not create a run, or one does not belong to it.
        IllegalTransitionError: an event does not fit the state it meets.
    """
    remaining = iter(events)
    created = next(remaining, None)
    if not isinstance(created, RunCreated):
        raise JournalError(
            "This run has no beginning in the journal.", next_step="Run: secondsite runs verify"
        )
    state = Replay(created)
    for event in remaining:
        state.apply(event)
    return state.record()


def _rejected(event: Decided, plan: str) -> ErrorFact:
    reason = f": {event.comment}" if event.comment else ""
    return ErrorFact(
        kind="gate-rejected",
        message=f"{event.step} was rejected by {event.by}{reason}.",
        next=f"Clear up the reason. What is possible now: secondsite status {plan}.",
    )
