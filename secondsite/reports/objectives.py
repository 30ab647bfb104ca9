"""RTO and RPO: what was promised, what was measured, whether it was met. Pure.

RTO is measured from the decision (the run was created) until the last VM is ready and in DNS. RPO
is the age, at the decision, of the data that the VMs came up with: the oldest counts.
"""

from __future__ import annotations

from datetime import datetime

from secondsite.reports.recovery_times import recovery_times
from secondsite.reports.shape import ObjectiveFacts
from secondsite.run.record import RunRecord

__all__ = ["measure_objectives"]


def measure_objectives(record: RunRecord, *, now: datetime) -> ObjectiveFacts:
    """The objectives of the plan against what the run did; None where nobody can know (yet)."""
    rto_s, rpo_s = record.objectives.rto_s, record.objectives.rpo_s
    times = recovery_times(record)
    rto_actual_s, rpo_actual_s = times["plan"]["rto_s"], times["plan"]["rpo_s"]
    rto_met = (
        _rto_met(record, rto_s=rto_s, actual_s=rto_actual_s, now=now) if times["vms"] else None
    )
    rpo_met = None if rpo_s is None or rpo_actual_s is None else rpo_actual_s <= rpo_s
    return {
        "rto_s": rto_s,
        "rto_actual_s": rto_actual_s,
        "rto_met": rto_met,
        "rpo_s": rpo_s,
        "rpo_actual_s": rpo_actual_s,
        "rpo_met": rpo_met,
        "met": _together(rto_s, rto_met, rpo_s, rpo_met),
    }


def _rto_met(
    record: RunRecord, *, rto_s: float | None, actual_s: float | None, now: datetime
) -> bool | None:
    if rto_s is None or _was_refused(record):
        return None
    if actual_s is not None:
        return actual_s <= rto_s
    if record.ended_at is not None or (now - record.created_at).total_seconds() > rto_s:
        return False  # some VM never came into service, or not in time
    return None


def _was_refused(record: RunRecord) -> bool:
    """Whether its preflight spoke against it: it touched nothing, and there is nothing to judge."""
    begun = [step for step in record.steps if step.attempts]
    return record.ended_at is not None and all(step.action == "preflight" for step in begun)


def _together(
    rto_s: float | None, rto_met: bool | None, rpo_s: float | None, rpo_met: bool | None
) -> bool | None:
    judged = [met for promised, met in ((rto_s, rto_met), (rpo_s, rpo_met)) if promised is not None]
    if False in judged:
        return False
    return None if not judged or None in judged else True
