"""What test failovers have left behind: the only things that a clean-up may touch. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondsite.plan.made_network import MADE_NETWORKS
from secondsite.run.adapters_seen import PLANNED, TARGET, Former
from secondsite.run.record import RunRecord, StepRecord, VmRecord
from secondsite.run.states import StepState

__all__ = [
    "DNS_CHANGES",
    "LeftNetworks",
    "Leftover",
    "dns_changes_noted",
    "leftovers",
    "networks_left",
]

DNS_CHANGES = "dns_changes"
"""Key, in a note's details, of a VM's DNS changes: written before the content is changed.

It is stored in journals: a clean-up finds by it what to put back, so it never changes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What a test failover made for one VM, as far as the journal knows.

    Attributes:
        run_id: The run that made it: the mark that its test VM bears.
        vm_id: Hyper-V's VMId of the replica.
        test_vm_id: None when the run died before it learnt it: its mark tells the test VM then.
        made_vm: There may be a test VM of ours; else only addresses were taken for one.
        granted: Addresses may have been taken out of pools for it.
        former_address: What the clean-up puts back on the replica's adapters, as the failover told.
        former: The same as the look before the run saw it; None in older journals.
        dns: Per changed record, what it was before and what we made of it.
    """

    vm: str
    run_id: str
    host: str
    site: str
    vm_id: str
    test_vm: str = ""
    test_vm_id: str | None = None
    made_vm: bool = True
    granted: bool = False
    former_address: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    former: Former | None = None
    dns: tuple[Mapping[str, Any], ...] = ()


def leftovers(records: Iterable[RunRecord]) -> dict[str, Leftover]:
    """What is left of the test failovers in `records`, by VM name.

    Args:
        records: Runs of one plan, oldest first.
    """
    left: dict[str, Leftover] = {}
    for record in records:
        for step in record.steps:
            if not step.vm:
                continue
            if record.kind == "test" and step.action in _MAKES and _may_have_made(step):
                left[step.vm] = _left_by(record, step)
            elif step.action == "cleanup" and step.state is StepState.DONE:
                left.pop(step.vm, None)
    return left


_MAKES = frozenset({"grant", "failover"})


def _may_have_made(step: StepRecord) -> bool:
    """Whether there may be a test VM of ours: begun, and not refused because of somebody else's."""
    is_refused = step.state is StepState.FAILED and bool(step.evidence.get("test_vm_id"))
    return bool(step.attempts) and not is_refused


def dns_changes_noted(record: RunRecord) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The DNS changes that each step of the run announced before it made them, by step id."""
    return {
        note.step: note.details[DNS_CHANGES] for note in record.notes if DNS_CHANGES in note.details
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftNetworks:
    """VM networks that a test may have made: all that it meant to, whatever came of that.

    Attributes:
        run_id: The run that made them: they bear its mark.
        site: Where they are.
        names: Their names.
        hosts: Where its test VMs were.
    """

    run_id: str
    site: str
    names: tuple[str, ...]
    hosts: tuple[str, ...] = ()


def networks_left(records: Iterable[RunRecord]) -> tuple[LeftNetworks, ...]:
    """The VM networks that tests in `records` began to make and no clean-up removed.

    Args:
        records: Runs of one plan, oldest first.
    """
    left: list[LeftNetworks] = []
    for record in records:
        meant = next((each.evidence for each in record.steps if each.action == "preflight"), {})
        for step in record.steps:
            if step.action == "make-networks" and step.attempts:
                names = tuple(str(each["name"]) for each in meant.get(MADE_NETWORKS, ()))
                hosts = tuple(sorted({vm.host for vm in record.vms if vm.host}))
                left.append(
                    LeftNetworks(run_id=record.run_id, site=step.site, names=names, hosts=hosts)
                )
            if step.action == "networks" and step.state is StepState.DONE:
                left.clear()
    return tuple(left)


def _left_by(record: RunRecord, step: StepRecord) -> Leftover:
    vm = record.vm(step.vm)
    kept = dns_changes_noted(record)
    own = [each for each in record.steps if each.vm == step.vm]
    dns_steps = [each.id for each in own if each.action == "dns"]
    return Leftover(
        vm=step.vm,
        run_id=record.run_id,
        host=step.host or (vm.host if vm else ""),
        site=vm.site if vm else "",
        vm_id=vm.id if vm else "",
        test_vm=str(step.evidence.get("test_vm") or ""),
        test_vm_id=step.evidence.get("test_vm_id") if step.state is StepState.DONE else None,
        made_vm=step.action == "failover",
        granted=any(each.action == "grant" and each.attempts for each in own),
        former_address=step.evidence.get("former_address"),
        former=_former(vm, own),
        dns=tuple(change for each in dns_steps for change in kept.get(each, ())),
    )


def _former(vm: VmRecord | None, steps: Sequence[StepRecord]) -> Former | None:
    if vm is None or TARGET not in vm.facts:
        return None
    granted = [each for step in steps if step.action == "grant" for each in _granted(step)]
    return Former(
        adapters=vm.facts[TARGET], planned=vm.facts.get(PLANNED, ()), granted=tuple(granted)
    )


def _granted(step: StepRecord) -> Sequence[Mapping[str, Any]]:
    return step.evidence.get("granted", ())  # type: ignore[no-any-return]
