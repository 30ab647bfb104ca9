"""One run as reports and people see it: frozen facts, derived from the journal and nothing else.

`secondsite.run.replay` builds it. Times are aware UTC; None means "has not happened".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from secondsite.run.events import (
    Decided,
    Decision,
    Details,
    ErrorFact,
    Escalated,
    Noted,
    Notified,
    Objectives,
    Reminded,
)
from secondsite.run.scheduler import RunState
from secondsite.run.states import StepState

__all__ = [
    "REAL_FAILOVERS",
    "Attachment",
    "QuestionRecord",
    "RunRecord",
    "StepRecord",
    "VmRecord",
    "critical_path",
]

REAL_FAILOVERS = ("planned", "unplanned")
"""The operations that move production."""


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step, as far as it has come.

    Attributes:
        waits_for: What it had to wait for, barriers included.
        attempts: How often it was started.
        started_at: Of the first attempt; for a gate, when people were asked.
        is_tolerated: It failed, and the plan says to go on as if it were done.
        is_unsettled: Its last intent has no outcome: it may or may not have happened.
        is_stuck: It cannot start unless people decide about a failed step before it.
        done_by_hand: A person said so; the engine did not do it.
    """

    id: str
    action: str
    group: str
    vm: str
    site: str
    host: str
    title: str
    state: StepState
    waits_for: tuple[str, ...]
    attempts: int
    changed: bool
    started_at: datetime | None
    ended_at: datetime | None
    evidence: Details
    error: ErrorFact | None
    is_tolerated: bool
    is_unsettled: bool
    is_stuck: bool
    done_by_hand: bool

    @property
    def duration_s(self) -> float | None:
        """From the first start to the end, decisions in between included."""
        return _seconds(self.started_at, self.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class VmRecord:
    """One VM of the plan.

    Attributes:
        id: Hyper-V's VMId, once known.
        state: Of its steps together: failed if one failed, done if all are done, and so on.
        dns: What was changed in DNS for it, as the DNS steps told.
        start_requested_at: When its power-on began.
        ready_at: When all of its readiness probes held.
        in_service_at: When its last boot step (ready, address, DNS, verify) was done.
        recovery_point_at: Age of the data that it came up with.
    """

    name: str
    id: str
    group: str
    site: str
    host: str
    source_host: str
    state: StepState
    addresses: tuple[str, ...]
    dns: tuple[Mapping[str, Any], ...]
    network: str
    test_vm: str
    start_requested_at: datetime | None
    ready_at: datetime | None
    in_service_at: datetime | None
    recovery_point_at: datetime | None
    facts: Details


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRecord:
    """Something that people were, or will be, asked: a gate of the plan, or a failed step.

    Attributes:
        id: Id of the step it is about.
        approvers: Who may decide now: those asked first, then those it was escalated to.
        asked_at: None while the run has not come to it.
        deadline_at: The limit in force.
        decisions: Everything that anybody decided, in order; `required` approvals settle a gate.
        decision: What settled it; None while it is open.
        via: How it was settled: `ui`, `cli`, `plan` or `time-out`.
        with_code: Those under whose name nothing is decided without a one-time code.
        separate_from: Names of whoever started the run and does not count here.
        remind_every_s: How often those who are asked are reminded; None: never.
    """

    id: str
    about: Literal["gate", "failure"]
    title: str
    shown: str
    approvers: tuple[str, ...]
    required: int
    asked_at: datetime | None
    deadline_at: datetime | None
    decisions: tuple[Decided, ...]
    decision: Decision | None
    by: str
    at: datetime | None
    comment: str
    via: str = ""
    with_code: tuple[str, ...] = ()
    separate_from: tuple[str, ...] = ()
    remind_every_s: float | None = None
    escalations: tuple[Escalated, ...] = ()
    reminders: tuple[Reminded, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether people are asked and have not settled it."""
        return self.asked_at is not None and self.decision is None

    @property
    def missing(self) -> int:
        """How many people more must approve."""
        return max(0, self.required - len({each.by.casefold() for each in self.decisions}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One engine process that carried the run for a while."""

    at: datetime
    holder: str
    flow_run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run: everything that a report tells.

    Attributes:
        kind: The operation: test, planned, unplanned, cleanup, commit, undo, reverse.
        parameters: What the operator chose.
        questions: Gates in the order of the graph, then failures that people were asked about.
        decisions: Every decision in the order of time; `step` is empty where it is about the run.
        fingerprint: Digest of the plan, of each script, and of what it uses of the estate.
        too_late: Those of them that met nothing to decide any more; they changed nothing.
        notifications: Who was told of it, before and after each message.
        last_event_at: Time of the newest event, messages apart.
        summary: What the engine said at the end.
    """

    run_id: str
    plan: str
    plan_digest: str
    kind: str
    direction: str
    state: RunState
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    last_event_at: datetime
    objectives: Objectives
    parameters: Details
    requested_by: str
    versions: Mapping[str, str]
    fingerprint: Mapping[str, str]
    steps: tuple[StepRecord, ...]
    vms: tuple[VmRecord, ...]
    questions: tuple[QuestionRecord, ...]
    decisions: tuple[Decided, ...]
    too_late: tuple[Decided, ...]
    notes: tuple[Noted, ...]
    attachments: tuple[Attachment, ...]
    held_by: str
    summary: str
    by_id: Mapping[str, StepRecord] = field(repr=False, compare=False)
    notifications: tuple[Notified, ...] = ()

    @property
    def is_real_failover(self) -> bool:
        """Whether it moves production: no test, and nothing that follows a failover."""
        return self.kind in REAL_FAILOVERS

    @property
    def duration_s(self) -> float | None:
        """From the first start to the end."""
        return _seconds(self.started_at, self.ended_at)

    @property
    def gates(self) -> tuple[QuestionRecord, ...]:
        """The gates of the plan."""
        return tuple(question for question in self.questions if question.about == "gate")

    @property
    def open_questions(self) -> tuple[QuestionRecord, ...]:
        """What people are asked now."""
        return tuple(question for question in self.questions if question.is_open)

    @property
    def failures(self) -> tuple[StepRecord, ...]:
        """Failed steps, tolerated ones too, earliest first."""
        failed = [step for step in self.steps if step.state is StepState.FAILED]
        return tuple(sorted(failed, key=lambda step: step.ended_at or self.last_event_at))

    @property
    def unsettled(self) -> tuple[StepRecord, ...]:
        """Steps that may or may not have happened: an intent, and no outcome."""
        return tuple(step for step in self.steps if step.is_unsettled)

    @property
    def is_active(self) -> bool:
        """Whether the run still has to go on: it is neither done, nor failed, nor aborted."""
        return self.state in {"pending", "running", "waiting"}

    def vm(self, name: str) -> VmRecord | None:
        """The VM of that name, without case."""
        return next((vm for vm in self.vms if vm.name.casefold() == name.casefold()), None)


def critical_path(record: RunRecord) -> tuple[tuple[str, ...], float]:
    """The chain of steps that determined how long the run took, and its length in seconds.

    Walked backwards from the step that ended last: before each step comes the one it waited for
    that ended last. Barriers are left out; the seconds are those of the steps themselves, so the
    difference to the run's duration is what the engine, and people, added.
    """
    ended = [step for step in record.steps if step.ended_at is not None]
    if not ended:
        return (), 0.0
    current: StepRecord | None = max(ended, key=lambda step: step.ended_at or record.created_at)
    path: list[StepRecord] = []
    while current is not None:
        if current.action != "barrier":
            path.append(current)
        before = [record.by_id[other] for other in current.waits_for]
        current = max(
            (step for step in before if step.ended_at is not None),
            key=lambda step: step.ended_at or record.created_at,
            default=None,
        )
    path.reverse()
    return tuple(step.id for step in path), sum(step.duration_s or 0.0 for step in path)
