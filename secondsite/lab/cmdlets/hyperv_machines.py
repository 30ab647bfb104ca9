"""Get-VM, Start-VM, Stop-VM and their neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from secondsite.lab.cmdlets.hyperv_objects import vm_object
from secondsite.lab.cmdlets.hyperv_subjects import (
    act_on_machines,
    host_of,
    machines_of_call,
    spend,
    text_of,
    texts_of,
)
from secondsite.lab.cmdlets.hyperv_values import HYPER_V, guid, named
from secondsite.lab.cmdlets.refusals import reporting
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry
from secondsite.lab.powershell.values import Int64, PsObject, ps_object
from secondsite.lab.world.machine import VirtualMachine
from secondsite.lab.world.values import Heartbeat, StartAction, VmState

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_MODULE: Final = "Hyper-V"
_WAIT_STEP_S: Final = 0.25


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


@_CMDLETS.cmdlet("Get-VM", module=_MODULE)
def get_vm(call: CmdletCall) -> Iterator[object]:
    """Machines by name, id, or all."""
    host = host_of(call)
    if call.get("Name") is None and call.get("Id") is None:
        with host.world.settled():
            yield from [vm_object(call, host, vm) for vm in host.get_vm()]
        return
    for vm in machines_of_call(call, host, names="Name"):
        with host.world.settled():
            found = vm_object(call, host, vm)
        yield found


@_CMDLETS.cmdlet("Start-VM", module=_MODULE)
def start_vm(call: CmdletCall) -> Iterator[object]:
    """Power on."""
    return act_on_machines(call, lambda host, vm: host.start_vm(vm.id), names="Name")


@_CMDLETS.cmdlet("Stop-VM", module=_MODULE)
def stop_vm(call: CmdletCall) -> Iterator[object]:
    """Shut the guest down, or cut the power with -TurnOff."""
    return act_on_machines(
        call,
        lambda host, vm: host.stop_vm(
            vm.id, turn_off=call.switch("TurnOff"), force=call.switch("Force")
        ),
        names="Name",
    )


@_CMDLETS.cmdlet("Restart-VM", module=_MODULE, confirms=True)
def restart_vm(call: CmdletCall) -> Iterator[object]:
    """Reset; with -Wait until there is a heartbeat or an address."""
    host = host_of(call)
    machines = list(machines_of_call(call, host, names="Name"))
    yield from act_on_machines(call, lambda each, vm: each.restart_vm(vm.id), names="Name")
    if call.switch("Wait"):
        awaited = text_of(call, "For") or "Heartbeat"
        limit_s = float(text_of(call, "Timeout") or 600)
        while limit_s > 0 and not all(_is_up(vm, awaited) for vm in machines):
            spend(call, _WAIT_STEP_S)
            limit_s -= _WAIT_STEP_S
            with host.world.settled():
                pass


def _is_up(vm: VirtualMachine, awaited: str) -> bool:
    if awaited.casefold() == "ipaddress":
        return bool(vm.addresses)
    return vm.heartbeat in (Heartbeat.OkApplicationsHealthy, Heartbeat.OkApplicationsUnknown)


@_CMDLETS.cmdlet("Set-VM", module=_MODULE)
def set_vm(call: CmdletCall) -> Iterator[object]:
    """Notes and the automatic start action; the world has no other setting of a machine."""
    host = host_of(call)
    notes = text_of(call, "Notes")
    action = text_of(call, "AutomaticStartAction")
    for vm in machines_of_call(call, host, names="Name"):
        host.set_vm(
            vm.id, notes=notes, start_action=None if action is None else StartAction[action]
        )
        if call.switch("Passthru"):
            yield vm_object(call, host, vm)


@_CMDLETS.cmdlet("Remove-VM", module=_MODULE, confirms=True)
def remove_vm(call: CmdletCall) -> Iterator[object]:
    """Delete a machine that is off."""
    host = host_of(call)
    for vm in list(machines_of_call(call, host, names="Name")):
        with reporting(call):
            host.remove_vm(vm.id)
    return iter(())


@_CMDLETS.cmdlet("Get-VMIntegrationService", module=_MODULE)
def get_vm_integration_service(call: CmdletCall) -> Iterator[object]:
    """Heartbeat, shutdown, data exchange, time, VSS and guest services."""
    host = host_of(call)
    wanted = {name.casefold() for name in texts_of(call, "Name")}
    for vm in machines_of_call(call, host):
        with host.world.settled():
            beat = host.heartbeat(vm)
        for name in _SERVICES:
            if not wanted or name.casefold() in wanted:
                yield _service(vm, name, beat)


_SERVICES: Final = {
    "Guest Service Interface": "6C09BB55-D683-4DA0-8931-C9BF705F6480",
    "Heartbeat": "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47",
    "Key-Value Pair Exchange": "2A34B1C2-FD73-4043-8A5B-DD2159BC743F",
    "Shutdown": "9F8233AC-BE49-4C79-8EE3-E7E1985B2077",
    "Time Synchronization": "2497F4DE-E9FA-4204-80E4-4B75C46419C0",
    "VSS": "5CED1297-4598-4915-A5FC-AD21BB4D02A4",
}


def _service(vm: VirtualMachine, name: str, beat: Heartbeat) -> PsObject:
    if vm.state is not VmState.Running:
        status = ""
    elif beat.is_ok:
        status = "OK"
    else:
        status = "Lost Communication" if beat is Heartbeat.LostCommunication else "No Contact"
    return ps_object(
        f"{HYPER_V}.VMIntegrationComponent",
        Name=name,
        Id=f"Microsoft:{vm.id.upper()}\\{_SERVICES[name]}",
        VMName=vm.name,
        VMId=guid(vm.id),
        Enabled=vm.guest.integration_services and name != "Guest Service Interface",
        PrimaryStatusDescription=status,
        SecondaryStatusDescription="",
    )


@_CMDLETS.cmdlet("Get-VMHardDiskDrive", module=_MODULE)
def get_vm_hard_disk_drive(call: CmdletCall) -> Iterator[object]:
    """One disk each, on the volume D: of the host."""
    host = host_of(call)
    for vm in machines_of_call(call, host):
        yield ps_object(
            f"{HYPER_V}.HardDiskDrive",
            VMName=vm.name,
            VMId=guid(vm.id),
            Path=f"D:\\Machines\\{vm.name}\\disk0.vhdx",
            ControllerType=named("ControllerType", "SCSI", 1),
            ControllerNumber=0,
            ControllerLocation=0,
        )


@_CMDLETS.cmdlet("Get-VMMemory", module=_MODULE)
def get_vm_memory(call: CmdletCall) -> Iterator[object]:
    """Static memory settings."""
    host = host_of(call)
    for vm in machines_of_call(call, host):
        yield ps_object(
            f"{HYPER_V}.VMMemory",
            VMName=vm.name,
            VMId=guid(vm.id),
            Startup=Int64(vm.memory_mib * 1024 * 1024),
            DynamicMemoryEnabled=False,
        )


@_CMDLETS.cmdlet("Get-VMHost", module=_MODULE)
def get_vm_host(call: CmdletCall) -> Iterator[object]:
    """The host itself."""
    host = host_of(call)
    facts = host.get_vm_host()
    yield ps_object(
        f"{HYPER_V}.VMHost",
        Name=facts.name.upper(),
        ComputerName=facts.name.upper(),
        LogicalProcessorCount=facts.processors,
        MemoryCapacity=Int64(facts.memory_mib * 1024 * 1024),
        VirtualMachineMigrationEnabled=False,
    )


@_CMDLETS.cmdlet("Get-VMReplicationServer", module=_MODULE)
def get_vm_replication_server(call: CmdletCall) -> Iterator[object]:
    """Whether and how this host takes replicas."""
    host = host_of(call)
    server = host.get_vm_replication_server()
    yield ps_object(
        f"{HYPER_V}.VMReplicationServer",
        aliases={"RepEnabled": "ReplicationEnabled"},
        ReplicationEnabled=server.enabled,
        AllowedAuthenticationType=named("RecoveryAuthenticationType", server.authentication, 1),
        KerberosAuthenticationPort=server.port,
        CertificateAuthenticationPort=443,
        DefaultStorageLocation=server.storage,
        ReplicationAllowedFromAnyServer=True,
        MonitoringInterval=timedelta(hours=24),
        MonitoringStartTime=timedelta(0),
        ComputerName=host.name.upper(),
    )
