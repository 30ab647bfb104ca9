"""How long recovery took, from the decision to *ready and in DNS*: plan, groups and VMs. Pure.

The decision is the request for the run. Time in which the run only waited for people is told apart:
no machine can shorten it. How much is lost is the age, at the decision, of the data that a VM came
up with; a planned failover sends the last changes first and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from secondsite.reports.spans import Span, merged, subtract
from secondsite.run.record import RunRecord, VmRecord
from secondsite.run.states import StepState

__all__ = ["RecoveryTime", "RecoveryTimes", "recovery_times", "waited_for_people"]


class RecoveryTime(TypedDict):
    """How long one thing took; null while it is not in service.

    `people_s` is the part of `rto_s` in which the run only waited for people.
    """

    name: str
    rto_s: float | None
    people_s: float
    rpo_s: float | None


class RecoveryTimes(TypedDict):
    """Of the plan, of each group, and of each VM, in the order of the plan."""

    plan: RecoveryTime
    groups: list[RecoveryTime]
    vms: list[RecoveryTime]


def recovery_times(record: RunRecord) -> RecoveryTimes:
    """The recovery times of a run."""
    measure = _Measure(
        record=record,
        waits=waited_for_people(record),
        sent=frozenset(
            step.vm.casefold()
            for step in record.steps
            if step.action == "prepare" and step.state is StepState.DONE
        ),
    )
    starts = (step for step in record.steps if step.action == "start")
    # What was called off recovers nothing: its VMs start again where they were.
    starting = set() if record.kind == "cancel" else {step.vm.casefold() for step in starts}
    vms = [vm for vm in record.vms if vm.name.casefold() in starting]
    groups: dict[str, list[VmRecord]] = {}
    for vm in vms:
        groups.setdefault(vm.group, []).append(vm)
    return {
        "plan": measure.of(record.plan, vms),
        "groups": [measure.of(name, held) for name, held in groups.items()],
        "vms": [measure.of(vm.name, [vm]) for vm in vms],
    }


def waited_for_people(record: RunRecord, *, now: datetime | None = None) -> list[Span]:
    """The stretches in which the run only waited for people, in seconds since the decision."""
    end = record.ended_at or now or record.last_event_at

    def spans(pairs: Iterable[tuple[datetime | None, datetime | None]]) -> list[Span]:
        return [
            (
                (start - record.created_at).total_seconds(),
                ((over or end) - record.created_at).total_seconds(),
            )
            for start, over in pairs
            if start is not None
        ]

    asked = spans((question.asked_at, question.at) for question in record.questions)
    about = {question.id for question in record.questions}
    working = spans(
        (step.started_at, step.ended_at) for step in record.steps if step.id not in about
    )
    return subtract(merged(asked), merged(working))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """What all measurements of a run need.

    Attributes:
        sent: VMs whose last changes were sent before they were failed over, in lower case.
    """

    record: RunRecord
    waits: list[Span]
    sent: frozenset[str]

    def of(self, name: str, vms: list[VmRecord]) -> RecoveryTime:
        """How long `vms` took together."""
        moments = [vm.in_service_at for vm in vms if vm.in_service_at is not None]
        rpo_s = self._oldest_s(vms)
        if not moments or len(moments) < len(vms):
            return {"name": name, "rto_s": None, "people_s": 0.0, "rpo_s": rpo_s}
        rto_s = (max(moments) - self.record.created_at).total_seconds()
        people_s = sum(min(end, rto_s) - start for start, end in self.waits if start < rto_s)
        return {
            "name": name,
            "rto_s": round(rto_s, 3),
            "people_s": round(people_s, 3),
            "rpo_s": rpo_s,
        }

    def _oldest_s(self, vms: list[VmRecord]) -> float | None:
        """Age of the oldest data among `vms`; None while it is not known of one of them."""
        ages_s: list[float] = []
        for vm in vms:
            if vm.name.casefold() in self.sent:
                ages_s.append(0.0)
            elif vm.recovery_point_at is None:
                return None
            else:
                age_s = (self.record.created_at - vm.recovery_point_at).total_seconds()
                ages_s.append(max(0.0, age_s))  # replicated after the decision: nothing is lost
        return round(max(ages_s), 3) if ages_s else None
