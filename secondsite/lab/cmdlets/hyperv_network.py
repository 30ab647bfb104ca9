"""Adapters of machines: connection, VLAN, failover address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secondsite.lab.cmdlets.failover_addresses import changed_setting, setting_object
from secondsite.lab.cmdlets.hyperv_objects import adapter_object, vlan_object
from secondsite.lab.cmdlets.hyperv_subjects import (
    adapters_of_call,
    host_of,
    machines_of_call,
    objects_of,
    text_of,
)
from secondsite.lab.cmdlets.refusals import reporting
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry
from secondsite.lab.world.refusal import invalid_parameter

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_MODULE: Final = "Hyper-V"


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


@_CMDLETS.cmdlet("Get-VMNetworkAdapter", module=_MODULE)
def get_vm_network_adapter(call: CmdletCall) -> Iterator[object]:
    """Adapters of machines; those of the host itself are not simulated."""
    host = host_of(call)
    name = text_of(call, "Name")
    if call.switch("All"):
        machines = list(host.get_vm())
    elif call.switch("ManagementOS"):
        return
    else:
        machines = list(machines_of_call(call, host))
    for vm in machines:
        with host.world.settled():
            found = [
                adapter_object(vm, adapter)
                for adapter in vm.adapters
                if name is None or adapter.name.casefold() == name.casefold()
            ]
        yield from found


@_CMDLETS.cmdlet("Connect-VMNetworkAdapter", module=_MODULE)
def connect_vm_network_adapter(call: CmdletCall) -> Iterator[object]:
    """Connect to a switch by name or object."""
    host = host_of(call)
    switches = [str(item.get("Name")) for item in objects_of(call, "VMSwitch")]
    switch = text_of(call, "SwitchName") or (switches[0] if switches else None)
    for vm, adapter in adapters_of_call(call, host, names="Name"):
        with reporting(call):
            if switch is None:
                raise invalid_parameter("lab: -UseAutomaticConnection is not simulated.")
            host.connect_vm_network_adapter(vm.id, switch=switch, name=adapter.id)
            if call.switch("Passthru"):
                yield adapter_object(vm, adapter)


@_CMDLETS.cmdlet("Disconnect-VMNetworkAdapter", module=_MODULE)
def disconnect_vm_network_adapter(call: CmdletCall) -> Iterator[object]:
    """Disconnect."""
    host = host_of(call)
    for vm, adapter in adapters_of_call(call, host, names="Name"):
        with reporting(call):
            host.disconnect_vm_network_adapter(vm.id, name=adapter.id)
            if call.switch("Passthru"):
                yield adapter_object(vm, adapter)


@_CMDLETS.cmdlet("Set-VMNetworkAdapter", module=_MODULE)
def set_vm_network_adapter(call: CmdletCall) -> Iterator[object]:
    """The switch (or pool) that a *test* VM's adapter gets."""
    host = host_of(call)
    for vm, adapter in adapters_of_call(call, host, names="Name"):
        with reporting(call):
            host.set_vm_network_adapter(
                vm.id,
                name=adapter.id,
                test_replica_switch=text_of(call, "TestReplicaSwitchName"),
                test_replica_pool=text_of(call, "TestReplicaPoolName"),
            )
            if call.switch("Passthru"):
                yield adapter_object(vm, adapter)


@_CMDLETS.cmdlet("Get-VMNetworkAdapterVlan", module=_MODULE)
def get_vm_network_adapter_vlan(call: CmdletCall) -> Iterator[object]:
    """VLAN settings."""
    host = host_of(call)
    for vm, adapter in adapters_of_call(call, host, names="VMNetworkAdapterName"):
        yield vlan_object(vm, adapter)


@_CMDLETS.cmdlet("Set-VMNetworkAdapterVlan", module=_MODULE)
def set_vm_network_adapter_vlan(call: CmdletCall) -> Iterator[object]:
    """Untagged, or an access VLAN; trunks and private VLANs are not simulated."""
    host = host_of(call)
    for vm, adapter in adapters_of_call(call, host, names="VMNetworkAdapterName"):
        with reporting(call):
            vlan = text_of(call, "VlanId")
            if call.switch("Untagged") == call.switch("Access"):
                raise invalid_parameter("lab: Set-VMNetworkAdapterVlan knows -Untagged or -Access.")
            if call.switch("Access") == (vlan is None):
                raise invalid_parameter("-Access needs -VlanId, and -Untagged takes none.")
            host.set_vm_network_adapter_vlan(
                vm.id, access_vlan=None if vlan is None else int(vlan), name=adapter.id
            )
            if call.switch("Passthru"):
                yield vlan_object(vm, adapter)


@_CMDLETS.cmdlet("Get-VMNetworkAdapterFailoverConfiguration", module=_MODULE)
def get_failover_configuration(call: CmdletCall) -> Iterator[object]:
    """What a failover would inject."""
    host = host_of(call)
    for vm, adapter in adapters_of_call(call, host, names="VMNetworkAdapterName"):
        yield setting_object(vm, adapter)


@_CMDLETS.cmdlet("Set-VMNetworkAdapterFailoverConfiguration", module=_MODULE)
def set_failover_configuration(call: CmdletCall) -> Iterator[object]:
    """Set or clear what a failover will inject."""
    host = host_of(call)
    for vm, adapter in adapters_of_call(call, host, names="VMNetworkAdapterName"):
        with reporting(call):
            clear_ipv4 = call.switch("ClearFailoverIPv4Settings")
            clear_ipv6 = call.switch("ClearFailoverIPv6Settings")
            wanted = changed_setting(
                adapter.failover, lambda name: text_of(call, name), vm_name=vm.name
            )
            host.set_vm_network_adapter_failover_configuration(
                vm.id,
                name=adapter.id,
                ipv4=None if clear_ipv4 else wanted.ipv4,
                ipv4_gateway=wanted.ipv4_gateway,
                ipv4_dns=wanted.ipv4_dns,
                ipv6=None if clear_ipv6 else wanted.ipv6,
                ipv6_gateway=wanted.ipv6_gateway,
                ipv6_dns=wanted.ipv6_dns,
                clear_ipv4=clear_ipv4,
                clear_ipv6=clear_ipv6,
            )
            if call.switch("Passthru"):
                yield setting_object(vm, adapter)
