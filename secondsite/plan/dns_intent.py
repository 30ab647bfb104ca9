"""Which DNS record sets must lead to a VM after a failover, and where they are written. Pure.

Test failovers only ever yield targets that are `for_tests`, real ones only ever the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from secondsite.plan.estate import DnsTarget, Estate
from secondsite.plan.guests import DnsRecord
from secondsite.plan.hooks import Direction, FailoverKind
from secondsite.plan.model import Plan, PlannedVm

__all__ = ["DnsChange", "dns_changes", "dns_names"]

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsChange:
    """One record set as it must be on one target.

    Attributes:
        target: Where it is written.
        zone: The zone there that holds it.
        name: Full name, without the dot at its end.
        ttl_s: None keeps the one that is there.
        values: Addresses, or for PTR the name (without the dot at its end); none where the VM has
            none of that kind any more.
        former: Values that led to the VM where it was, and must not stay: its addresses there, or
            the name in the PTR of such an address.
        shared: Whether the name may be an alias of one that other hosts share.
    """

    target: DnsTarget
    zone: str
    name: str
    type: Literal["A", "AAAA", "PTR"]
    ttl_s: int | None
    values: tuple[str, ...]
    former: tuple[str, ...] = ()
    shared: bool = False


def dns_changes(
    plan: Plan,
    vm: PlannedVm,
    addresses: Iterable[str],
    *,
    kind: FailoverKind,
    estate: Estate,
    direction: Direction = Direction.FORWARD,
    former: Iterable[str] = (),
) -> tuple[DnsChange, ...]:
    """The record sets that must lead to `vm`, those of the site that takes over first.

    Each name has both kinds of address, A and AAAA, whether the VM has such addresses or not.

    Args:
        plan: Says which sites are concerned.
        vm: Says the names.
        addresses: Of the VM after the failover; ones that lead nowhere (link-local) are left out.
        kind: A test yields only targets for tests, and there the zones that stand for production's.
        estate: Says the targets.
        direction: Which site takes over.
        former: Addresses of the VM where it was, as far as known.
    """
    usable = _usable(addresses)
    if not usable:
        return ()
    left = [each for each in _usable(former) if each not in usable]
    targets = _targets(plan, estate, kind, direction)
    changes: list[DnsChange] = []
    for target in targets:
        for record in vm.dns:
            changes += _forward(target, record, usable, left)
            if record.ptr:
                name = _renamed(record, targets)
                changes += _reverse(target, record, usable, name)
                changes += _reverse(target, record, left, name, is_left=True)
    return _once(changes)


def dns_names(
    plan: Plan,
    vm: PlannedVm,
    *,
    estate: Estate,
    direction: Direction = Direction.FORWARD,
    kind: FailoverKind = FailoverKind.PLANNED,
) -> tuple[DnsChange, ...]:
    """The record sets that lead to `vm`, A and AAAA of each name, without values."""
    targets = _targets(plan, estate, kind, direction)
    return _once(
        change
        for target in targets
        for record in vm.dns
        for change in _forward(target, record, [], [])
    )


def _targets(
    plan: Plan, estate: Estate, kind: FailoverKind, direction: Direction
) -> list[DnsTarget]:
    """Where a failover of that kind writes, the servers of the site that takes over first."""
    is_test = kind is FailoverKind.TEST
    targets = [target for target in estate.dns if target.for_tests == is_test]
    return sorted(targets, key=lambda target: _rank(target, _target_site(plan, estate, direction)))


def _once(changes: Iterable[DnsChange]) -> tuple[DnsChange, ...]:
    """One change per record set: the first name with `ptr` is the one that an address has."""
    found: dict[tuple[str, str, str], DnsChange] = {}
    for change in changes:
        key = change.target.name, change.name, change.type
        first = found.setdefault(key, change)
        former = tuple(dict.fromkeys((*first.former, *change.former)))
        found[key] = replace(first, former=former)
    return tuple(found.values())


def _target_site(plan: Plan, estate: Estate, direction: Direction) -> str:
    protection = estate.protection(plan.protection)
    return protection.site_names(direction)[1] if protection is not None else ""


def _rank(target: DnsTarget, site: str) -> int:
    if target.site == site:
        return 0
    return 1 if target.site is None else 2


def _usable(addresses: Iterable[str]) -> list[Address]:
    parsed = dict.fromkeys(ip_address(each) for each in addresses)
    return sorted(
        (
            each
            for each in parsed
            if not (
                each.is_link_local or each.is_loopback or each.is_unspecified or each.is_multicast
            )
        ),
        key=lambda each: (each.version, int(each)),
    )


def _forward(
    target: DnsTarget, record: DnsRecord, usable: list[Address], left: list[Address]
) -> Iterator[DnsChange]:
    zone = _zone_in(target, record.zone)
    if zone is None:
        return
    name = _moved(record.name, from_zone=record.zone, to_zone=zone)
    versions: Mapping[Literal["A", "AAAA"], int] = {"A": 4, "AAAA": 6}
    for kind, version in versions.items():
        yield DnsChange(
            target=target,
            zone=zone,
            name=name,
            type=kind,
            ttl_s=_ttl_s(record),
            values=tuple(str(each) for each in usable if each.version == version),
            former=tuple(str(each) for each in left if each.version == version),
            shared=record.shared,
        )


def _reverse(
    target: DnsTarget,
    record: DnsRecord,
    addresses: list[Address],
    points_to: str | None,
    *,
    is_left: bool = False,
) -> Iterator[DnsChange]:
    """The PTR of each address, if `target` has a zone for it; `is_left`: it must lead away."""
    if points_to is None:
        return
    for address in addresses:
        pointer = address.reverse_pointer
        known = {*target.zones, *target.stands_for}
        around = [zone for zone in known if pointer.endswith(f".{zone}")]
        if not around:
            continue
        production = max(around, key=len)
        zone = _zone_in(target, production)
        if zone is not None:
            yield DnsChange(
                target=target,
                zone=zone,
                name=_moved(pointer, from_zone=production, to_zone=zone),
                type="PTR",
                ttl_s=None if is_left else _ttl_s(record),
                values=() if is_left else (points_to,),
                former=(points_to,) if is_left else (),
            )


def _renamed(record: DnsRecord, targets: Iterable[DnsTarget]) -> str | None:
    """What the record is called on the first of `targets` that holds it."""
    for target in targets:
        zone = _zone_in(target, record.zone)
        if zone is not None:
            return _moved(record.name, from_zone=record.zone, to_zone=zone)
    return None


def _zone_in(target: DnsTarget, zone: str) -> str | None:
    """The zone of `target` in which records of `zone` are written; None if it has none."""
    meant = target.stands_for.get(zone, zone)
    return meant if meant in target.zones else None


def _moved(name: str, *, from_zone: str, to_zone: str) -> str:
    """`name` in another zone: sql.corp.example → sql.dr-test.corp.example."""
    if name == from_zone:
        return to_zone
    return f"{name.removesuffix(f'.{from_zone}')}.{to_zone}"


def _ttl_s(record: DnsRecord) -> int | None:
    return None if record.ttl is None else int(record.ttl.total_seconds())
