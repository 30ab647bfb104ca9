"""The objects of the VirtualMachineManager module, with the properties that scripts use.

Microsoft's pages show next to nothing of them; the property names are those of public scripts
(unsourced in the project's reference). VMM 2016 to 2025 are taken to have the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address
from typing import Final

from secondsite.lab.cmdlets.hyperv_values import guid
from secondsite.lab.faults import FaultKind
from secondsite.lab.powershell.values import PsEnum, PsObject, ps_object
from secondsite.lab.world.host import HyperVHost
from secondsite.lab.world.logical_network import LogicalNetwork, NetworkSite, VmSubnet
from secondsite.lab.world.network import (
    Address,
    AddressPool,
    Grant,
    Network,
    NetworkAdapter,
    VirtualSwitch,
)
from secondsite.lab.world.vmm import Cloud, VmmMachine, VmmServer

__all__ = [
    "adapter_id",
    "adapter_object",
    "classification_object",
    "cloud_object",
    "definition_object",
    "gateway_object",
    "grant_object",
    "host_object",
    "logical_network_object",
    "machine_object",
    "network_object",
    "pool_object",
    "server_object",
    "subnet_object",
    "subnet_vlan_object",
    "virtual_network_object",
]

VMM: Final = "Microsoft.SystemCenter.VirtualMachineManager"
_NAMESPACE: Final = uuid.UUID("c2a1f1d8-6a0b-5f0e-9a65-0a8f1d9f6a11")
_ISOLATION: Final = {"NoIsolation": 0, "WindowsNetworkVirtualization": 1, "VLANNetwork": 2}
_STATUS: Final = {
    "Running": 0,
    "PowerOff": 1,
    "PoweringOff": 2,
    "Saved": 3,
    "Paused": 6,
    "Starting": 11,
    "Missing": 220,
}
"""Numbers of VMComputerSystemState: the `vmm_virtual_machine_status` of the type reference."""


def _derived(kind: str, text: str) -> uuid.UUID:
    """An id for what the world has no id for; always the same."""
    return uuid.uuid5(_NAMESPACE, f"{kind}/{text}")


def server_object(server: VmmServer) -> PsObject:
    """`ServerConnection`."""
    return ps_object(
        f"{VMM}.Remoting.ServerConnection",
        text=server.name,
        Name=server.name,
        FQDN=server.name,
        IsConnected=True,
        Port=8100,
        UserRole="Administrator",
    )


def cloud_object(cloud: Cloud) -> PsObject:
    """`Cloud`."""
    return ps_object(f"{VMM}.Cloud", text=cloud.name, Name=cloud.name, ID=guid(cloud.id))


def classification_object(name: str) -> PsObject:
    """`StorageClassification`."""
    return ps_object(f"{VMM}.StorageClassification", text=name, Name=name)


def host_object(server: VmmServer, host: HyperVHost) -> PsObject:
    """`Host`: a managed Hyper-V host."""
    return ps_object(
        f"{VMM}.Host",
        text=host.name,
        Name=host.name,
        FQDN=host.name,
        ComputerName=host.name.partition(".")[0],
        ID=_derived("host", host.name),
        VMHostGroup=ps_object(
            f"{VMM}.HostGroup",
            text=server.host_group,
            Name=server.host_group,
            Path=server.host_group,
            ID=_derived("host group", server.host_group),
        ),
        OverallState=PsEnum(f"{VMM}.HostState", "OK", 0),
        TotalMemory=host.memory_mib * 1024 * 1024,
        AvailableMemory=host.free_memory_mib(),
        HostCluster=None,
    )


def machine_object(server: VmmServer, machine: VmmMachine) -> PsObject:
    """`VM`: a machine as VMM's database has it."""
    vm = machine.vm
    status = PsEnum(f"{VMM}.VMComputerSystemState", machine.status, _STATUS[machine.status])
    clouds = [cloud for cloud in server.clouds if cloud.name == machine.cloud]
    return ps_object(
        f"{VMM}.VM",
        text=vm.name,
        Name=vm.name,
        ID=guid(machine.id),
        VMId=vm.id.upper(),
        HostName=machine.host,
        VMHost=next(
            (host_object(server, host) for host in server.get_hosts() if host.name == machine.host),
            None,
        ),
        Cloud=cloud_object(clouds[0]) if clouds else None,
        Status=status,
        StatusString=machine.status,
        VirtualMachineState=status,
        Generation=vm.generation,
        Memory=vm.memory_mib,
        CPUCount=vm.processors,
        ComputerName=vm.guest.computer_name,
        Description="",
        VirtualNetworkAdapters=[
            adapter_object(server, machine, adapter) for adapter in vm.adapters
        ],
        IsRecoveryVM=False,
    )


def adapter_object(server: VmmServer, machine: VmmMachine, adapter: NetworkAdapter) -> PsObject:
    """`VirtualNetworkAdapter` of a machine."""
    host = next((each for each in server.get_hosts() if each.name == machine.host), None)
    network = host.network_of(adapter) if host else None
    shown = _shown(server, machine, adapter)
    mac = ":".join(adapter.mac[place : place + 2] for place in range(0, 12, 2)).upper()
    return ps_object(
        f"{VMM}.VirtualNetworkAdapter",
        text=adapter.name,
        Name=adapter.name,
        ID=adapter_id(machine, adapter),
        MACAddress=mac,
        IPv4Addresses=_texts(shown, is_ipv4=True),
        IPv6Addresses=_texts(shown, is_ipv4=False),
        VMNetwork=network_object(server, network) if network else None,
        LogicalNetwork=_logical_of(server, network) if network else None,
        VirtualNetwork=adapter.switch or "",
        VLanEnabled=adapter.vlan is not None,
        VLanID=adapter.vlan or 0,
    )


def _shown(server: VmmServer, machine: VmmMachine, adapter: NetworkAdapter) -> tuple[Address, ...]:
    """The adapter's addresses in VMM's database, faults included."""
    stale = server.world.faults.matches(
        FaultKind.VMM_STALE_ADDRESS, host=server.name, vm=machine.vm.name
    )
    if stale is None:
        return adapter.reported
    return (ip_address(stale.text),) if adapter is machine.vm.adapters[0] else ()


def adapter_id(machine: VmmMachine, adapter: NetworkAdapter) -> uuid.UUID:
    """VMM's id of an adapter."""
    return _derived("adapter", f"{machine.id}/{adapter.id}")


def _texts(addresses: Iterable[Address], *, is_ipv4: bool) -> list[object]:
    return [str(address) for address in addresses if isinstance(address, IPv4Address) == is_ipv4]


def logical_network_object(logical: LogicalNetwork) -> PsObject:
    """`LogicalNetwork`."""
    return ps_object(
        f"{VMM}.LogicalNetwork",
        text=logical.name,
        Name=logical.name,
        ID=guid(logical.id),
        NetworkVirtualizationEnabled=logical.isolation == "virtual",
        IsLogicalNetworkDefinitionIsolated=logical.isolation == "vlan",
        IsPVLAN=False,
    )


def network_object(server: VmmServer, network: Network) -> PsObject:
    """`VMNetwork`."""
    return ps_object(
        f"{VMM}.VMNetwork",
        text=network.name,
        Name=network.name,
        ID=guid(network.id),
        LogicalNetwork=_logical_of(server, network),
        IsolationType=PsEnum(
            f"{VMM}.VMNetworkIsolationType", network.kind, _ISOLATION[network.kind]
        ),
        Description=network.description,
    )


def definition_object(logical: LogicalNetwork, site: NetworkSite) -> PsObject:
    """`LogicalNetworkDefinition`: a network site with its subnets and VLANs."""
    return ps_object(
        f"{VMM}.LogicalNetworkDefinition",
        text=site.name,
        Name=site.name,
        ID=guid(site.id),
        LogicalNetwork=logical_network_object(logical),
        SubnetVLans=[
            subnet_vlan_object(str(subnet), wire.vlan)
            for wire in site.wires
            for subnet in wire.subnets
        ],
    )


def subnet_vlan_object(subnet: str, vlan: int | None) -> PsObject:
    """`SubnetVLan`."""
    return ps_object(f"{VMM}.SubnetVLan", Subnet=subnet, VLanID=vlan or 0)


def subnet_object(server: VmmServer, subnet: VmSubnet) -> PsObject:
    """`VMSubnet`, with its subnets and VLAN."""
    logical = server.site.logical_networks[subnet.network.logical_network.casefold()]
    return ps_object(
        f"{VMM}.VMSubnet",
        text=subnet.name,
        Name=subnet.name,
        ID=guid(subnet.id),
        VMNetwork=network_object(server, subnet.network),
        LogicalNetworkDefinition=(
            None if subnet.site is None else definition_object(logical, subnet.site)
        ),
        SubnetVLans=[subnet_vlan_object(str(each), subnet.vlan) for each in subnet.subnets],
    )


def virtual_network_object(switch: VirtualSwitch, carried: Iterable[LogicalNetwork]) -> PsObject:
    """`VirtualNetwork`: a virtual switch of a host, with the logical networks that it carries."""
    return ps_object(
        f"{VMM}.VirtualNetwork",
        text=switch.name,
        Name=switch.name,
        ID=guid(switch.id),
        LogicalNetworks=[logical_network_object(each) for each in carried],
    )


def gateway_object(address: str) -> PsObject:
    """`DefaultGateway`."""
    return ps_object(f"{VMM}.DefaultGateway", text=address, IPAddress=address)


def pool_object(
    server: VmmServer, pool: AddressPool, subnet: VmSubnet | None, site: NetworkSite | None
) -> PsObject:
    """`StaticIPAddressPool`: of a VM subnet, or of a network site."""
    gateways = [] if pool.gateway is None else [str(pool.gateway)]
    wires = site.wires if site is not None else ()
    vlan = subnet.vlan if subnet is not None else None
    vlan = next((wire.vlan for wire in wires if pool in wire.pools), vlan)
    return ps_object(
        f"{VMM}.StaticIPAddressPool",
        text=pool.name,
        Name=pool.name,
        ID=guid(pool.id),
        Subnet=str(pool.subnet),
        IPAddressRangeStart=str(pool.first),
        IPAddressRangeEnd=str(pool.last),
        AddressFamily=f"IPv{pool.first.version}",
        TotalAddresses=int(pool.last) - int(pool.first) + 1,
        AvailableAddresses=int(pool.last) - int(pool.first) + 1 - len(pool.grants),
        DefaultGateways=[gateway_object(text) for text in gateways],
        DNSServers=[str(server) for server in pool.dns],
        LogicalNetworkDefinition=_site_object(server, site),
        VMSubnet=None if subnet is None else subnet_object(server, subnet),
        VLanID=vlan or 0,
    )


def _site_object(server: VmmServer, site: NetworkSite | None) -> PsObject | None:
    for logical in server.site.logical_networks.values():
        if site is not None and site in logical.sites:
            return definition_object(logical, site)
    return None


def _logical_of(server: VmmServer, network: Network) -> PsObject:
    return logical_network_object(server.site.logical_networks[network.logical_network.casefold()])


def grant_object(grant: Grant) -> PsObject:
    """`AllocatedIPAddress`."""
    return ps_object(
        f"{VMM}.AllocatedIPAddress",
        text=str(grant.address),
        Name=str(grant.address),
        Address=str(grant.address),
        ID=guid(grant.id),
        AllocatingAddressPoolID=guid(grant.pool),
        AssignedToObjectID=guid(grant.granted_to),
        Description=grant.description,
        State=PsEnum(f"{VMM}.IPAddressState", "Assigned", 1),
    )
