"""Cmdlets of the VirtualMachineManager module: inventory, and addresses out of pools."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from secondsite.lab.cmdlets.hyperv_subjects import objects_of, text_of
from secondsite.lab.cmdlets.refusals import record_of, refuse_second_hop, reporting
from secondsite.lab.cmdlets.vmm_calls import named, server_of
from secondsite.lab.cmdlets.vmm_objects import (
    adapter_object,
    classification_object,
    cloud_object,
    grant_object,
    host_object,
    machine_object,
    server_object,
)
from secondsite.lab.powershell.registry import CmdletCall, CmdletError, CmdletRegistry
from secondsite.lab.powershell.values import PsObject
from secondsite.lab.world.refusal import VMM_EXCEPTION, LabRefusal

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_MODULE: Final = "VirtualMachineManager"


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


def _refusal(message: str, *, reason: str) -> LabRefusal:
    return LabRefusal(
        message, reason=reason, category="ObjectNotFound", exception_type=VMM_EXCEPTION
    )


@_CMDLETS.cmdlet("Get-SCVMMServer", module=_MODULE)
def get_scvmm_server(call: CmdletCall) -> Iterator[object]:
    """Connect to VMM: here itself only; another one would be a second hop."""
    server = server_of(call)
    try:
        refuse_second_hop(call, server.name)
    except LabRefusal as refusal:
        raise CmdletError(record_of(call, refusal)) from refusal
    yield server_object(server)


@_CMDLETS.cmdlet("Get-SCCloud", module=_MODULE)
def get_sc_cloud(call: CmdletCall) -> Iterator[object]:
    """Clouds."""
    return named(call, [cloud_object(cloud) for cloud in server_of(call).get_clouds()])


@_CMDLETS.cmdlet("Get-SCStorageClassification", module=_MODULE)
def get_sc_storage_classification(call: CmdletCall) -> Iterator[object]:
    """Storage classifications."""
    return named(call, [classification_object(name) for name in server_of(call).storage])


@_CMDLETS.cmdlet("Get-SCVMHost", module=_MODULE)
def get_sc_vm_host(call: CmdletCall) -> Iterator[object]:
    """Managed hosts; -ComputerName takes a name with or without suffix."""
    server = server_of(call)
    wanted = text_of(call, "ComputerName")
    for host in server.get_hosts():
        names = {host.name.casefold(), host.name.partition(".")[0].casefold()}
        if wanted is None or wanted.casefold() in names:
            yield from named(call, [host_object(server, host)])


@_CMDLETS.cmdlet("Get-SCVMHostGroup", module=_MODULE)
def get_sc_vm_host_group(call: CmdletCall) -> Iterator[object]:
    """The one host group."""
    server = server_of(call)
    hosts = server.get_hosts()
    groups = [host_object(server, hosts[0]).get("VMHostGroup")] if hosts else []
    return named(call, [group for group in groups if isinstance(group, PsObject)])


@_CMDLETS.cmdlet("Get-SCVirtualMachine", module=_MODULE)
def get_sc_virtual_machine(call: CmdletCall) -> Iterator[object]:
    """Machines as of the last refresh, of a host, a cloud, or all."""
    server = server_of(call)
    hosts = {str(item.get("Name")) for item in objects_of(call, "VMHost")}
    clouds = {str(item.get("Name")) for item in objects_of(call, "Cloud")}
    with server.world.settled():
        machines = [
            machine_object(server, machine)
            for machine in server.get_virtual_machines(text_of(call, "Name"))
            if (not hosts or machine.host in hosts) and (not clouds or machine.cloud in clouds)
        ]
    wanted = text_of(call, "ID")
    for item in machines:
        if wanted is None or str(item.get("ID")).casefold() == wanted.casefold():
            yield item


@_CMDLETS.cmdlet("Read-SCVirtualMachine", module=_MODULE)
def read_sc_virtual_machine(call: CmdletCall) -> Iterator[object]:
    """Refresh now."""
    server = server_of(call)
    server.read_virtual_machines()
    wanted = {str(item.get("ID")) for item in objects_of(call, "VM")}
    hosts = {str(item.get("Name")) for item in objects_of(call, "VMHost")}
    with server.world.settled():
        found = [
            machine_object(server, machine)
            for machine in server.get_virtual_machines()
            if machine.id in wanted or machine.host in hosts
        ]
    yield from found


@_CMDLETS.cmdlet("Get-SCVirtualNetworkAdapter", module=_MODULE)
def get_sc_virtual_network_adapter(call: CmdletCall) -> Iterator[object]:
    """Adapters of a machine, or of all."""
    server = server_of(call)
    wanted = {str(item.get("ID")) for item in objects_of(call, "VM")}
    with server.world.settled():
        found = [
            adapter_object(server, machine, adapter)
            for machine in server.get_virtual_machines()
            if call.switch("All") or call.get("ID") is not None or machine.id in wanted
            for adapter in machine.vm.adapters
        ]
    yield from named(call, found)


@_CMDLETS.cmdlet("Get-SCIPAddress", module=_MODULE)
def get_sc_ip_address(call: CmdletCall) -> Iterator[object]:
    """Granted addresses, by owner, pool, address, or all."""
    server = server_of(call)
    pools = [str(item.get("ID")) for item in objects_of(call, "StaticIPAddressPool")]
    address, wanted = text_of(call, "IPAddress"), text_of(call, "ID")
    for grant in server.get_ip_addresses(
        granted_to=text_of(call, "GrantToObjectID"), pool=pools[0] if pools else None
    ):
        if (address is None or str(grant.address) == address) and (
            wanted is None or grant.id == wanted
        ):
            yield grant_object(grant)


@_CMDLETS.cmdlet("Grant-SCIPAddress", module=_MODULE)
def grant_sc_ip_address(call: CmdletCall) -> Iterator[object]:
    """Take an address out of a pool."""
    server = server_of(call)
    with reporting(call):
        owner = text_of(call, "GrantToObjectID")
        if owner is None:
            raise _refusal("lab: Grant-SCIPAddress needs -GrantToObjectID.", reason="NoOwner")
        address = text_of(call, "IPAddress")
        for pool in objects_of(call, "StaticIPAddressPool"):
            grant = server.grant_ip_address(
                pool=str(pool.get("ID")),
                granted_to=owner,
                address=None if address is None else ip_address(address),
                description=text_of(call, "Description") or "",
            )
            yield grant_object(grant)


@_CMDLETS.cmdlet("Revoke-SCIPAddress", module=_MODULE)
def revoke_sc_ip_address(call: CmdletCall) -> Iterator[object]:
    """Give addresses back."""
    server = server_of(call)
    for item in objects_of(call, "AllocatedIPAddress"):
        with reporting(call):
            yield grant_object(server.revoke_ip_address(str(item.get("ID"))))
