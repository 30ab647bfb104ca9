"""Invoke-Command into a virtual machine of this host: PowerShell Direct.

Who may log on, and what is refused with which error id: Microsoft's documentation of PowerShell
Direct (requirements, troubleshooting), and PowerShell's own source for the ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from secondsite.lab.cmdlets.guest_cmdlets import GuestComputer, guest_registry
from secondsite.lab.cmdlets.hyperv_subjects import host_of, texts_of
from secondsite.lab.powershell.console import NoInput
from secondsite.lab.powershell.conversion import as_array
from secondsite.lab.powershell.failures import ExitSignal, PsError, unsupported
from secondsite.lab.powershell.registry import CmdletCall, CmdletError, CmdletRegistry
from secondsite.lab.powershell.runspace import Runspace
from secondsite.lab.powershell.secure_text import Credential
from secondsite.lab.powershell.streams import STREAMS, Context
from secondsite.lab.powershell.values import ErrorRecord, ScriptBlock
from secondsite.lab.world.guest_systems import has_powershell_direct
from secondsite.lab.world.host import HyperVHost
from secondsite.lab.world.machine import VirtualMachine
from secondsite.lab.world.values import VmState

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_CLASS: Final = "Microsoft.PowerShell.Commands.InvokeCommandCommand"
_REMOTING: Final = "System.Management.Automation.Remoting"


class _BrokenError(Exception):
    """The session has ended: the machine is not up any more."""


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


@_CMDLETS.cmdlet("Invoke-Command", module="Microsoft.PowerShell.Core")
def invoke_command(call: CmdletCall) -> Iterator[object]:
    """A script block here, or inside machines by id or name; other computers are a second hop."""
    block = call.get("ScriptBlock")
    arguments = as_array(call.get("ArgumentList"))
    if not isinstance(block, ScriptBlock):
        raise unsupported("Invoke-Command without -ScriptBlock")
    if call.parameter_set == "InProcess":
        yield from call.runspace.invoke_method(block, arguments)
        return
    if call.parameter_set not in {"VMId", "VMName"}:
        raise unsupported(f"Invoke-Command, parameter set {call.parameter_set}")
    if any(each is not None and not isinstance(each, str | int | float) for each in arguments):
        raise unsupported("Invoke-Command with arguments that are neither text nor numbers")
    host = host_of(call)
    credential = call.get("Credential")
    if not isinstance(credential, Credential):
        raise unsupported("Invoke-Command without -Credential: it would ask somebody")
    for wanted in texts_of(call, call.parameter_set):
        try:
            vm = _enter(host, wanted, credential, by=call.parameter_set)
        except CmdletError as refusal:
            call.write_error(refusal.record)
            continue
        yield from _run(call, host, vm, block, arguments, account=credential.username)


def _enter(host: HyperVHost, wanted: str, credential: Credential, *, by: str) -> VirtualMachine:
    """The machine, once somebody has logged on to it."""
    with host.world.settled():
        found = [
            vm
            for vm in host.vms.values()
            if wanted.casefold() in ({vm.id} if by == "VMId" else {vm.name.casefold()})
        ]
        if len(found) != 1:
            raise _refusal(
                f"The input {by} parameter {wanted} does not resolve to a single virtual machine.",
                f"Invalid{by}NotSingle",
            )
        [vm] = found
        if vm.state is not VmState.Running:
            raise _refusal(
                f"The virtual machine {vm.name} is not in running state.", "InvalidVMState"
            )
        if not (vm.beats and has_powershell_direct(vm.guest.system)):
            raise _broken(vm)
        secret = credential.password.reveal()
        if not host.world.may_log_on(vm.guest.credential, credential.username, secret):
            raise _session_error(vm, f"{_REMOTING}.PSDirectException", "The credential is invalid.")
        host.record(
            "(guest)", vm.name, vm_id=vm.id, event="powershell", account=credential.username
        )
        return vm


def _run(
    call: CmdletCall,
    host: HyperVHost,
    vm: VirtualMachine,
    block: ScriptBlock,
    arguments: list[object],
    *,
    account: str,
) -> Iterator[object]:
    """What the block writes inside; its errors are errors of the call."""
    epoch = vm.power_epoch

    def stay_up(name: str, parameters: Mapping[str, object]) -> None:
        del name, parameters
        if vm.power_epoch != epoch or vm.is_deleted:
            raise _BrokenError

    screen = _Screen(call.runspace.write_host)
    session = Runspace(
        guest_registry(),
        GuestComputer(host=host, vm=vm),
        call.runspace.clock,
        NoInput(),
        screen,
        screen,
        on_cmdlet=stay_up,
        computer_name=vm.guest.computer_name.upper(),
        environment={"username": account.rpartition("\\")[2]},
    )
    session.interrupt = call.runspace.interrupt
    session.context = Context({STREAMS["error"]: lambda record: _tell(call, record)})
    output: list[object] = []
    try:
        session.invoke_into(ScriptBlock(block.ast), output.append, *arguments)
    except ExitSignal:
        pass  # it closes the session; its code reaches nobody
    except _BrokenError:
        call.write_error(_broken(vm).record)
    except PsError as error:
        _tell(call, error.record)
    for each in output:
        if each is not None and not isinstance(each, str | int | float):
            raise unsupported("output of a guest that is neither text nor numbers")
        yield each


def _tell(call: CmdletCall, record: object) -> None:
    if isinstance(record, ErrorRecord):
        call.write_error(
            ErrorRecord(
                "System.Management.Automation.RemoteException",
                record.message,
                record.fully_qualified_id,
                record.category,
                record.target,
            )
        )


class _Screen:
    """What a guest's script writes to the host appears on the caller's."""

    def __init__(self, write: Callable[..., None]) -> None:
        self._write = write

    def write(self, text: str, /) -> None:
        """Take more text."""
        self._write(text, newline=False)


def _refusal(message: str, reason: str) -> CmdletError:
    return CmdletError(
        ErrorRecord("System.ArgumentException", message, f"{reason},{_CLASS}", "InvalidArgument")
    )


def _broken(vm: VirtualMachine) -> CmdletError:
    return _session_error(
        vm,
        f"{_REMOTING}.PSRemotingDataStructureException",
        "An error has occurred which Windows PowerShell cannot handle. A remote session might "
        "have ended.",
    )


def _session_error(vm: VirtualMachine, exception: str, message: str) -> CmdletError:
    return CmdletError(
        ErrorRecord(exception, message, "PSSessionStateBroken", "OpenError", vm.name)
    )
