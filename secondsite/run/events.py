"""The facts that a journal holds: one frozen dataclass per kind, with a lossless JSON form.

An event says what happened, never what it means: `secondsite.run.replay` derives the state of a
run from its events alone. Every `at` is aware UTC and is given by whoever saw the fact (injected
clocks). Bodies carry a version; a body of a newer version is refused, never guessed at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from secondsite.errors import JournalError

__all__ = [
    "EVENT_VERSION",
    "Asked",
    "CodeGiven",
    "Decided",
    "Decision",
    "ErrorFact",
    "Escalated",
    "InventoryTaken",
    "JournalEvent",
    "Noted",
    "Notified",
    "Objectives",
    "PlannedStep",
    "Reminded",
    "RunAttached",
    "RunCreated",
    "RunEnded",
    "RunHeld",
    "RunReleased",
    "StepIntent",
    "StepOutcome",
    "VmFact",
    "from_json",
    "to_json",
]

EVENT_VERSION = 1

Details = Mapping[str, Any]
"""Plain JSON values; never a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """What the plan promises, in seconds; None where it promises nothing.

    Attributes:
        rehearse_within_s: How old its last rehearsal may be.
    """

    rto_s: float | None = None
    rpo_s: float | None = None
    rehearse_within_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step of the run graph, as it was when the run was created.

    Attributes:
        site: Name of the site it acts on; empty for steps of the engine itself.
        waits_for: Steps that must be over before it starts.
        tolerates: Those of `waits_for` that need only be over, not successful.
        on_failure: What a failure of this step leads to: `block` its followers, `stop` the run,
            or `continue` as if done.
    """

    id: str
    action: str
    group: str = ""
    vm: str = ""
    site: str = ""
    title: str = ""
    waits_for: tuple[str, ...] = ()
    tolerates: tuple[str, ...] = ()
    on_failure: Literal["block", "stop", "continue"] = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFact:
    """An error as journals and reports carry it; `secondsite.errors.SecondsiteError.as_dict`."""

    kind: str
    message: str
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmFact:
    """One VM of the plan as the inventory had it before anything was done.

    Attributes:
        id: Hyper-V's VMId.
        site: Where it will run after the operation.
        source_host: The host of the VM that is failed over.
        recovery_point_at: Age of its data: the newest recovery point, or the last replication.
        facts: Whatever else was seen (replication state and health, networks, memory).
    """

    name: str
    id: str = ""
    site: str = ""
    host: str = ""
    source_host: str = ""
    recovery_point_at: datetime | None = None
    facts: Details = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCreated:
    """First event of every run: everything that was decided before anything was touched.

    Attributes:
        operation: `test`, `planned`, `unplanned`, `cleanup`, `commit`, `undo` or `reverse`.
        parameters: What the operator chose (test network, recovery point, …), without secrets.
        steps: The whole graph, in the order in which it is shown.
        requested_by: Who started it, as far as known.
        versions: Of the engine and what it runs on.
        fingerprint: Digest of the plan, of each script, and of what it uses of the estate.
    """

    at: datetime
    run_id: str
    plan: str
    plan_digest: str
    operation: str
    direction: str
    steps: tuple[PlannedStep, ...]
    objectives: Objectives = Objectives()
    parameters: Details = field(default_factory=dict)
    requested_by: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    type: Literal["run.created"] = "run.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAttached:
    """An engine process took the run up: at its start, after a gate, or after a crash.

    Attributes:
        holder: Machine and process (`dr-engine-1:4711`).
        flow_run: Id of the Prefect flow run, if there is one.
    """

    at: datetime
    holder: str
    flow_run: str = ""
    type: Literal["run.attached"] = "run.attached"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The run is over."""

    at: datetime
    state: Literal["done", "failed", "aborted"]
    summary: str = ""
    type: Literal["run.ended"] = "run.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHeld:
    """A person holds the run: nothing new starts.

    Attributes:
        account: The account of the machine at whose terminal it was, where there was one.
    """

    at: datetime
    by: str
    via: str = "cli"
    comment: str = ""
    account: str = ""
    type: Literal["run.held"] = "run.held"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReleased:
    """A person lets a held run go on, in Prefect's UI (`ui`) or at a terminal (`cli`)."""

    at: datetime
    by: str
    via: str = "cli"
    comment: str = ""
    account: str = ""
    type: Literal["run.released"] = "run.released"


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryTaken:
    """What the sites showed of the plan's VMs."""

    at: datetime
    vms: tuple[VmFact, ...]
    type: Literal["inventory.taken"] = "inventory.taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepIntent:
    """Written before an action: from now on it may have happened."""

    at: datetime
    step: str
    host: str = ""
    type: Literal["step.intent"] = "step.intent"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """Written after an action: what came out.

    Keys of `evidence` that records understand for a VM's step: `addresses` (list of text: of its
    first adapter), `adapters` (list of objects with `addresses`), `dns` (list of objects), `host`,
    `network`, `test_vm`, `test_vm_id`, `recovery_point_at` (ISO 8601).
    """

    at: datetime
    step: str
    state: Literal["done", "failed", "skipped"]
    changed: bool = False
    evidence: Details = field(default_factory=dict)
    error: ErrorFact | None = None
    type: Literal["step.outcome"] = "step.outcome"


class Decision(StrEnum):
    """What people (or a policy) may decide about a gate or a failed step."""

    APPROVE = "approve"
    REJECT = "reject"
    RETRY = "retry"
    SKIP = "skip"
    MARK_DONE = "mark-done"
    ABORT = "abort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """People are asked about a step: a gate of the plan, or a step that failed.

    Attributes:
        shown: The text they see, complete.
        required: How many different people must approve.
        deadline_at: After this the gate's `on_timeout` decides; None waits for ever.
        with_code: Those under whose name nothing is decided without a one-time code.
        separate_from: Names of whoever started the run and does not count; empty where all count.
        remind_every_s: How often people are reminded; None never.
        is_for_record: Nobody waits for an answer: the plan gives it, in the next event.
    """

    at: datetime
    step: str
    about: Literal["gate", "failure"] = "gate"
    title: str = ""
    shown: str = ""
    approvers: tuple[str, ...] = ()
    required: int = 1
    deadline_at: datetime | None = None
    with_code: tuple[str, ...] = ()
    separate_from: tuple[str, ...] = ()
    remind_every_s: float | None = None
    is_for_record: bool = False
    type: Literal["decision.asked"] = "decision.asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """Nobody has answered in time: others are asked about the same gate, too.

    Attributes:
        approvers: Those who are asked now, beside those who were.
        deadline_at: The new limit.
        with_code: Those of them under whose name nothing is decided without a one-time code.
    """

    at: datetime
    step: str
    approvers: tuple[str, ...]
    deadline_at: datetime
    with_code: tuple[str, ...] = ()
    type: Literal["decision.escalated"] = "decision.escalated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """People who are asked have not answered yet, and are to be told again.

    Attributes:
        number: 1 for the first reminder since they were asked, or since it was escalated.
        approvers: Who may decide; empty: anybody.
        deadline_at: As the question has it now.
    """

    at: datetime
    step: str
    number: int
    approvers: tuple[str, ...] = ()
    deadline_at: datetime | None = None
    type: Literal["decision.reminded"] = "decision.reminded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision.

    Attributes:
        by: Who; `the plan` or `time-out` where no person did.
        via: `ui`, `cli`, `plan` or `time-out`.
        with_code: Whether a one-time code proved who it was.
        account: The account of the machine at whose terminal it was decided, where there was one.
    """

    at: datetime
    step: str
    decision: Decision
    by: str
    via: str = "cli"
    comment: str = ""
    with_code: bool = False
    account: str = ""
    type: Literal["decision.made"] = "decision.made"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeGiven:
    """Somebody gave a one-time code for an approver. The code itself is never kept.

    Attributes:
        by: The approver, as the estate writes the name.
        period: Which code it was: the number of its 30 seconds since 1970. None: a wrong one.
        locked_until: Set with the wrong code that locked the approver.
    """

    at: datetime
    by: str
    via: str
    step: str = ""
    period: int | None = None
    locked_until: datetime | None = None
    type: Literal["code.given"] = "code.given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something worth keeping that changes no state."""

    at: datetime
    text: str
    step: str = ""
    level: Literal["info", "warning"] = "info"
    details: Details = field(default_factory=dict)
    type: Literal["note"] = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """A message to one target: before it is sent, and what came of it.

    Attributes:
        topic: What it is about (`secondsite.plan.notifications.Topic`).
        about: The numbers, in the run, of the events that it tells of.
        state: `sending` is written before anything is sent, and nothing is sent twice. `unknown`:
            it may or may not have arrived.
        why: What went wrong; never a secret.
    """

    at: datetime
    target: str
    topic: str
    about: tuple[int, ...]
    state: Literal["sending", "sent", "failed", "unknown"]
    why: str = ""
    type: Literal["notification"] = "notification"


JournalEvent = (
    RunCreated
    | RunAttached
    | RunEnded
    | RunHeld
    | RunReleased
    | InventoryTaken
    | StepIntent
    | StepOutcome
    | Asked
    | Escalated
    | Reminded
    | Decided
    | CodeGiven
    | Noted
    | Notified
)

_ADAPTER: TypeAdapter[JournalEvent] = TypeAdapter(
    Annotated[JournalEvent, Field(discriminator="type")]
)


def to_json(event: JournalEvent) -> str:
    """`event` as canonical JSON: one text per fact, so that it can be hashed."""
    body = _ADAPTER.dump_python(event, mode="json", fallback=str)
    body["v"] = EVENT_VERSION
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Half a character (UTF-16 of Windows, cut in two) cannot be stored; its JSON escape can.
    return text.encode("utf-8", "backslashreplace").decode()


def from_json(text: str) -> JournalEvent:
    """The event that `to_json` wrote.

    Raises:
        JournalError: not an event, or one that a newer engine wrote.
    """
    try:
        body = json.loads(text)
        version = body.pop("v")
    except (ValueError, KeyError, AttributeError, TypeError) as exc:
        raise JournalError(
            "The journal holds a row that is no event.", next_step="Run: secondsite runs verify"
        ) from exc
    if not isinstance(version, int) or version > EVENT_VERSION:
        raise JournalError(
            f"The journal holds an event of version {version}; "
            f"this engine reads up to {EVENT_VERSION}.",
            next_step="Use the newer engine that wrote it.",
        )
    try:
        return _ADAPTER.validate_python(body)
    except ValidationError as exc:
        raise JournalError(
            f"The journal holds an event of type {body.get('type')!r} "
            "that this engine cannot read.",
            next_step="Use the engine that wrote it, or run: secondsite runs verify",
        ) from exc
