"""Networks of a site, switches of a host, adapters of a machine, and who has which address."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import TypeAlias

from secondsite.lab.world.values import SwitchType

__all__ = [
    "STALE_SUBNET",
    "AdapterAddresses",
    "Address",
    "AddressPool",
    "FailoverAddress",
    "Grant",
    "Interface",
    "Network",
    "NetworkAdapter",
    "Subnet",
    "VirtualSwitch",
]

Address: TypeAlias = IPv4Address | IPv6Address
Interface: TypeAlias = IPv4Interface | IPv6Interface
Subnet: TypeAlias = IPv4Network | IPv6Network

STALE_SUBNET = -1
"""VirtualSubnetId of an adapter that has left its virtual network without VMM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An address of a pool that somebody has been given."""

    id: str
    address: Address
    pool: str
    granted_to: str
    description: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class AddressPool:
    """A static IP address pool of VMM with its grants.

    Attributes:
        grants: Addresses that somebody has been given.
    """

    id: str
    name: str
    subnet: Subnet
    first: Address
    last: Address
    gateway: Address | None = None
    dns: tuple[Address, ...] = ()
    grants: dict[Address, Grant] = field(default_factory=dict)

    def __contains__(self, address: object) -> bool:
        return (
            isinstance(address, IPv4Address | IPv6Address)
            and address.version == self.first.version
            and int(self.first) <= int(address) <= int(self.last)
        )


@dataclass(slots=True, kw_only=True, eq=False)
class Network:
    """A VM network as VMM names it: a switch (and VLAN) on every host of its site.

    Attributes:
        is_virtual: Isolated by Windows Network Virtualization: it has no DHCP server of its own,
            and VMM hands out what it has granted to an adapter.
        virtual_id: The VirtualSubnetId of its adapters; None: it is not virtual.
        isolation: Name of its VMNetworkType, where VLAN and virtualization do not tell it.
        description: As VMM keeps it.
        is_made: A cmdlet has made it: it was not there in the beginning.
        masquerade: Under which name the lab translates its addresses; its own if empty.
        dhcp: First and last address that its DHCP server gives out; None: no DHCP.
        leases: MAC address → address that its DHCP server gave.
        holders: Address in use → id of the adapter that uses it.
    """

    id: str
    name: str
    site: str
    logical_network: str
    switch: str
    vlan: int | None
    subnets: tuple[Subnet, ...]
    purpose: str = "production"
    is_virtual: bool = False
    virtual_id: int | None = None
    isolation: str = ""
    description: str = ""
    is_made: bool = False
    masquerade: str = ""
    dhcp: tuple[IPv4Address, IPv4Address] | None = None
    gateway: IPv4Address | None = None
    pools: list[AddressPool] = field(default_factory=list)
    leases: dict[str, IPv4Address] = field(default_factory=dict)
    holders: dict[Address, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Name of its VMNetworkType."""
        if self.is_virtual:
            return "WindowsNetworkVirtualization"
        return self.isolation or ("VLANNetwork" if self.vlan is not None else "NoIsolation")

    def lease(self, adapter: NetworkAdapter, *, order: int) -> IPv4Address | None:
        """The address that DHCP gives to an adapter; always the same for the same machine.

        Args:
            adapter: Who asks.
            order: Number of the machine; its place in the range, unless that is taken.
        """
        if self.is_virtual and adapter.allocated is not None:
            return adapter.allocated
        if self.dhcp is None:
            return None
        if adapter.mac in self.leases:
            return self.leases[adapter.mac]
        first, last = int(self.dhcp[0]), int(self.dhcp[1])
        taken = {*self.leases.values(), *self.holders}
        size = last - first + 1
        for step in range(size):
            address = IPv4Address(first + (order + step) % size)
            if address not in taken:
                self.leases[adapter.mac] = address
                return address
        return None

    def has(self, address: Address) -> bool:
        """Whether the address lies in one of its subnets."""
        return any(
            subnet.version == address.version and address in subnet for subnet in self.subnets
        )


@dataclass(slots=True, kw_only=True, eq=False)
class VirtualSwitch:
    """A virtual switch of one host."""

    id: str
    name: str
    kind: SwitchType = SwitchType.External
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverAddress:
    """`VMNetworkAdapterFailoverSetting`: what a failover injects into the guest."""

    ipv4: IPv4Interface | None = None
    ipv4_gateway: IPv4Address | None = None
    ipv4_dns: tuple[IPv4Address, ...] = ()
    ipv6: IPv6Interface | None = None
    ipv6_gateway: IPv6Address | None = None
    ipv6_dns: tuple[IPv6Address, ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether there is anything to inject."""
        return self.ipv4 is not None or self.ipv6 is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterAddresses:
    """What the guest itself is set to use on one adapter; DHCP if no IPv4 address is given."""

    ipv4: IPv4Interface | None = None
    gateway: IPv4Address | None = None
    ipv6: IPv6Interface | None = None
    dns: tuple[Address, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class NetworkAdapter:
    """One synthetic network adapter.

    Attributes:
        switch: Name of the switch that it is connected to; None: not connected.
        vlan: Access VLAN; None: untagged.
        virtual_id: VirtualSubnetId, with network virtualization. `STALE_SUBNET`: Hyper-V has
            connected or disconnected it since, and it leads nowhere until VMM sets it.
        allocated: What VMM hands out to it there.
        test_switch: Switch that a test VM's adapter gets (`-TestReplicaSwitchName`).
        failover: Address that a failover will inject.
        injected: Address that a failover did inject.
        own: The guest's own setting.
        is_legacy: It is an emulated adapter, for which Hyper-V injects nothing.
        addresses: What the guest uses now; empty while it does not run.
        reported: What the integration services report now: later than `addresses`.
    """

    id: str
    name: str
    mac: str
    own: AdapterAddresses
    switch: str | None = None
    vlan: int | None = None
    virtual_id: int | None = None
    allocated: IPv4Address | None = None
    test_switch: str | None = None
    test_pool: str | None = None
    is_legacy: bool = False
    failover: FailoverAddress = field(default_factory=FailoverAddress)
    injected: FailoverAddress = field(default_factory=FailoverAddress)
    addresses: tuple[Address, ...] = ()
    reported: tuple[Address, ...] = ()

    def leave_by_hyper_v(self) -> None:
        """Hyper-V changes its connection: it knows nothing of virtual subnets."""
        if self.virtual_id is not None:
            self.virtual_id = STALE_SUBNET

    @property
    def setting(self) -> AdapterAddresses:
        """What the guest is set to use: what was injected goes before its own."""
        if not self.injected.is_set:
            return self.own
        injected = self.injected
        return AdapterAddresses(
            ipv4=injected.ipv4 or self.own.ipv4,
            gateway=injected.ipv4_gateway if injected.ipv4 else self.own.gateway,
            ipv6=injected.ipv6 or self.own.ipv6,
            dns=(*injected.ipv4_dns, *injected.ipv6_dns) or self.own.dns,
        )

    @property
    def link_local(self) -> IPv6Address:
        """Its fe80:: address, from the MAC address (modified EUI-64)."""
        octets = bytes.fromhex(self.mac)
        words = bytes((octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:6]))
        return IPv6Address(b"\xfe\x80" + bytes(6) + words)

    @property
    def apipa(self) -> IPv4Address:
        """The 169.254 address that Windows takes when it gets no other."""
        third, fourth = bytes.fromhex(self.mac)[-2:]
        return IPv4Address(bytes((169, 254, max(1, min(third, 254)), fourth)))
