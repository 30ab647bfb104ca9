"""What is wrong with a plan by itself: VMs, groups, addresses and names that do not fit."""

from __future__ import annotations

from collections.abc import Iterator

from secondsite.errors import Fault
from secondsite.plan.address_checks import check_addresses
from secondsite.plan.dependency_checks import check_dependencies
from secondsite.plan.guests import DnsRecord
from secondsite.plan.hook_checks import check_hooks
from secondsite.plan.model import Plan
from secondsite.plan.rehearsal_checks import check_rehearsal
from secondsite.plan.yaml_source import Source

__all__ = ["check_plan"]

_LONGEST_TTL_S = 2**31 - 1
"""RFC 2181 §8: a TTL is at most 2^31 - 1 seconds."""


def check_plan(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    """Every fault of `plan` that its file alone shows."""
    yield from _check_groups(source, plan)
    yield from _check_names(source, plan)
    yield from check_dependencies(source, plan)
    yield from check_hooks(source, plan)
    yield from check_addresses(source, plan)
    yield from _check_records(source, plan)
    yield from check_rehearsal(source, plan)


def _check_groups(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    first_line: dict[str, int] = {}
    for index, group in enumerate(plan.groups):
        name = group.name.casefold()
        if name in first_line:
            yield source.fault(
                f"another group has this name (line {first_line[name]}): "
                "give one of them another name",
                *("groups", index),
            )
        first_line.setdefault(name, source.lines.of("groups", index))
        if not (group.vms or group.before or group.after):
            yield source.fault(
                "the group is empty: write its vms, or remove it", *("groups", index)
            )
    if not any(True for _ in plan.vms):
        yield source.fault("the plan has no VMs: write vms in its groups", "groups")


def _check_names(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    first_line: dict[str, int] = {}
    for path, vm in _vms(plan):
        line = source.lines.of(*path)
        if vm.casefold() in first_line:
            yield source.fault(
                f"this VM is in the plan twice (first in line {first_line[vm.casefold()]}): "
                "keep one, in the group in which it must start",
                *path,
            )
        else:
            first_line[vm.casefold()] = line


def _vms(plan: Plan) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, group in enumerate(plan.groups):
        for number, vm in enumerate(group.vms):
            yield ("groups", index, "vms", number), vm.name


def _check_records(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    for index, group in enumerate(plan.groups):
        for number, vm in enumerate(group.vms):
            seen: set[str] = set()
            for position, record in enumerate(vm.dns):
                path = ("groups", index, "vms", number, "dns", position)
                if record.name in seen:
                    yield source.fault("this name is written twice: keep one", *path)
                seen.add(record.name)
                yield from _check_record(source, record, path)


def _check_record(
    source: Source[Plan], record: DnsRecord, path: tuple[str | int, ...]
) -> Iterator[Fault]:
    if record.name != record.zone and not record.name.endswith(f".{record.zone}"):
        yield source.fault(
            f"{record.name} is not in the zone {record.zone}: write "
            f"{record.name.split('.')[0]}.{record.zone}, or the right zone",
            *path,
            "name",
        )
    if record.ttl is None:
        return
    ttl_s = record.ttl.total_seconds()
    if ttl_s != int(ttl_s) or not 0 <= ttl_s <= _LONGEST_TTL_S:
        yield source.fault("a TTL is in whole seconds: write 60s or 5m", *path, "ttl")
