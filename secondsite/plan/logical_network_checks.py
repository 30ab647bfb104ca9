"""What is wrong with the logical networks of an estate, and with what tests are to make of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from secondsite.errors import Fault
from secondsite.plan.created_networks import reasons_against_created
from secondsite.plan.estate import Estate, Protection, Site
from secondsite.plan.quantities import parse_subnet
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_logical_networks", "check_test_logical_network"]

Place = tuple[str | int, ...]


def check_logical_networks(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    """Every fault of the sites' logical networks, and of the networks that name them."""
    for name, site in estate.sites.items():
        count = Counter(each.name.casefold() for each in site.logical_networks)
        for index, logical in enumerate(site.logical_networks):
            place: Place = ("sites", name, "logical_networks", index)
            if count[logical.name.casefold()] > 1:
                yield source.fault(
                    f'there are two logical networks "{logical.name}": keep one of them',
                    *(*place, "name"),
                )
            for here, there in logical.masquerade.items():
                yield from _check_masquerade(source, here, there, (*place, "masquerade", here))
        yield from _check_networks(source, site, ("sites", name, "networks"))


def check_test_logical_network(
    source: Source[Estate], estate: Estate, protection: Protection, path: Place
) -> Iterator[Fault]:
    """Every reason why networks cannot be made of the protection's logical network for tests."""
    site = estate.sites.get(protection.recovery)
    name = protection.test_logical_network
    if name is None or site is None:
        return
    if site.logical_network(name) is None:
        known = (each.name for each in site.logical_networks)
        yield source.fault(
            f'"{name}" is not a logical network of {protection.recovery}'
            f"{did_you_mean(name, known)}: write it under `logical_networks` there",
            *(*path, "test_logical_network"),
        )
        return
    for reason in reasons_against_created(site, protection):
        yield source.fault(reason, *(*path, "test_logical_network"))


def _check_masquerade(
    source: Source[Estate], here: str, there: str, path: Place
) -> Iterator[Fault]:
    try:
        first, second = parse_subnet(here), parse_subnet(there)
    except ValueError as error:
        yield source.fault(str(error), *path)
        return
    if (first.version, first.prefixlen) != (second.version, second.prefixlen):
        yield source.fault(
            f"{first} and {second} differ in size: write two subnets of one size", *path
        )


def _check_networks(source: Source[Estate], site: Site, path: Place) -> Iterator[Fault]:
    plain: dict[str, str] = {}
    for index, network in enumerate(site.networks):
        name = network.logical_network
        if name is None:
            continue
        place = (*path, index, "logical_network")
        logical = site.logical_network(name)
        if logical is None:
            known = (each.name for each in site.logical_networks)
            yield source.fault(
                f'"{name}" is not in `logical_networks` of this site{did_you_mean(name, known)}',
                *place,
            )
            continue
        if logical.isolation == "vlan" and network.vlan is None:
            yield source.fault(
                f"{logical.name} is isolated by VLANs and {network.name} has none: write vlan",
                *place,
            )
        if logical.purpose == "test" and network.purpose != "test":
            yield source.fault(
                f"{network.name} is a production network, and {logical.name} leads nowhere else "
                "(purpose: test): mend one of them",
                *place,
            )
        if logical.isolation == "none":
            if name.casefold() in plain:
                yield source.fault(
                    f"{logical.name} has no isolation, so {plain[name.casefold()]} is its only VM "
                    "network: write the logical network that this one is of",
                    *place,
                )
            plain.setdefault(name.casefold(), network.name)
