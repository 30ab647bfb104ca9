"""Whether networks can be made for a test, as far as the estate tells: asked before any server."""

from __future__ import annotations

from secondsite.plan.estate import Protection, Site
from secondsite.plan.logical_network import LogicalNetwork

__all__ = ["logical_of", "reasons_against_created"]


def logical_of(site: Site, protection: Protection, mapped: str | None) -> LogicalNetwork | None:
    """What the network that takes the place of `mapped` is made of; None: the estate is silent."""
    if protection.test_logical_network is not None:
        return site.logical_network(protection.test_logical_network)
    network = site.network(mapped) if mapped else None
    if network is None or network.logical_network is None:
        return None
    return site.logical_network(network.logical_network)


def reasons_against_created(site: Site, protection: Protection) -> list[str]:
    """Every reason against `created` test networks; what only VMM knows its inventory tells.

    Args:
        site: The recovery site.
        protection: Its networks and logical network for tests.
    """
    name = protection.test_logical_network
    chosen = site.logical_network(name) if name else None
    if name and chosen is None:
        return [f"{name} is not in `logical_networks` of {protection.recovery}: write it there"]
    if chosen is not None:
        return _against_chosen(site, protection, chosen)
    reasons = []
    for mapped in dict.fromkeys(protection.networks.values()):
        logical = logical_of(site, protection, mapped)
        if logical is not None and logical.isolation != "virtual":
            reasons.append(
                f"{mapped} is of the logical network {logical.name}, whose VLANs lead into "
                "production: name a separate one with isolated network sites as "
                "`test_logical_network` of the protection"
            )
    return reasons


def _against_chosen(site: Site, protection: Protection, chosen: LogicalNetwork) -> list[str]:
    mapped = list(dict.fromkeys(protection.networks.values()))
    if chosen.isolation != "virtual" and chosen.purpose != "test":
        return [
            f"networks made of {chosen.name} would lead into production: give it the purpose "
            "`test` if none of its network sites does, or name another logical network"
        ]
    if chosen.isolation == "none" and len(mapped) > 1:
        return [
            f"{chosen.name} has no isolation, so there can be one VM network of it, and "
            f"{' and '.join(mapped)} each need one of their own: name a logical network that is "
            "isolated by VLANs or virtual"
        ]
    if chosen.isolation != "virtual":
        return []
    return [
        f"{network.name} has no isolation and {chosen.name} is virtual (Windows Network "
        "Virtualization), so there are no subnets that could be copied, and no VM of "
        f"{network.name} can be tested there: name a logical network without virtualization"
        for name in mapped
        if (network := site.network(name)) is not None
        and network.logical_network is not None
        and (own := site.logical_network(network.logical_network)) is not None
        and own.isolation == "none"
    ]
