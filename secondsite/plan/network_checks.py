"""What is wrong with the networks of an estate, and with how a protection maps them."""

from __future__ import annotations

from collections.abc import Iterator

from secondsite.errors import Fault
from secondsite.plan.estate import Estate, Network, Protection, Site
from secondsite.plan.quantities import Subnet, parse_subnet
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_mapping", "check_networks"]

Place = tuple[str | int, ...]


def check_networks(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    """Every fault of the sites' networks themselves."""
    for name, site in estate.sites.items():
        for index, network in enumerate(site.networks):
            place: Place = ("sites", name, "networks", index)
            yield from _check_isolation(source, network, site, place)
            yield from _check_masquerade(source, network, place)
            yield from _check_gateways(source, network, place)


def check_mapping(
    source: Source[Estate], estate: Estate, protection: Protection, path: Place
) -> Iterator[Fault]:
    """Every fault of the protection's network map, test networks and subnet rules."""
    yield from _check_network_map(source, estate, protection, path)
    yield from _check_test_networks(source, estate, protection, path)
    yield from _check_subnet_rules(source, estate, protection, path)


def _check_isolation(
    source: Source[Estate], network: Network, site: Site, path: Place
) -> Iterator[Fault]:
    """What connects adapters to it: switch and VLAN, or (virtual) VMM alone."""
    name = network.name
    if not network.is_virtual:
        if not network.switch:
            yield source.fault(
                f"nothing tells how adapters are connected to {name}: write the name of its "
                "virtual switch as `switch`, or `isolation: virtual` if it is a network of Windows "
                "Network Virtualization",
                *path,
            )
        if network.isolation == "vlan" and network.vlan is None:
            yield source.fault(f"{name} is isolated by its VLAN: write it as `vlan`", *path)
        if network.isolation == "none" and network.vlan is not None:
            yield source.fault(
                f"{name} has the VLAN {network.vlan}, so its isolation is `vlan`: write that, or "
                "take one of the two out",
                *(*path, "isolation"),
            )
        return
    if network.vlan is not None:
        yield source.fault(
            f"{name} is virtual (Windows Network Virtualization), and such networks have no VLAN: "
            "take `vlan` out, or write `isolation: vlan` if it is none",
            *(*path, "vlan"),
        )
    if network.switch:
        yield source.fault(
            f"{name} is virtual (Windows Network Virtualization), and VMM finds its switch on each "
            "host by the logical network: take `switch` out",
            *(*path, "switch"),
        )
    logical = site.logical_network(network.logical_network) if network.logical_network else None
    if logical is not None and logical.isolation != "virtual":
        yield source.fault(
            f"{name} is virtual, and its logical network {logical.name} is isolated by "
            f"{logical.isolation!r}: mend one of them",
            *(*path, "isolation"),
        )


def _check_masquerade(source: Source[Estate], network: Network, path: Place) -> Iterator[Fault]:
    if not network.masquerade:
        return
    sizes = [(each.version, each.prefixlen) for each in network.subnets]
    if [(each.version, each.prefixlen) for each in network.masquerade] != sizes:
        wanted = ", ".join(f"a /{length} (IPv{version})" for version, length in sizes)
        yield source.fault(
            "a masquerade has one subnet for each of `subnets`, of the same size: "
            f"write {wanted or 'subnets first'}",
            *path,
            "masquerade",
        )


def _check_gateways(source: Source[Estate], network: Network, path: Place) -> Iterator[Fault]:
    known: dict[Subnet, object] = {}
    for number, gateway in enumerate(network.gateways):
        around = [
            each for each in network.subnets if each.version == gateway.version and gateway in each
        ]
        if not around:
            listed = ", ".join(map(str, network.subnets)) or "none yet"
            yield source.fault(
                f"{gateway} is in no subnet of {network.name} ({listed}): write the router's "
                "address in one of them",
                *(*path, "gateways", number),
            )
        elif around[0] in known:
            yield source.fault(
                f"{around[0]} has a gateway already ({known[around[0]]}), and guests get one: "
                "keep one of them",
                *(*path, "gateways", number),
            )
        else:
            known[around[0]] = gateway


def _check_network_map(
    source: Source[Estate], estate: Estate, protection: Protection, path: Place
) -> Iterator[Fault]:
    primary = estate.sites.get(protection.primary)
    recovery = estate.sites.get(protection.recovery)
    for here, there in protection.networks.items():
        if primary is not None and primary.network(here) is None:
            known = (each.name for each in primary.networks)
            yield source.fault(
                f'"{here}" is not a network of {protection.primary}{did_you_mean(here, known)}',
                *(*path, "networks", here),
            )
        if recovery is None:
            continue
        found = recovery.network(there)
        if found is None:
            known = (each.name for each in recovery.networks)
            yield source.fault(
                f'"{there}" is not a network of {protection.recovery}{did_you_mean(there, known)}',
                *(*path, "networks", here),
            )
        elif found.purpose == "test":
            yield source.fault(
                f"{there} is a test network: production VMs would be cut off there; write a "
                "network whose purpose is production",
                *(*path, "networks", here),
            )


def _check_test_networks(
    source: Source[Estate], estate: Estate, protection: Protection, path: Place
) -> Iterator[Fault]:
    recovery = estate.sites.get(protection.recovery)
    if recovery is None:
        return
    if protection.test_network is not None:
        yield from _check_test_network(
            source, recovery, protection, protection.test_network, (*path, "test_network")
        )
    for usual, isolated in protection.test_networks.items():
        place = (*path, "test_networks", usual)
        found = recovery.network(usual)
        if found is None or found.purpose == "test":
            known = (each.name for each in recovery.networks if each.purpose != "test")
            yield source.fault(
                f'"{usual}" is not a production network of {protection.recovery}'
                f"{did_you_mean(usual, known)}",
                *place,
            )
        yield from _check_test_network(source, recovery, protection, isolated, place)


def _check_test_network(
    source: Source[Estate], recovery: Site, protection: Protection, name: str, path: Place
) -> Iterator[Fault]:
    found = recovery.network(name)
    if found is None:
        tests = (each.name for each in recovery.networks if each.purpose == "test")
        yield source.fault(
            f'"{name}" is not a network of {protection.recovery}{did_you_mean(name, tests)}',
            *path,
        )
    elif found.purpose != "test":
        yield source.fault(
            f"{found.name} is a production network, and test VMs must never reach one: write an "
            f"isolated network, or purpose: test at {found.name} if it is one",
            *path,
        )


def _check_subnet_rules(
    source: Source[Estate], estate: Estate, protection: Protection, path: Place
) -> Iterator[Fault]:
    """Both sides of one size, in a network of their site, and no address in two rules."""
    seen: list[tuple[str, Subnet, str]] = []
    for here, there in protection.subnets.items():
        place = (*path, "subnets", here)
        try:
            first, second = parse_subnet(here), parse_subnet(there)
        except ValueError as error:
            yield source.fault(str(error), *place)
            continue
        if (first.version, first.prefixlen) != (second.version, second.prefixlen):
            yield source.fault(
                f"{first} and {second} differ in size, so host parts cannot be kept: write two "
                "subnets of one size",
                *place,
            )
        for site, subnet in ((protection.primary, first), (protection.recovery, second)):
            for other_site, other, rule in seen:
                if other_site == site and _meet(subnet, other):
                    yield source.fault(
                        f"{subnet} overlaps {other} of the rule {rule}, so an address of {site} "
                        "would have two in the other site: write subnets that do not overlap",
                        *place,
                    )
            yield from _check_is_there(source, estate, site, subnet, place)
            seen.append((site, subnet, f"{here}: {there}"))


def _check_is_there(
    source: Source[Estate], estate: Estate, site: str, subnet: Subnet, path: Place
) -> Iterator[Fault]:
    networks = estate.sites[site].networks if site in estate.sites else ()
    known = [each for network in networks for each in network.subnets]
    if known and not any(_meet(subnet, each) for each in known):
        listed = ", ".join(map(str, dict.fromkeys(known)))
        yield source.fault(
            f"{subnet} meets no subnet of {site} ({listed}): write one of them, or complete "
            "`subnets` of its networks",
            *path,
        )


def _meet(one: Subnet, other: Subnet) -> bool:
    return one.version == other.version and one.overlaps(other)
