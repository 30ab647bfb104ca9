"""Cmdlets of the VirtualMachineManager module: logical networks, VM networks, static pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from secondsite.lab.cmdlets.hyperv_subjects import objects_of, text_of, texts_of
from secondsite.lab.cmdlets.refusals import reporting
from secondsite.lab.cmdlets.vmm_calls import id_of, ids_of, named, server_of
from secondsite.lab.cmdlets.vmm_objects import (
    adapter_id,
    adapter_object,
    definition_object,
    gateway_object,
    logical_network_object,
    network_object,
    pool_object,
    subnet_object,
    subnet_vlan_object,
    virtual_network_object,
)
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry
from secondsite.lab.powershell.values import PsObject
from secondsite.lab.world.network import Subnet
from secondsite.lab.world.vm_network_parts import vmm_refusal

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_MODULE: Final = "VirtualMachineManager"


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


@_CMDLETS.cmdlet("Get-SCLogicalNetwork", module=_MODULE)
def get_sc_logical_network(call: CmdletCall) -> Iterator[object]:
    """Logical networks: all, or those that adapters of a host are associated with."""
    hosts = [str(item.get("Name")) for item in objects_of(call, "VMHost")]
    found = [
        logical_network_object(logical)
        for logical in server_of(call).get_logical_networks()
        if all(logical.carries_on(host) for host in hosts)
    ]
    return named(call, found)


@_CMDLETS.cmdlet("Get-SCLogicalNetworkDefinition", module=_MODULE)
def get_sc_logical_network_definition(call: CmdletCall) -> Iterator[object]:
    """Network sites, of a logical network or all."""
    wanted = ids_of(call, "LogicalNetwork")
    found = [
        definition_object(logical, site)
        for logical in server_of(call).get_logical_networks()
        if not wanted or logical.id in wanted
        for site in logical.sites
    ]
    return named(call, found)


@_CMDLETS.cmdlet("Get-SCVirtualNetwork", module=_MODULE)
def get_sc_virtual_network(call: CmdletCall) -> Iterator[object]:
    """Virtual switches of a host."""
    server = server_of(call)
    wanted = {str(item.get("Name")) for item in objects_of(call, "VMHost")}
    found = [
        virtual_network_object(
            switch,
            [
                logical
                for logical in server.get_logical_networks()
                if logical.carries_on(host.name)
                and logical.switch.casefold() == switch.name.casefold()
            ],
        )
        for host in server.get_hosts()
        if not wanted or host.name in wanted
        for switch in host.get_vm_switch()
    ]
    return named(call, found)


@_CMDLETS.cmdlet("Get-SCVMNetwork", module=_MODULE)
def get_sc_vm_network(call: CmdletCall) -> Iterator[object]:
    """VM networks, of a logical network or all."""
    server = server_of(call)
    wanted = {str(item.get("Name")) for item in objects_of(call, "LogicalNetwork")}
    networks = [
        network_object(server, network)
        for network in server.get_vm_networks()
        if not wanted or network.logical_network in wanted
    ]
    return named(call, networks)


@_CMDLETS.cmdlet("Get-SCVMSubnet", module=_MODULE)
def get_sc_vm_subnet(call: CmdletCall) -> Iterator[object]:
    """VM subnets, of a VM network or all."""
    server = server_of(call)
    wanted = ids_of(call, "VMNetwork")
    subnets = [
        subnet_object(server, subnet)
        for subnet in server.get_vm_subnets()
        if not wanted or subnet.network.id in wanted
    ]
    return named(call, subnets)


@_CMDLETS.cmdlet("Get-SCStaticIPAddressPool", module=_MODULE)
def get_sc_static_ip_address_pool(call: CmdletCall) -> Iterator[object]:
    """Static pools, of a VM subnet, of a network site, or all."""
    server = server_of(call)
    subnets, sites = ids_of(call, "VMSubnet"), ids_of(call, "LogicalNetworkDefinition")
    pools = [
        pool_object(server, pool, subnet, site)
        for pool, subnet, site in server.get_pools()
        if (not subnets or (subnet is not None and subnet.id in subnets))
        and (not sites or (site is not None and site.id in sites))
    ]
    return named(call, pools)


@_CMDLETS.cmdlet("New-SCSubnetVLan", module=_MODULE)
def new_sc_subnet_vlan(call: CmdletCall) -> Iterator[object]:
    """A subnet with its VLAN, in memory only."""
    with reporting(call):
        subnet = _network(text_of(call, "Subnet") or "")
        yield subnet_vlan_object(str(subnet), int(text_of(call, "VLanID") or 0))


@_CMDLETS.cmdlet("New-SCDefaultGateway", module=_MODULE)
def new_sc_default_gateway(call: CmdletCall) -> Iterator[object]:
    """A gateway, in memory only."""
    yield gateway_object(text_of(call, "IPAddress") or "")


@_CMDLETS.cmdlet("New-SCVMNetwork", module=_MODULE)
def new_sc_vm_network(call: CmdletCall) -> Iterator[object]:
    """Make a VM network."""
    server = server_of(call)
    (logical,) = objects_of(call, "LogicalNetwork")
    with reporting(call):
        network = server.new_vm_network(
            text_of(call, "Name") or "",
            logical_network=str(logical.get("Name")),
            kind=text_of(call, "IsolationType") or "NoIsolation",
            description=text_of(call, "Description") or "",
        )
        yield network_object(server, network)


@_CMDLETS.cmdlet("New-SCVMSubnet", module=_MODULE)
def new_sc_vm_subnet(call: CmdletCall) -> Iterator[object]:
    """Make a VM subnet."""
    server = server_of(call)
    with reporting(call):
        subnet = server.new_vm_subnet(
            text_of(call, "Name") or "",
            network=id_of(call, "VMNetwork") or "",
            pairs=[
                (_network(str(item.get("Subnet"))), int(str(item.get("VLanID"))) or None)
                for item in objects_of(call, "SubnetVLan")
            ],
            site=id_of(call, "LogicalNetworkDefinition"),
        )
        yield subnet_object(server, subnet)


@_CMDLETS.cmdlet("New-SCStaticIPAddressPool", module=_MODULE)
def new_sc_static_ip_address_pool(call: CmdletCall) -> Iterator[object]:
    """Make a static pool of a VM subnet."""
    server = server_of(call)
    with reporting(call):
        subnet = _network(text_of(call, "Subnet") or "")
        owner = id_of(call, "VMSubnet")
        if owner is None:
            raise vmm_refusal("lab: pools are made for VM subnets only.", reason="LabSubset")
        hosts = list(subnet.hosts()) if subnet.version == 4 else [subnet[1], subnet[-1]]
        first = text_of(call, "IPAddressRangeStart") or str(hosts[0])
        last = text_of(call, "IPAddressRangeEnd") or str(hosts[-1])
        gateways = [str(item.get("IPAddress")) for item in objects_of(call, "DefaultGateway")]
        pool = server.new_static_ip_address_pool(
            text_of(call, "Name") or "",
            vm_subnet=owner,
            subnet=subnet,
            addresses=(ip_address(first), ip_address(last)),
            gateway=ip_address(gateways[0]) if gateways else None,
            dns=tuple(ip_address(text) for text in texts_of(call, "DNSServer")),
        )
        found = next(each for each in server.get_pools() if each[0] is pool)
        yield pool_object(server, *found)


@_CMDLETS.cmdlet("Remove-SCStaticIPAddressPool", module=_MODULE)
def remove_sc_static_ip_address_pool(call: CmdletCall) -> Iterator[object]:
    """Remove static pools; gives nothing."""
    return _removed(call, sorted(ids_of(call, "StaticIPAddressPool")), kind="pool")


@_CMDLETS.cmdlet("Remove-SCVMSubnet", module=_MODULE)
def remove_sc_vm_subnet(call: CmdletCall) -> Iterator[object]:
    """Remove VM subnets; gives nothing."""
    return _removed(call, sorted(ids_of(call, "VMSubnet")), kind="subnet")


@_CMDLETS.cmdlet("Remove-SCVMNetwork", module=_MODULE)
def remove_sc_vm_network(call: CmdletCall) -> Iterator[object]:
    """Remove VM networks; gives nothing."""
    return _removed(call, sorted(ids_of(call, "VMNetwork")), kind="network")


@_CMDLETS.cmdlet("Set-SCVirtualNetworkAdapter", module=_MODULE)
def set_sc_virtual_network_adapter(call: CmdletCall) -> Iterator[object]:
    """Connect an adapter to a VM network, or to none (-NoConnection)."""
    server = server_of(call)
    wanted = ids_of(call, "VirtualNetworkAdapter")
    with server.world.settled():
        found = [
            (machine, adapter)
            for machine in server.get_virtual_machines()
            for adapter in machine.vm.adapters
            if str(adapter_id(machine, adapter)) in wanted
        ]
        for machine, adapter in found:
            with reporting(call):
                network = id_of(call, "VMNetwork")
                host = next(each for each in server.get_hosts() if each.name == machine.host)
                if call.switch("NoConnection") and network is None and not machine.is_missing:
                    server.disconnect_adapter(host, machine.vm, adapter)
                    yield adapter_object(server, machine, adapter)
                    continue
                if machine.is_missing or network is None:
                    raise vmm_refusal(
                        f"{machine.vm.name} is {machine.status}, or no VM network was given.",
                        reason="InvalidState",
                    )
                server.connect_adapter(
                    host,
                    machine.vm,
                    adapter,
                    network=network,
                    subnet=id_of(call, "VMSubnet"),
                    switch=text_of(call, "VirtualNetwork"),
                    vlan=int(text_of(call, "VLanID") or 0) or None,
                    is_allocated=text_of(call, "IPv4AddressType") == "Static",
                    owner=str(adapter_id(machine, adapter)),
                )
                yield adapter_object(server, machine, adapter)


def _removed(call: CmdletCall, ids: Sequence[str], *, kind: str) -> Iterator[PsObject]:
    server = server_of(call)
    remove = {
        "pool": server.remove_static_ip_address_pool,
        "subnet": server.remove_vm_subnet,
        "network": server.remove_vm_network,
    }[kind]
    for each in ids:
        with reporting(call):
            remove(each)
    return iter(())


def _network(text: str) -> Subnet:
    try:
        return ip_network(text)
    except ValueError:
        raise vmm_refusal(f"{text} is not a subnet.", reason="InvalidSubnet") from None
