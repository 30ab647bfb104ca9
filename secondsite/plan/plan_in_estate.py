"""What is wrong with a plan in its estate, and what is only worth a warning."""

from __future__ import annotations

from collections.abc import Iterator

from secondsite.errors import Fault
from secondsite.plan.address_checks import check_addresses_in_estate, warn_of_addresses
from secondsite.plan.estate import Estate
from secondsite.plan.guest_credentials import check_guest_credentials
from secondsite.plan.guests import DnsRecord
from secondsite.plan.hook_places import hook_places
from secondsite.plan.hooks import GateHook
from secondsite.plan.model import Plan, PlannedVm
from secondsite.plan.quantities import format_duration
from secondsite.plan.rehearsal_checks import check_rehearsal_in_estate, warn_about_rehearsal
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_in_estate", "warn_in_estate"]

Place = tuple[str | int, ...]


def check_in_estate(source: Source[Plan], plan: Plan, estate: Estate) -> Iterator[Fault]:
    """Every fault of `plan` that shows only beside `estate`."""
    protection = estate.protection(plan.protection)
    if protection is None:
        known = [each.name for each in estate.protections]
        yield source.fault(
            f'"{plan.protection}" is not a protection of the estate'
            f"{did_you_mean(plan.protection, known)}",
            "protection",
        )
    else:
        yield from check_addresses_in_estate(source, plan, estate, protection)
    yield from _check_approvers(source, plan, estate)
    yield from check_guest_credentials(source, plan, estate)
    yield from check_rehearsal_in_estate(source, plan, estate)
    for path, vm in _vms(plan):
        for index, record in enumerate(vm.dns):
            yield from _check_zone(source, record, (*path, "dns", index), estate)


def _check_approvers(source: Source[Plan], plan: Plan, estate: Estate) -> Iterator[Fault]:
    if not estate.approvers:
        return
    known = [each.name for each in estate.approvers]
    for place in hook_places(plan):
        if not isinstance(place.hook, GateHook):
            continue
        gate, path = place.hook, place.path
        named = [((*path, "approvers", i), name) for i, name in enumerate(gate.approvers)]
        if gate.escalate:
            others = enumerate(gate.escalate.approvers)
            named += [((*path, "escalate", "approvers", i), name) for i, name in others]
        for where, name in named:
            if estate.approver(name) is None:
                yield source.fault(
                    f'"{name}" is not one of the approvers of the estate'
                    f"{did_you_mean(name, known)}",
                    *where,
                )


def warn_in_estate(source: Source[Plan], plan: Plan, estate: Estate) -> Iterator[Fault]:
    """What is possible but probably not meant; a run does not mind it."""
    yield from warn_about_rehearsal(source, plan)
    yield from _warn_of_mere_names(source, plan, estate)
    yield from warn_of_addresses(source, plan)
    rto = plan.objectives.rto
    untested: set[str] = set()
    for path, vm in _vms(plan):
        for index, record in enumerate(vm.dns):
            place = (*path, "dns", index)
            if rto is not None and record.ttl is not None and record.ttl > rto:
                yield source.fault(
                    f"clients may keep the old address for {format_duration(record.ttl)}, longer "
                    f"than the RTO of {format_duration(rto)}: write a shorter ttl",
                    *place,
                    "ttl",
                )
            if not _is_tested(record.zone, estate) and record.zone not in untested:
                untested.add(record.zone)
                yield source.fault(
                    f"test failovers will write no names of {record.zone}: no dns target for tests "
                    "serves it; add one to the estate (for_tests: true)",
                    *place,
                )
        if rto is not None and vm.boot_timeout > rto:
            yield source.fault(
                f"it may take {format_duration(vm.boot_timeout)} to boot, longer than the RTO of "
                f"{format_duration(rto)}: write a shorter boot_timeout",
                *path,
                "boot_timeout",
            )


def _warn_of_mere_names(source: Source[Plan], plan: Plan, estate: Estate) -> Iterator[Fault]:
    """Gates that only somebody else may pass, where a name is all that tells people apart."""
    for place in hook_places(plan):
        gate = place.hook
        if not isinstance(gate, GateHook):
            continue
        proved = {name.casefold() for name in (each.name for each in estate.approvers if each.totp)}
        unproved = [name for name in gate.approvers if name.casefold() not in proved]
        is_separate = gate.is_separate(by_default=estate.separation)
        if is_separate and (unproved or not gate.approvers):
            who = ", ".join(unproved) or "anybody"
            yield source.fault(
                f"whoever starts the run may not decide here, but {who} decides by name alone, and "
                "a name is only what somebody types into the form: name approvers, and give them "
                "one-time codes (totp, in the estate)",
                *place.path,
            )


def _vms(plan: Plan) -> Iterator[tuple[Place, PlannedVm]]:
    for index, group in enumerate(plan.groups):
        for number, vm in enumerate(group.vms):
            yield ("groups", index, "vms", number), vm


def _check_zone(
    source: Source[Plan], record: DnsRecord, path: Place, estate: Estate
) -> Iterator[Fault]:
    served = {zone for target in estate.dns if not target.for_tests for zone in target.zones}
    if record.zone not in served:
        yield source.fault(
            f'no dns target of the estate serves the zone "{record.zone}"'
            f"{did_you_mean(record.zone, served)}",
            *path,
            "zone",
        )


def _is_tested(zone: str, estate: Estate) -> bool:
    return any(
        target.for_tests and (zone in target.stands_for or zone in target.zones)
        for target in estate.dns
    )
