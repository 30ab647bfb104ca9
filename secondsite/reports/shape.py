"""The one JSON object that a run is reported as: its keys, and what each holds.

`report --json`, `run --json`, the HTML page, the Markdown and the screen all show this object and
nothing else, so that they cannot disagree. Keys are stable: they are added, never renamed.
Times are ISO 8601 in UTC, durations are seconds, and a fact that is not known is null.
"""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from secondsite.reports.prediction import Prediction
from secondsite.reports.recovery_times import RecoveryTimes
from secondsite.reports.spread import Spread

__all__ = [
    "FORMAT",
    "DecisionFacts",
    "DnsFacts",
    "EngineFacts",
    "ErrorFacts",
    "EscalationFacts",
    "FindingFacts",
    "GateFacts",
    "JournalFacts",
    "NoteFacts",
    "ObjectiveFacts",
    "PastRunFacts",
    "PlanOfRunFacts",
    "RunFacts",
    "StandingFacts",
    "State",
    "StepFacts",
    "VmFacts",
]

FORMAT = 1
"""Rises only when a key changes its meaning."""

State = Literal["pending", "running", "waiting", "done", "failed", "skipped", "aborted"]


class ErrorFacts(TypedDict):
    """Why a step failed, and what to do about it."""

    kind: str
    message: str
    next: str


class StepFacts(TypedDict):
    """One step of the run: a real-world action, a script, a gate or a barrier.

    `duration_s` is null until the step has ended; `tolerated` failures did not hold the run back;
    an `unsettled` step may or may not have happened; a `stuck` one cannot start unless people
    decide about a failure before it.
    """

    id: str
    action: str
    title: str
    group: str
    vm: str
    site: str
    host: str
    state: State
    waits_for: list[str]
    attempts: int
    changed: bool
    started_at: str | None
    ended_at: str | None
    duration_s: float | None
    critical: bool
    tolerated: bool
    unsettled: bool
    stuck: bool
    by_hand: bool
    evidence: dict[str, Any]
    error: ErrorFacts | None


class DnsFacts(TypedDict):
    """One DNS name of a VM: what it led to before the run, during it, and now."""

    name: str
    type: str
    zone: str
    before: list[str]
    during: list[str]
    now: list[str] | None
    restored: bool


class VmFacts(TypedDict):
    """One VM of the plan, as the run leaves it.

    `started_at` is when its power-on was requested, `ready_at` when all of its probes held,
    `in_service_at` when it was ready and in DNS, `boot_s` the first of these to the last.
    `proof` tells what answered as wanted: heartbeat, probes, every DNS server. `cleaned_up` is null
    where the run has no clean-up for it.
    """

    name: str
    id: str
    group: str
    site: str
    host: str
    source_host: str
    network: str
    test_vm: str
    state: State
    addresses: list[str]
    dns: list[DnsFacts]
    recovery_point_at: str | None
    started_at: str | None
    ready_at: str | None
    in_service_at: str | None
    boot_s: float | None
    proof: list[str]
    cleaned_up: bool | None


class EscalationFacts(TypedDict):
    """Nobody had answered in time: from `at` on others were asked, too."""

    at: str
    to: list[str]
    deadline_at: str


class GateFacts(TypedDict):
    """What people are asked: a gate of the plan, or a failed step; `id` is the step's."""

    id: str
    about: Literal["gate", "failure"]
    name: str
    instructions: str
    approvers: list[str]
    required: int
    asked_at: str | None
    deadline_at: str | None
    decision: str | None
    by: str
    at: str | None
    comment: str
    waited_s: float | None
    via: str
    with_code: list[str]
    separate_from: list[str]
    escalations: list[EscalationFacts]
    reminders: list[str]


class DecisionFacts(TypedDict):
    """One decision of a person, or of the plan: `via` is `ui`, `cli`, `time-out` or `plan`.

    `with_code`: a one-time code proved who it was; `account`: at whose terminal it was decided.
    """

    step: str
    decision: str
    by: str
    via: str
    at: str
    comment: str
    with_code: bool
    account: str


class NoteFacts(TypedDict):
    """Something worth keeping that changed no state."""

    at: str
    step: str
    level: str
    text: str


class EngineFacts(TypedDict):
    """One engine process that carried the run for a while; a second one means a resumption."""

    at: str
    holder: str
    flow_run: str


class ObjectiveFacts(TypedDict):
    """What was promised and what was measured; `met` is null while nobody can know."""

    rto_s: float | None
    rto_actual_s: float | None
    rto_met: bool | None
    rpo_s: float | None
    rpo_actual_s: float | None
    rpo_met: bool | None
    met: bool | None


class StandingFacts(TypedDict):
    """How well a plan is proved: draft, verified, stale or failing; why, and what to do then."""

    state: str
    reasons: list[str]
    next: str
    run_id: str
    verified_by: str
    verified_at: str | None
    stale_at: str | None
    changes: list[str]


class FindingFacts(TypedDict):
    """One thing that a check found: a blocker, an error or a warning, and what to do about it."""

    severity: str
    area: str
    sentence: str
    remedy: str
    vm: str
    host: str


class PastRunFacts(TypedDict):
    """A failover that can be compared with the reported one: what was measured of its plan.

    `rto_s` has `people_s` in it, the time in which the run only waited for people.
    """

    run_id: str
    kind: str
    direction: str
    created_at: str
    rto_s: float | None
    people_s: float
    rto_met: bool | None
    rpo_s: float | None
    rpo_met: bool | None


class PlanOfRunFacts(TypedDict):
    """A plan that the run is about. A run has one; a rehearsal has one for each of its plans.

    `run_id` is the run that was measured: itself, or the plan's test in the rehearsal (empty if
    there was none). The standings are null where nobody has asked the journal, and `standing_after`
    also while the run is not over. `findings` are those of a check, or of the check of a rehearsal.
    `past` are the newest failovers of its kind and direction in
    which all VMs came into service, oldest first, this one included; `rto` and `rpo` are their
    spread, and `next_run` is what they let expect of the next one.
    """

    plan: str
    run_id: str
    standing_before: StandingFacts | None
    standing_after: StandingFacts | None
    findings: list[FindingFacts]
    objectives: ObjectiveFacts
    recovery: RecoveryTimes
    past: list[PastRunFacts]
    rto: Spread | None
    rpo: Spread | None
    next_run: Prediction | None


class JournalFacts(TypedDict):
    """Where the facts come from; `verified` is null when the hash chain was not checked."""

    events: int | None
    verified: bool | None
    head: str
    problem: str


class RunFacts(TypedDict):
    """One run.

    `people_s` is the time in which the run only waited for people; `critical_path_s` the length of
    the chain of steps that determined how long it took. The difference of both to `duration_s` is
    what the engine itself added.
    """

    format: int
    run_id: str
    plan: str
    plan_digest: str
    kind: str
    direction: str
    state: State
    headline: str
    summary: str
    parameters: dict[str, Any]
    requested_by: str
    held_by: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    reported_at: str
    duration_s: float | None
    people_s: float
    critical_path: list[str]
    critical_path_s: float
    objectives: ObjectiveFacts
    plans: list[PlanOfRunFacts]
    steps: list[StepFacts]
    vms: list[VmFacts]
    gates: list[GateFacts]
    approvals: list[DecisionFacts]
    notes: list[NoteFacts]
    engines: list[EngineFacts]
    versions: dict[str, str]
    journal: JournalFacts
