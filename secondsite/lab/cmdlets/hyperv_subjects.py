"""Which machines and adapters a Hyper-V cmdlet is called for, and how its work on them is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from secondsite.lab.cmdlets.hyperv_objects import vm_object
from secondsite.lab.cmdlets.jobs import failed_job, running_job
from secondsite.lab.cmdlets.refusals import record_of, refuse_second_hop, reporting
from secondsite.lab.powershell.registry import CmdletCall, CmdletError
from secondsite.lab.powershell.values import PsObject
from secondsite.lab.world.host import HyperVHost
from secondsite.lab.world.machine import Done, VirtualMachine
from secondsite.lab.world.network import NetworkAdapter
from secondsite.lab.world.refusal import LabRefusal, not_found

__all__ = [
    "act_on_machines",
    "adapters_of_call",
    "host_of",
    "machines_of_call",
    "objects_of",
    "spend",
    "text_of",
    "texts_of",
]

_MACHINE_PARAMETERS: Final = ("VM", "VMReplication")


def host_of(call: CmdletCall) -> HyperVHost:
    """The Hyper-V host that the cmdlet runs on.

    Raises:
        CmdletError: the call asks for another computer.
    """
    host = call.host
    if not isinstance(host, HyperVHost):
        raise TypeError(f"{call.name} on something that is no Hyper-V host: {host!r}")
    try:
        refuse_second_hop(call, host.name)
    except LabRefusal as refusal:
        raise CmdletError(record_of(call, refusal)) from refusal
    return host


def objects_of(call: CmdletCall, name: str) -> list[PsObject]:
    """The objects that a parameter was given."""
    value = call.get(name)
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, PsObject)]


def texts_of(call: CmdletCall, name: str) -> list[str]:
    """The texts that a parameter was given."""
    value = call.get(name)
    values = value if isinstance(value, list) else [value]
    return [str(item) for item in values if item is not None]


def text_of(call: CmdletCall, name: str) -> str | None:
    """The text that a parameter was given; None if it was not."""
    texts = texts_of(call, name)
    return texts[0] if texts else None


def machines_of_call(
    call: CmdletCall, host: HyperVHost, *, names: str = "VMName"
) -> Iterator[VirtualMachine]:
    """Machines by object, id or name (wildcards allowed); what is not there is an error each.

    `names` is what the cmdlet calls its parameter for names.
    """
    for parameter in _MACHINE_PARAMETERS:
        for item in objects_of(call, parameter):
            with reporting(call):
                found = item.get("VMId") if parameter == "VMReplication" else item.get("Id")
                yield host.get_vm(vm_id=str(found))[0]
    for text in texts_of(call, "Id"):
        with reporting(call):
            yield host.get_vm(vm_id=text)[0]
    for text in texts_of(call, names):
        with reporting(call):
            yield from host.get_vm(text)


def spend(call: CmdletCall, seconds: float) -> None:
    """Block as long as the real cmdlet would."""
    call.runspace.sleep(seconds)


def act_on_machines(
    call: CmdletCall,
    operation: Callable[[HyperVHost, VirtualMachine], Done],
    *,
    names: str = "VMName",
) -> Iterator[object]:
    """Carry `operation` out on each machine of the call.

    With -AsJob each becomes a job that works on while the script goes on; -Passthru gives the
    machines back.
    """
    host = host_of(call)
    for vm in list(machines_of_call(call, host, names=names)):
        yield from act_on_machine(call, host, vm, operation)


def act_on_machine(
    call: CmdletCall,
    host: HyperVHost,
    vm: VirtualMachine,
    operation: Callable[[HyperVHost, VirtualMachine], Done],
) -> Iterator[object]:
    """As `act_on_machines`, for one machine."""
    try:
        done = operation(host, vm)
    except LabRefusal as refusal:
        if call.switch("AsJob"):
            yield failed_job(call, record_of(call, refusal))
        else:
            call.write_error(record_of(call, refusal))
        return
    if done.warning:
        call.write_warning(done.warning)
    if call.switch("AsJob"):
        yield running_job(call, seconds=done.takes_s)
        return
    spend(call, done.takes_s)
    if call.switch("Passthru"):
        with host.world.settled():
            found = vm_object(call, host, done.vm or vm)
        yield found


def adapters_of_call(
    call: CmdletCall, host: HyperVHost, *, names: str
) -> Iterator[tuple[VirtualMachine, NetworkAdapter]]:
    """Adapters by object, or by machine and adapter name; `names` is the latter's parameter."""
    for item in objects_of(call, "VMNetworkAdapter"):
        with reporting(call):
            vm = host.get_vm(vm_id=str(item.get("VMId")))[0]
            wanted = str(item.get("Id")).rpartition("\\")[2].casefold()
            found = [each for each in vm.adapters if each.id.casefold() == wanted]
            if not found:
                raise not_found(
                    f"Hyper-V encountered an error trying to access an object on computer "
                    f"'{host.name}' because the object was not found. It might have been deleted.",
                    target=str(item.get("Name")),
                )
            yield vm, found[0]
    name = text_of(call, names)
    for vm in machines_of_call(call, host):
        with reporting(call):
            found = host.get_vm_network_adapter(vm.id, name=name)
            if not found and name is not None:
                raise not_found(
                    f'Hyper-V was unable to find a network adapter "{name}" on virtual machine '
                    f'"{vm.name}".',
                    target=name,
                )
            for adapter in found:
                yield vm, adapter
