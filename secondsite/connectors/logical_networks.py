"""Logical networks as VMM shows them, and what has been made of them."""

from __future__ import annotations

from dataclasses import dataclass

from secondsite.plan.made_network import MadePool

__all__ = ["LogicalView", "NetworkView", "SiteView", "SubnetView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetView:
    """A VM subnet of a VM network.

    Attributes:
        site: Name of its network site; empty with network virtualization.
        vlan: None: untagged, or virtual.
        pools: Its static pools, and those of the network site for its subnets.
    """

    name: str
    site: str = ""
    vlan: int | None = None
    prefixes: tuple[str, ...] = ()
    pools: tuple[MadePool, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkView:
    """A VM network.

    Attributes:
        isolation: NoIsolation, VLANNetwork, WindowsNetworkVirtualization or External.
    """

    name: str
    isolation: str
    subnets: tuple[SubnetView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """One VLAN of a network site, with its subnets.

    Attributes:
        name: The network site's.
        vlan: None: untagged.
        pools: Static pools of the network site for these subnets, each with what is granted of it.
    """

    name: str
    vlan: int | None = None
    prefixes: tuple[str, ...] = ()
    pools: tuple[MadePool, ...] = ()
    granted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalView:
    """A logical network.

    Attributes:
        isolation: `none`, `vlan` or `virtual`, as the estate calls it.
        hosts: The hosts that are associated with it.
        sites: Its network sites, VLAN by VLAN.
        networks: The VM networks that were made of it.
    """

    name: str
    isolation: str
    hosts: tuple[str, ...] = ()
    sites: tuple[SiteView, ...] = ()
    networks: tuple[NetworkView, ...] = ()
