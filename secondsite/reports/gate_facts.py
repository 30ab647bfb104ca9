"""A run's record → the facts that a gate's instructions may tell, as far as known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from secondsite.plan.instruction_words import VM_OF_GATE, VMS
from secondsite.reports.objectives import measure_objectives
from secondsite.run.record import RunRecord, VmRecord

__all__ = ["gate_facts"]


def gate_facts(
    record: RunRecord, step_id: str, *, source_site: str, target_site: str, now: datetime
) -> Mapping[str, Any]:
    """What is known when the gate opens.

    Args:
        record: The run as it stands.
        step_id: The gate.
        source_site: The site that the VMs leave.
        target_site: The site in which they come up.
        now: When the gate opens.
    """
    gate = record.by_id[step_id]
    vms = {vm.name: _vm(record, vm) for vm in record.vms}
    lost_s = measure_objectives(record, now=now)["rpo_actual_s"]
    facts: dict[str, Any] = {
        "run_id": record.run_id,
        "plan": record.plan,
        "kind": record.kind,
        "direction": record.direction,
        "started_by": record.requested_by,
        "started_at": record.created_at,
        "source_site": source_site,
        "target_site": target_site,
        "recovery_point": record.parameters.get("recovery_point"),
        "minutes_lost": _minutes(lost_s),
        "gate": gate.title,
        "group": gate.group,
        VMS: vms,
    }
    if gate.vm:
        facts[VM_OF_GATE] = vms[gate.vm]
    return facts


def _vm(record: RunRecord, vm: VmRecord) -> Mapping[str, Any]:
    is_sent = any(
        step.action == "prepare" and step.vm == vm.name and step.state == "done"
        for step in record.steps
    )
    lost_s = 0.0 if is_sent else None
    if lost_s is None and vm.recovery_point_at is not None:
        lost_s = max(0.0, (record.created_at - vm.recovery_point_at).total_seconds())
    return {
        "name": vm.name,
        "id": vm.id,
        "group": vm.group,
        "state": str(vm.state),
        "site": vm.site,
        "host": vm.host,
        "source_host": vm.source_host,
        "network": vm.network,
        "addresses": vm.addresses,
        "dns": tuple(str(each["name"]) for each in vm.dns if each.get("name")),
        "recovery_point": vm.recovery_point_at,
        "minutes_lost": _minutes(lost_s),
    }


def _minutes(seconds: float | None) -> int | None:
    """Whole minutes, rounded up: nobody is told that less is lost than is."""
    return None if seconds is None else int(-(-seconds // 60))
