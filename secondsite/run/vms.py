"""What a run's steps tell about one VM, put together. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from secondsite.run.events import VmFact
from secondsite.run.record import StepRecord, VmRecord
from secondsite.run.states import StepState

__all__ = ["vm_record"]

_BOOT = frozenset({"ready", "address", "dns", "verify"})


def vm_record(name: str, steps: Sequence[StepRecord], fact: VmFact) -> VmRecord:
    """The VM `name`, from its steps and what the inventory said of it.

    Evidence of later steps stands over that of earlier ones.
    """
    seen: dict[str, Any] = {}
    dns: list[Mapping[str, Any]] = []
    for step in steps:
        seen |= {key: value for key, value in step.evidence.items() if value is not None}
        if step.action == "dns":
            dns += step.evidence.get("dns", ())
    of = {step.action: step for step in steps}
    boot = [step for step in steps if step.action in _BOOT]
    is_up = bool(boot) and all(step.state is StepState.DONE for step in boot)
    point = seen.get("recovery_point_at")
    return VmRecord(
        name=fact.name if fact.id else name,
        id=fact.id,
        group=steps[0].group,
        site=fact.site or next((step.site for step in steps if step.site), ""),
        host=str(seen.get("host") or fact.host),
        source_host=fact.source_host,
        state=_together([step.state for step in steps]),
        addresses=_addresses(seen),
        dns=tuple(dns),
        network=str(seen.get("network", "")),
        test_vm=str(seen.get("test_vm", "")),
        start_requested_at=of["start"].started_at if "start" in of else None,
        ready_at=_done_at(of.get("ready")),
        in_service_at=max((step.ended_at for step in boot if step.ended_at), default=None)
        if is_up
        else None,
        recovery_point_at=datetime.fromisoformat(point) if point else fact.recovery_point_at,
        facts=fact.facts,
    )


def _addresses(seen: Mapping[str, Any]) -> tuple[str, ...]:
    """Its addresses, those of its first adapter first."""
    others = (address for each in seen.get("adapters", ()) for address in each["addresses"])
    return tuple(dict.fromkeys([*seen.get("addresses", ()), *others]))


def _done_at(step: StepRecord | None) -> datetime | None:
    return step.ended_at if step is not None and step.state is StepState.DONE else None


def _together(states: Sequence[StepState]) -> StepState:
    """One word for several steps: the worst if one ended badly, else how far they have come."""
    for worst in (
        StepState.FAILED,
        StepState.ABORTED,
        StepState.RUNNING,
        StepState.WAITING,
    ):
        if worst in states:
            return worst
    if StepState.PENDING in states:
        return (
            StepState.PENDING
            if all(state is StepState.PENDING for state in states)
            else StepState.RUNNING
        )
    return StepState.DONE if StepState.DONE in states else StepState.SKIPPED
