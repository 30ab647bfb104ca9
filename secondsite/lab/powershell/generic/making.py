"""New-Object, Add-Member, Get-Member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secondsite.lab.powershell.conversion import as_array
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.members import property_names, write_member
from secondsite.lab.powershell.registry import CmdletCall, CmdletError, CmdletRegistry
from secondsite.lab.powershell.statics import call_static
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.type_names import resolve, type_name_of
from secondsite.lab.powershell.values import ErrorRecord, PsHashtable, PsObject, ps_object

MAKING: Final = CmdletRegistry()
_UTILITY: Final = "Microsoft.PowerShell.Utility"


@MAKING.cmdlet("New-Object", module=_UTILITY, generic=True)
def new_object(call: CmdletCall) -> Iterator[object]:
    """An object of a .NET type; COM is not simulated."""
    if "ComObject" in call.parameters:
        raise unsupported("New-Object -ComObject")
    written = to_text(call.get("TypeName"))
    name = resolve(written)
    if name is None:
        raise unsupported(f"the type [{written}]")
    made = call_static(name, "new", as_array(call.get("ArgumentList")), call.runspace)
    properties = call.get("Property")
    if isinstance(properties, PsHashtable):
        for key, value in properties.items():
            if isinstance(made, PsObject) and made.is_custom:
                made.set(to_text(key), value)
            else:
                write_member(made, to_text(key), value)
    yield made


@MAKING.cmdlet("Add-Member", module=_UTILITY, generic=True)
def add_member(call: CmdletCall) -> Iterator[object]:
    """Adds note properties to an object."""
    target = call.get("InputObject")
    if not isinstance(target, PsObject):
        raise unsupported(
            f"Add-Member on a {type_name_of(target) if target is not None else 'null'}"
        )
    kind = to_text(call.get("MemberType", "NoteProperty")).lower()
    members = call.get("NotePropertyMembers")
    if isinstance(members, PsHashtable):
        pairs = [(to_text(key), value) for key, value in members.items()]
    elif "NotePropertyName" in call.parameters:
        pairs = [(to_text(call.get("NotePropertyName")), call.get("NotePropertyValue"))]
    elif kind == "noteproperty":
        pairs = [(to_text(call.get("Name")), call.get("Value"))]
    else:
        raise unsupported(f"Add-Member of the kind {kind}")
    for name, value in pairs:
        if target.has(name) and not call.switch("Force"):
            raise CmdletError(
                ErrorRecord(
                    "System.InvalidOperationException",
                    f'Cannot add a member with the name "{name}" because a member with that name '
                    "already exists. To overwrite the member anyway, add the Force parameter to "
                    "your command.",
                    "MemberAlreadyExists,Microsoft.PowerShell.Commands.AddMemberCommand",
                    "InvalidOperation",
                    target,
                )
            )
        target.set(name, value)
    if call.switch("PassThru"):
        yield target


@MAKING.cmdlet("Get-Member", module=_UTILITY, generic=True)
def get_member(call: CmdletCall) -> Iterator[object]:
    """Names of an object's properties."""
    item = call.get("InputObject")
    if item is None:
        return
    for name in sorted(property_names(item), key=str.lower):
        yield ps_object(
            "Microsoft.PowerShell.Commands.MemberDefinition",
            TypeName=type_name_of(item),
            Name=name,
            MemberType="NoteProperty"
            if isinstance(item, PsObject) and item.is_custom
            else "Property",
        )
