"""The sites of a lab's estate: VMM servers, Hyper-V hosts, networks with their addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Literal

from pydantic import Field

from secondsite.lab.sizes import MemoryMib
from secondsite.plan.quantities import Duration
from secondsite.plan.written import Written

__all__ = [
    "AddressRange",
    "LabCluster",
    "LabHost",
    "LabLogicalNetwork",
    "LabNetwork",
    "LabNetworkSite",
    "LabPool",
    "LabSite",
    "LabVmm",
    "LabWire",
]

_Name = Annotated[str, Field(min_length=1, max_length=63)]


class AddressRange(Written):
    """Addresses from the first to the last.

    Attributes:
        first: First address.
        last: Last address.
    """

    first: IPv4Address
    last: IPv4Address


class LabPool(Written):
    """A static IP address pool of VMM.

    Attributes:
        name: Name of the pool.
        first: First address that it grants.
        last: Last address that it grants.
        gateway: Handed out with each address.
        dns: Handed out with each address.
    """

    name: _Name
    first: IPv4Address | IPv6Address
    last: IPv4Address | IPv6Address
    gateway: IPv4Address | IPv6Address | None = None
    dns: tuple[IPv4Address | IPv6Address, ...] = ()


class LabNetwork(Written):
    """A VM network, and the virtual switch that carries it on every host of its site.

    Attributes:
        name: Name of the VM network in VMM.
        switch: Virtual switch; every host of the site has it.
        vlan: Access VLAN of its adapters; none means untagged.
        logical_network: Logical network in VMM; the name of the VM network if absent.
        subnets: Its subnets. Two networks may have the same ones: that is what an isolated copy is.
        purpose: `test` marks a network that leads nowhere else.
        virtual: It is isolated by Windows Network Virtualization: without VLAN and DHCP.
        gateway: Router of the network; only told to guests, never simulated.
        dhcp: Addresses that its DHCP server gives out; without it there is no DHCP.
        pools: Static address pools.
    """

    name: _Name
    switch: _Name
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    logical_network: str = ""
    subnets: Annotated[tuple[IPv4Network | IPv6Network, ...], Field(min_length=1)]
    purpose: Literal["production", "test"] = "production"
    virtual: bool = False
    gateway: IPv4Address | None = None
    dhcp: AddressRange | None = None
    pools: tuple[LabPool, ...] = ()


class LabWire(Written):
    """One VLAN of a network site, with its subnets; nobody uses it before a VM network does.

    Attributes:
        vlan: Its VLAN; none means untagged.
        subnets: Its subnets.
        gateway: Router; only told to guests, never simulated.
        dhcp: Addresses that its DHCP server gives out; without it there is no DHCP.
        pools: Static address pools of the network site for these subnets.
    """

    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    subnets: Annotated[tuple[IPv4Network | IPv6Network, ...], Field(min_length=1)]
    gateway: IPv4Address | None = None
    dhcp: AddressRange | None = None
    pools: tuple[LabPool, ...] = ()


class LabNetworkSite(Written):
    """A network site (logical network definition) of a logical network.

    Attributes:
        name: Its name in VMM.
        wires: Its VLANs, each with its subnets.
    """

    name: _Name
    wires: Annotated[tuple[LabWire, ...], Field(min_length=1)]


class LabLogicalNetwork(Written):
    """A logical network of VMM that VM networks can be made of.

    One that only `networks` name need not be written here: its isolation is theirs.

    Attributes:
        name: Its name in VMM; `logical_network` of networks may name it.
        isolation: `none` allows one VM network, `vlan` one for each VLAN, `virtual` any number (by
            Windows Network Virtualization).
        switch: Virtual switch that carries it.
        hosts: Hosts with an adapter associated with it; all of the site if absent.
        sites: Its network sites, besides those of the networks that name it.
    """

    name: _Name
    isolation: Literal["none", "vlan", "virtual"]
    switch: _Name
    hosts: tuple[str, ...] | None = None
    sites: tuple[LabNetworkSite, ...] = ()


class LabVmm(Written):
    """A VMM server.

    Attributes:
        name: Its computer name.
        host_group: Host group of all hosts of the site.
    """

    name: _Name
    host_group: str = "All Hosts"


class LabHost(Written):
    """A Hyper-V host.

    Attributes:
        name: Its computer name.
        memory: Its memory, like 128GiB; the site's `host_memory` if absent.
        accepts_replicas: Whether it is set up as a replica server.
        disk: Size of its volume D:, which holds all virtual disks, like 8TiB.
        disk_free: What is free there; 40 % of it if absent.
        certificate_valid: With `https`: for how long its certificate is good, in real time; `0s`
            has expired.
    """

    name: _Name
    memory: MemoryMib | None = None
    accepts_replicas: bool = True
    disk: MemoryMib = Field(default="8TiB", validate_default=True)
    disk_free: MemoryMib | None = None
    certificate_valid: Duration = Field(default="90d", validate_default=True)


class LabCluster(Written):
    """A failover cluster: VMs move between its hosts, and replication is pointed at its broker.

    Attributes:
        name: Name of the cluster.
        broker: Name of its Hyper-V Replica Broker.
        hosts: Its nodes, of the hosts of the site.
    """

    name: _Name
    broker: _Name
    hosts: Annotated[tuple[str, ...], Field(min_length=1)]


class LabSite(Written):
    """One simulated data centre.

    Attributes:
        vmm: Its VMM server.
        hosts: Its Hyper-V hosts.
        credential: Account that may log on to all of them.
        clouds: Private clouds of VMM, each with all hosts of the site.
        networks: Its VM networks.
        logical_networks: Logical networks of VMM, where more is to be said of them than `networks`
            says.
        storage: Names of VMM's storage classifications.
        host_memory: Memory of each host that does not say, like 128GiB.
        clusters: Failover clusters of its hosts.
    """

    vmm: LabVmm
    hosts: Annotated[tuple[LabHost, ...], Field(min_length=1)]
    credential: str
    clouds: tuple[str, ...] = ()
    networks: tuple[LabNetwork, ...] = ()
    logical_networks: tuple[LabLogicalNetwork, ...] = ()
    storage: tuple[str, ...] = ()
    host_memory: MemoryMib = Field(default="128GiB", validate_default=True)
    clusters: tuple[LabCluster, ...] = ()
