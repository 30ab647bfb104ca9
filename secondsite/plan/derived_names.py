"""The names that an estate's rules give to the VMs of a plan. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secondsite.errors import Fault
from secondsite.plan.dns_rules import DnsRule
from secondsite.plan.estate import Estate
from secondsite.plan.guests import DnsRecord
from secondsite.plan.model import Plan, PlannedVm
from secondsite.plan.yaml_source import Source

__all__ = ["check_derived_names", "with_derived_names"]


def with_derived_names(plan: Plan, estate: Estate) -> Plan:
    """`plan` with the names that the rules give to VMs of which it says nothing about DNS.

    `dns: []` is something: such a VM gets none. So does one whose name fits into no DNS name, which
    `check_derived_names` has refused.
    """
    rules = _rules(plan, estate)
    if not rules:
        return plan
    groups = tuple(
        group.model_copy(update={"vms": tuple(_named(vm, rules) for vm in group.vms)})
        for group in plan.groups
    )
    return plan.model_copy(update={"groups": groups})


def check_derived_names(source: Source[Plan], plan: Plan, estate: Estate) -> Iterator[Fault]:
    """A fault for each VM that a rule cannot name."""
    for index, group in enumerate(plan.groups):
        for number, vm in enumerate(group.vms):
            for rule in _rules(plan, estate) if _is_unnamed(vm) else ():
                if _record(vm, rule) is None:
                    yield source.fault(
                        f'"{vm.name}" fits into no DNS name, as the rule {rule.name} of the estate '
                        "wants it: write its `dns` here (`dns: []` for none)",
                        *("groups", index, "vms", number),
                    )


def _rules(plan: Plan, estate: Estate) -> Sequence[DnsRule]:
    protection = estate.protection(plan.protection)
    own = protection.dns_rules if protection is not None else ()
    return own or estate.dns_policy.rules


def _is_unnamed(vm: PlannedVm) -> bool:
    return "dns" not in vm.model_fields_set


def _named(vm: PlannedVm, rules: Sequence[DnsRule]) -> PlannedVm:
    if not _is_unnamed(vm):
        return vm
    records = [record for rule in rules if (record := _record(vm, rule)) is not None]
    return vm.model_copy(update={"dns": tuple(records)}) if records else vm


def _record(vm: PlannedVm, rule: DnsRule) -> DnsRecord | None:
    try:
        name = rule.name_of(vm.name)
    except ValueError:
        return None
    return DnsRecord(name=name, zone=rule.zone, ttl=rule.ttl, ptr=rule.ptr)
