"""Virtual switches of a host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secondsite.lab.cmdlets.hyperv_objects import switch_object
from secondsite.lab.cmdlets.hyperv_subjects import host_of, objects_of, text_of, texts_of
from secondsite.lab.cmdlets.refusals import reporting
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry
from secondsite.lab.world.refusal import not_found
from secondsite.lab.world.values import SwitchType

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_MODULE: Final = "Hyper-V"


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


@_CMDLETS.cmdlet("Get-VMSwitch", module=_MODULE)
def get_vm_switch(call: CmdletCall) -> Iterator[object]:
    """Switches by name, id, kind, or all."""
    host = host_of(call)
    name = text_of(call, "Name")
    ids = {text.casefold() for text in texts_of(call, "Id")}
    kinds = {text.casefold() for text in texts_of(call, "SwitchType")}
    found = [
        switch
        for switch in host.get_vm_switch(name)
        if (not ids or switch.id.casefold() in ids)
        and (not kinds or switch.kind.name.casefold() in kinds)
    ]
    if not found and name is not None:
        with reporting(call):
            raise not_found(
                f'Hyper-V was unable to find a virtual switch with name "{name}".', target=name
            )
    for switch in found:
        yield switch_object(host, switch)


@_CMDLETS.cmdlet("New-VMSwitch", module=_MODULE)
def new_vm_switch(call: CmdletCall) -> Iterator[object]:
    """A private or internal switch, or an external one on an adapter that is not simulated."""
    host = host_of(call)
    kind = SwitchType[text_of(call, "SwitchType") or "External"]
    with reporting(call):
        switch = host.new_vm_switch(
            text_of(call, "Name") or "", kind=kind, notes=text_of(call, "Notes") or ""
        )
        yield switch_object(host, switch)


@_CMDLETS.cmdlet("Remove-VMSwitch", module=_MODULE)
def remove_vm_switch(call: CmdletCall) -> Iterator[object]:
    """Remove switches by name or object; their adapters are left without connection."""
    host = host_of(call)
    names = [str(item.get("Name")) for item in objects_of(call, "VMSwitch")]
    for name in [*names, *texts_of(call, "Name")]:
        with reporting(call):
            host.remove_vm_switch(name)
    return iter(())
