"""The facts of a run that a gate's instructions may tell: their names, and what each means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from secondsite.plan.model import Plan

__all__ = ["RUN_WORDS", "VMS", "VM_OF_GATE", "VM_WORDS", "sample_facts"]

VMS = "vms"
VM_OF_GATE = "vm"

RUN_WORDS: Mapping[str, str] = {
    "run_id": "the run's id",
    "plan": "the plan's name",
    "kind": "`test`, `planned` or `unplanned`",
    "direction": "`forward` or `back`",
    "started_by": "who started the run",
    "started_at": "when",
    "source_site": "the site that the VMs leave",
    "target_site": "the site in which they come up",
    "recovery_point": "which recovery point was chosen: `latest`, …",
    "minutes_lost": "minutes of data lost, of the VM that loses most",
    "gate": "the gate's name",
    "group": "the group it belongs to; nothing for gates around shutdown and failover",
    VMS: "every VM of the plan by name: `vms.sql01.addresses`, `vms['sql-01'].addresses`",
    VM_OF_GATE: "at a gate before or after a single VM: that VM",
}

VM_WORDS: Mapping[str, str] = {
    "name": "the VM's name",
    "id": "Hyper-V's id of it",
    "group": "its group",
    "state": "`pending`, `running`, `done`, `failed`, …",
    "site": "where it comes up",
    "host": "its host there",
    "source_host": "the host that it leaves",
    "network": "the network it is connected to",
    "addresses": "its addresses",
    "dns": "the names that lead to it",
    "recovery_point": "the time of the data it comes up with",
    "minutes_lost": "minutes of its data that are lost",
}

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_SAMPLES: Mapping[str, Any] = {
    "started_at": _NOW,
    "recovery_point": _NOW,
    "minutes_lost": 3,
    "addresses": ("192.0.2.1", "2001:db8::1"),
    "dns": ("sql.example",),
}
_ALWAYS_THERE = frozenset({"name", "run_id", "plan", "kind", "direction", "started_at", "gate"})


def sample_facts(plan: Plan, *, at_vm: bool, are_known: bool) -> dict[str, Any]:
    """Facts of the right shape, to try instructions on before there is a run.

    Args:
        plan: Whose VMs there are.
        at_vm: Whether the gate belongs to a single VM.
        are_known: Else everything that a run may not know yet is unknown.
    """

    def value(word: str) -> Any:
        if not are_known and word not in _ALWAYS_THERE:
            return () if word in {"addresses", "dns"} else None
        return _SAMPLES.get(word, "text")

    facts = {word: value(word) for word in RUN_WORDS}
    facts[VMS] = {
        vm.name: {word: value(word) for word in VM_WORDS} | {"name": vm.name} for vm in plan.vms
    }
    del facts[VM_OF_GATE]
    if at_vm:
        facts[VM_OF_GATE] = {word: value(word) for word in VM_WORDS}
    return facts
