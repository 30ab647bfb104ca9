"""Logical networks of VMM: what VM networks may be made of, and what they have been made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from secondsite.lab.world.network import AddressPool, Network, Subnet

__all__ = ["LogicalNetwork", "NetworkSite", "VmSubnet", "Wire", "next_virtual_id"]

_FIRST_VIRTUAL_ID = 4097
"""VirtualSubnetIds begin above the VLANs."""


@dataclass(slots=True, kw_only=True, eq=False)
class Wire:
    """The subnets of one VLAN in a network site (`SubnetVLan` of VMM, one for each subnet).

    Attributes:
        dhcp: First and last address that the DHCP server there gives out; None: no DHCP.
        pools: Static pools of the network site for these subnets.
    """

    subnets: tuple[Subnet, ...]
    vlan: int | None = None
    dhcp: tuple[IPv4Address, IPv4Address] | None = None
    gateway: IPv4Address | None = None
    pools: list[AddressPool] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class NetworkSite:
    """A network site (`LogicalNetworkDefinition` of VMM)."""

    id: str
    name: str
    wires: list[Wire] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class LogicalNetwork:
    """A logical network.

    Attributes:
        isolation: `none` (one VM network), `vlan` (one for each VLAN), or `virtual` (as many as one
            likes, by Windows Network Virtualization, and one without isolation).
        switch: Virtual switch that carries it.
        hosts: The hosts whose adapters are associated with it; None: all of the site.
        masquerade: Under which name the lab translates the addresses of networks made of it.
    """

    id: str
    name: str
    isolation: str
    switch: str
    hosts: frozenset[str] | None = None
    sites: list[NetworkSite] = field(default_factory=list)
    masquerade: str = ""

    def carries_on(self, host: str) -> bool:
        """Whether an adapter of that host is associated with it."""
        return self.hosts is None or host in self.hosts

    def wire_of(self, network: Network) -> Wire | None:
        """The wire whose VLAN a VM network is in."""
        wires = (wire for site in self.sites for wire in site.wires)
        return next((wire for wire in wires if wire.vlan == network.vlan), None)


@dataclass(slots=True, kw_only=True, eq=False)
class VmSubnet:
    """A VM subnet of a VM network.

    Attributes:
        site: The network site that it is a part of; None with network virtualization.
        virtual_id: The VirtualSubnetId, with network virtualization.
    """

    id: str
    name: str
    network: Network
    subnets: tuple[Subnet, ...]
    vlan: int | None = None
    site: NetworkSite | None = None
    virtual_id: int | None = None


def next_virtual_id(subnets: Iterable[VmSubnet]) -> int:
    """A VirtualSubnetId that none of the site's VM subnets has."""
    return max([_FIRST_VIRTUAL_ID - 1, *(each.virtual_id or 0 for each in subnets)]) + 1
