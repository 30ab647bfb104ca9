"""RTO and RPO: what was promised, what was measured, whether it was met. Pure.

RTO is measured from the decision (the run was created) until the last VM is ready and in DNS. RPO
is the age, at the decision, of the data that the VMs came up with: the oldest counts. A planned
failover sends the last changes first and loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from secondsite.reports.shape import ObjectiveFacts
from secondsite.run.record import RunRecord, VmRecord
from secondsite.run.states import StepState

__all__ = ["measure_objectives"]


def measure_objectives(record: RunRecord, *, now: datetime) -> ObjectiveFacts:
    """The objectives of the plan against what the run did; None where nobody can know (yet)."""
    rto_s, rpo_s = record.objectives.rto_s, record.objectives.rpo_s
    coming_up = _vms_coming_up(record)
    rto_actual_s = _rto_s(record, coming_up)
    rpo_actual_s = _rpo_s(record, coming_up)
    rto_met = _rto_met(record, rto_s=rto_s, actual_s=rto_actual_s, now=now) if coming_up else None
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


def _vms_coming_up(record: RunRecord) -> list[VmRecord]:
    started = {step.vm.casefold() for step in record.steps if step.action == "start"}
    return [vm for vm in record.vms if vm.name.casefold() in started]


def _rto_s(record: RunRecord, vms: Sequence[VmRecord]) -> float | None:
    moments = [vm.in_service_at for vm in vms if vm.in_service_at is not None]
    if not moments or len(moments) < len(vms):
        return None
    return round((max(moments) - record.created_at).total_seconds(), 3)


def _rto_met(
    record: RunRecord, *, rto_s: float | None, actual_s: float | None, now: datetime
) -> bool | None:
    if rto_s is None:
        return None
    if actual_s is not None:
        return actual_s <= rto_s
    if record.ended_at is not None or (now - record.created_at).total_seconds() > rto_s:
        return False  # some VM never came into service, or not in time
    return None


def _rpo_s(record: RunRecord, vms: Sequence[VmRecord]) -> float | None:
    sent = {
        step.vm.casefold()
        for step in record.steps
        if step.action == "prepare" and step.state is StepState.DONE
    }
    ages_s: list[float] = []
    for vm in vms:
        if vm.name.casefold() in sent:
            ages_s.append(0.0)
        elif vm.recovery_point_at is None:
            return None
        else:
            age_s = (record.created_at - vm.recovery_point_at).total_seconds()
            ages_s.append(max(0.0, age_s))  # replicated after the decision: nothing older is lost
    return round(max(ages_s), 3) if ages_s else None


def _together(
    rto_s: float | None, rto_met: bool | None, rpo_s: float | None, rpo_met: bool | None
) -> bool | None:
    judged = [met for promised, met in ((rto_s, rto_met), (rpo_s, rpo_met)) if promised is not None]
    if False in judged:
        return False
    return None if not judged or None in judged else True
