"""How well a plan is proved: draft, verified, stale or failing. Derived from the journal. Pure.

A successful rehearsal (any test failover that came up whole and was cleaned up) verifies exactly
the plan, the scripts, the part of the estate and the VMs that it ran with. Where its VMs stand
right now is another question: `secondsite.connectors.standing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from secondsite.plan.fingerprint import changes_between
from secondsite.plan.quantities import format_duration
from secondsite.run.finding import Finding, by_severity, is_sound
from secondsite.run.leftovers import leftovers
from secondsite.run.record import RunRecord
from secondsite.run.states import StepState

__all__ = [
    "AWAY",
    "CHECK",
    "FINDINGS",
    "HARDWARE",
    "LAG",
    "Proof",
    "ProofState",
    "findings_of",
    "lag_seen",
    "prove",
]

AWAY = "away"
"""Key of the VMs that a check saw in the other site after a failover: none is to be made from home
then, which says nothing about the plan. Stored in journals, too."""
CHECK = "check"
"""The operation of a run that only looks."""
FINDINGS = "findings"
"""Key of a check's findings in the evidence of its step. Stored in journals: it never changes."""
HARDWARE = "hardware"
"""Key of what was seen of VMs, in facts and evidence. Stored in journals, too."""
LAG = "lag_s"
"""Key of how old each VM's data was in the other site, in seconds. Stored in journals, too."""
_MOST_REASONS = 5
_NOT_THE_PLANS = frozenset({"worker"})
"""Areas of findings that tell something about the engine, and nothing about a plan."""
_UNDECIDED = frozenset({"pending", "running", "waiting"})


class ProofState(StrEnum):
    """What is known of a plan."""

    DRAFT = "draft"
    VERIFIED = "verified"
    STALE = "stale"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The standing of a plan, and why.

    Attributes:
        reasons: Why it is not verified, in words; for a verified plan, what proves it.
        next_step: What to do about it; empty for a verified plan.
        run_id: The run that decided it; empty for a draft.
        verified_by: The last rehearsal that verified it; empty if there was none.
        verified_at: When that ended.
        stale_at: When `rehearse_within` will have passed.
        changes: What has changed since it was last verified.
    """

    state: ProofState
    reasons: tuple[str, ...]
    next_step: str = ""
    run_id: str = ""
    verified_by: str = ""
    verified_at: datetime | None = None
    stale_at: datetime | None = None
    changes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "state": str(self.state),
            "reasons": list(self.reasons),
            "next": self.next_step,
            "run_id": self.run_id,
            "verified_by": self.verified_by,
            "verified_at": _iso(self.verified_at),
            "stale_at": _iso(self.stale_at),
            "changes": list(self.changes),
        }


def prove(
    plan: str,
    records: Sequence[RunRecord],
    *,
    fingerprint: Mapping[str, str],
    within: timedelta | None,
    now: datetime,
) -> Proof:
    """The standing of the plan.

    Args:
        plan: Its name.
        records: Its tests, clean-ups and checks, oldest first.
        fingerprint: Of the plan as it is now.
        within: How old its last rehearsal may be.
        now: Aware UTC.
    """
    verified = _last_success(records)
    proved_at = verified.ended_at if verified else None
    proof = Proof(
        state=ProofState.DRAFT,
        reasons=("no rehearsal has ever succeeded",),
        next_step=f"secondsite rehearse {plan}",
        verified_by=verified.run_id if verified else "",
        verified_at=proved_at,
        stale_at=proved_at + within if proved_at and within else None,
        changes=tuple(_changes(verified, records, fingerprint)),
    )
    if failing := _failing(proof, records, verified):
        return failing
    if verified is None:
        return proof
    stale = _stale(proof, within, now)
    return replace(
        proof,
        state=ProofState.STALE if stale else ProofState.VERIFIED,
        reasons=tuple(stale) or (f"{verified.run_id} succeeded and was cleaned up",),
        next_step=proof.next_step if stale else "",
        run_id=verified.run_id,
    )


def _failing(
    proof: Proof, records: Sequence[RunRecord], verified: RunRecord | None
) -> Proof | None:
    """The proof of a plan that fails; None if it does not."""
    last = _last_rehearsal(records)
    if last is not None and (wrong := _failures(last, records)):
        return replace(
            proof,
            state=ProofState.FAILING,
            reasons=tuple(wrong),
            next_step=f"secondsite report {last.run_id}; mend it, then: {proof.next_step}",
            run_id=last.run_id,
        )
    check = _last_check(records, after=verified)
    if check is None:
        return None
    graver = [
        each
        for each in findings_of(check)
        if not is_sound([each]) and each.area not in _NOT_THE_PLANS
    ]
    if not graver:
        return None
    return replace(
        proof,
        state=ProofState.FAILING,
        reasons=tuple(_few([str(each) for each in by_severity(graver)])),
        next_step=f"Mend these, then: secondsite check {check.plan}",
        run_id=check.run_id,
    )


def _stale(proof: Proof, within: timedelta | None, now: datetime) -> list[str]:
    reasons = [f"{each} since {proof.verified_by}" for each in proof.changes]
    if within and proof.stale_at and proof.verified_at and now > proof.stale_at:
        reasons.append(
            f"the last rehearsal ended on {proof.verified_at:%Y-%m-%d}, more than "
            f"{format_duration(within)} ago"
        )
    return reasons


def findings_of(check: RunRecord) -> list[Finding]:
    """What a check found."""
    return [
        Finding.from_dict(each) for step in check.steps for each in step.evidence.get(FINDINGS, ())
    ]


def lag_seen(check: RunRecord) -> dict[str, float]:
    """How old the data of each VM was, in seconds; empty if that check did not look."""
    return {vm: lag_s for step in check.steps for vm, lag_s in step.evidence.get(LAG, {}).items()}


def _last_rehearsal(records: Sequence[RunRecord]) -> RunRecord | None:
    """The newest test that tells something: by itself it was refused, it is no rehearsal."""
    return next((each for each in reversed(records) if _tells(each)), None)


def _tells(record: RunRecord) -> bool:
    if record.kind != "test" or record.state in _UNDECIDED:
        return False
    if record.parameters.get("rehearsal"):
        return True
    # A person's test that was refused, or that they broke off, says nothing about the plan.
    began = any(step.action == "failover" and step.attempts for step in record.steps)
    return began and record.state != "aborted"


def _last_success(records: Sequence[RunRecord]) -> RunRecord | None:
    return next(
        (
            each
            for each in reversed(records)
            if _tells(each) and not _failures(each, records) and not _is_up(each, records)
        ),
        None,
    )


def _failures(test: RunRecord, records: Sequence[RunRecord]) -> list[str]:
    """Why that test proved nothing; empty if it did."""
    wrong = [
        f"{step.id}: {step.error.message}" if step.error else f"{step.id} failed"
        for step in test.failures
        if not step.is_tolerated
    ]
    wrong += [
        f"{step.id} was {'done by hand' if step.done_by_hand else 'skipped'}"
        for step in test.steps
        if step.action != "gate" and (step.done_by_hand or step.state is StepState.SKIPPED)
    ]
    if not wrong and test.state != "done":
        wrong = [test.summary or f"it was {test.state}"]
    ended = [
        each for each in records if each.created_at > test.created_at and each.kind == "cleanup"
    ]
    if not wrong and ended and ended[0].state == "failed" and _is_up(test, records):
        wrong = [f"its clean-up {ended[0].run_id} failed: {ended[0].summary}"]
    return _few(wrong)


def _is_up(test: RunRecord, records: Sequence[RunRecord]) -> bool:
    """Whether something of that test is still there."""
    return any(left.run_id == test.run_id for left in leftovers(records).values())


def _last_check(records: Sequence[RunRecord], *, after: RunRecord | None) -> RunRecord | None:
    """The newest check that tells something, if nothing has verified the plan since."""
    checks = (each for each in reversed(records) if each.kind == CHECK)
    newest = next((each for each in checks if not _saw_away(each)), None)
    if newest is None or (after is not None and after.created_at > newest.created_at):
        return None
    return newest


def _saw_away(check: RunRecord) -> bool:
    return any(step.evidence.get(AWAY) for step in check.steps)


def _changes(
    verified: RunRecord | None, records: Sequence[RunRecord], fingerprint: Mapping[str, str]
) -> list[str]:
    if verified is None:
        return []
    return [
        *changes_between(verified.fingerprint, fingerprint),
        *_hardware_changes(_hardware(verified), _newest_hardware(records)),
    ]


def _hardware(record: RunRecord) -> dict[str, Mapping[str, Any]]:
    seen = {vm.name: vm.facts[HARDWARE] for vm in record.vms if vm.facts.get(HARDWARE)}
    if record.kind == CHECK:
        for step in record.steps:
            seen |= step.evidence.get(HARDWARE, {})
    return seen


def _newest_hardware(records: Iterable[RunRecord]) -> dict[str, Mapping[str, Any]]:
    """What was last seen of each VM, by any run or check."""
    seen: dict[str, Mapping[str, Any]] = {}
    for record in records:
        seen |= _hardware(record)
    return seen


def _hardware_changes(
    before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    changes = []
    for name, former in before.items():
        current = now.get(name, former)
        if former.get("id") != current.get("id"):
            changes.append(f"{name} was replaced by another VM of that name")
            continue
        different = [
            f"{_WORDS.get(key, key)} {former.get(key)} → {current.get(key)}"
            for key in former
            if former.get(key) != current.get(key)
        ]
        if different:
            changes.append(f"{name} was changed ({', '.join(different)})")
    return changes


_WORDS = {"memory_mib": "memory in MiB", "adapters": "network adapters"}


def _few(reasons: Sequence[str]) -> list[str]:
    if len(reasons) <= _MOST_REASONS:
        return list(reasons)
    return [*reasons[:_MOST_REASONS], f"… and {len(reasons) - _MOST_REASONS} more"]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
