"""Cmdlets inside a guest: files that scripts write and read, as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from secondsite.lab.powershell.conversion import as_array
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import ErrorRecord
from secondsite.lab.world.host import HyperVHost
from secondsite.lab.world.machine import VirtualMachine

__all__ = ["GuestComputer", "guest_registry"]

_CMDLETS: Final = CmdletRegistry()
_MANAGEMENT: Final = "Microsoft.PowerShell.Management"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GuestComputer:
    """The computer that a session inside a machine runs on."""

    host: HyperVHost
    vm: VirtualMachine


@cache
def guest_registry() -> CmdletRegistry:
    """What a guest has besides PowerShell's own; the runspace's host is a `GuestComputer`."""
    registry = CmdletRegistry()
    registry.include(_CMDLETS)
    return registry


@_CMDLETS.cmdlet("Set-Content", module=_MANAGEMENT)
def set_content(call: CmdletCall) -> None:
    """Write a file anew."""
    _write(call, keep=False)


@_CMDLETS.cmdlet("Add-Content", module=_MANAGEMENT)
def add_content(call: CmdletCall) -> None:
    """Write to the end of a file."""
    _write(call, keep=True)


@_CMDLETS.cmdlet("Get-Content", module=_MANAGEMENT)
def get_content(call: CmdletCall) -> Iterator[object]:
    """The lines of a file; with -Raw its whole text."""
    guest = _guest(call)
    for path in _paths(call):
        with guest.host.world.settled():
            text = guest.vm.guest.files.get(path)
        if text is None:
            call.write_error(
                ErrorRecord(
                    "System.Management.Automation.ItemNotFoundException",
                    f"Cannot find path '{path}' because it does not exist.",
                    "PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand",
                    "ObjectNotFound",
                    path,
                )
            )
        elif call.switch("Raw"):
            yield text
        else:
            yield from text.splitlines()


def _write(call: CmdletCall, *, keep: bool) -> None:
    guest = _guest(call)
    text = "".join(f"{to_text(each)}\r\n" for each in as_array(call.get("Value")))
    for path in _paths(call):
        with guest.host.world.settled():
            files = guest.vm.guest.files
            files[path] = (files.get(path, "") if keep else "") + text
            guest.host.record(
                "(guest)", guest.vm.name, vm_id=guest.vm.id, event="file written", path=path
            )


def _paths(call: CmdletCall) -> list[str]:
    paths = [to_text(each) for each in as_array(call.get("Path", call.get("LiteralPath")))]
    for path in paths:
        if path[1:3] != ":\\" or any(sign in path for sign in "*?["):
            raise unsupported(f"the path {path}: write it whole, like C:\\Temp\\drained.txt")
    return paths


def _guest(call: CmdletCall) -> GuestComputer:
    if not isinstance(call.host, GuestComputer):
        raise TypeError(f"{call.name} is not inside a guest: {call.host!r}")
    return call.host
