"""What is wrong with the address rules of a plan, alone and beside its estate."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface

from secondsite.errors import Fault
from secondsite.plan.adapter_rules import AdapterRule, rules_of
from secondsite.plan.estate import Estate, Protection
from secondsite.plan.guests import StaticAddress
from secondsite.plan.model import Plan, PlannedVm
from secondsite.plan.quantities import Subnet
from secondsite.plan.yaml_source import Source

__all__ = ["check_addresses", "check_addresses_in_estate", "warn_of_addresses"]

Place = tuple[str | int, ...]
_MOST_SERVERS = 2
"""Hyper-V has room for a preferred and an alternate DNS server of each family."""


def check_addresses(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    """Every fault of the rules that the plan's file alone shows."""
    taken: dict[str, str] = {}
    for path, vm in _vms(plan):
        yield from _check_adapters(source, vm, path)
        for place, address in _static(vm, path):
            yield from _check_static(source, address, place)
            for key, interface in _interfaces(address):
                other = taken.setdefault(str(interface.ip), vm.name)
                if other != vm.name:
                    yield source.fault(
                        f"{interface.ip} is the address of {other} too: give one of them another",
                        *place,
                        key,
                    )


def check_addresses_in_estate(
    source: Source[Plan], plan: Plan, estate: Estate, protection: Protection
) -> Iterator[Fault]:
    """Every fault of the rules that shows only beside the estate's networks."""
    for path, vm in _vms(plan):
        for place, address in _static(vm, path):
            yield from _check_subnet(source, address, place, estate, protection)


def warn_of_addresses(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    """What is possible but probably not meant."""
    for path, vm in _vms(plan):
        for place, address in _static(vm, path):
            for version in (4, 6):
                servers = [each for each in address.dns if each.version == version]
                if len(servers) > _MOST_SERVERS:
                    yield source.fault(
                        f"Hyper-V injects two DNS servers of each family, so {servers[2]} is left "
                        "out: write the two that matter",
                        *place,
                        "dns",
                    )


def _vms(plan: Plan) -> Iterator[tuple[Place, PlannedVm]]:
    for index, group in enumerate(plan.groups):
        for number, vm in enumerate(group.vms):
            yield ("groups", index, "vms", number), vm


def _static(vm: PlannedVm, path: Place) -> Iterator[tuple[Place, StaticAddress]]:
    for each in rules_of(vm):
        if isinstance(each.rule, StaticAddress):
            yield (*path, *each.place), each.rule


def _check_adapters(source: Source[Plan], vm: PlannedVm, path: Place) -> Iterator[Fault]:
    """No adapter with two rules, and none that is named in two places."""
    first: dict[str, AdapterRule] = {}
    for each in rules_of(vm):
        inner = each.rule.adapter if isinstance(each.rule, StaticAddress) else None
        if each.place[0] == "adapters" and inner is not None:
            yield source.fault(
                f"the adapter is named already: remove adapter: {inner}",
                *(*path, *each.place, "adapter"),
            )
        if each.adapter is None:
            continue
        name = each.adapter.casefold()
        if name in first:
            yield source.fault(
                f"the adapter {each.adapter} has another rule under `adapters`: keep one of them",
                *(*path, *each.place),
            )
        first.setdefault(name, each)


def _interfaces(address: StaticAddress) -> Iterator[tuple[str, IPv4Interface | IPv6Interface]]:
    if address.ipv4 is not None:
        yield "ipv4", address.ipv4
    if address.ipv6 is not None:
        yield "ipv6", address.ipv6


def _check_static(source: Source[Plan], address: StaticAddress, path: Place) -> Iterator[Fault]:
    for key, interface in _interfaces(address):
        network = interface.network
        unusable = {network.network_address, network.broadcast_address}
        if network.version == 4 and network.prefixlen < 31 and interface.ip in unusable:
            yield source.fault(
                f"{interface.ip} is the first or the last address of {network}, which no machine "
                "may have: write another one",
                *path,
                key,
            )
    pairs = (
        ("gateway", address.gateway, "ipv4", address.ipv4),
        ("gateway6", address.gateway6, "ipv6", address.ipv6),
    )
    for gateway_key, gateway, key, interface_or_none in pairs:
        if gateway is None:
            continue
        if interface_or_none is None:
            yield source.fault(
                f"a gateway without an address: write {key} too, or remove {gateway_key}",
                *path,
                gateway_key,
            )
        elif gateway == interface_or_none.ip:
            yield source.fault(
                f"{gateway} is the VM's own address: write the router's", *path, gateway_key
            )
        elif gateway not in interface_or_none.network and not gateway.is_link_local:
            yield source.fault(
                f"{gateway} is not in {interface_or_none.network}: write a gateway of that "
                "subnet, or mend the prefix length",
                *path,
                gateway_key,
            )


def _check_subnet(
    source: Source[Plan],
    address: StaticAddress,
    path: Place,
    estate: Estate,
    protection: Protection,
) -> Iterator[Fault]:
    for key, interface in _interfaces(address):
        subnets = [
            each
            for each in _recovery_subnets(estate, protection)
            if each.version == interface.version
        ]
        around = [each for each in subnets if interface.ip in each]
        if subnets and not around:
            yield source.fault(
                f"{interface.ip} is in no subnet of the recovery networks "
                f"({', '.join(map(str, subnets))}): write an address of one of them",
                *path,
                key,
            )
        elif around and interface.network.prefixlen not in {each.prefixlen for each in around}:
            yield source.fault(
                f"the subnet is {around[0]}: write {interface.ip}/{around[0].prefixlen}",
                *path,
                key,
            )


def _recovery_subnets(estate: Estate, protection: Protection) -> list[Subnet]:
    site = estate.sites.get(protection.recovery)
    if site is None:
        return []
    mapped = {name.casefold() for name in protection.networks.values()}
    return [
        subnet
        for network in site.networks
        if (network.name.casefold() in mapped if mapped else network.purpose == "production")
        for subnet in network.subnets
    ]
