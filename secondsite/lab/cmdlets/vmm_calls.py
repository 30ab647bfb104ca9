"""What every VMM cmdlet asks of its call: the server it runs on, and names and ids it is given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from secondsite.lab.cmdlets.hyperv_subjects import objects_of, text_of
from secondsite.lab.powershell.registry import CmdletCall
from secondsite.lab.powershell.values import PsObject
from secondsite.lab.world.vmm import VmmServer

__all__ = ["id_of", "ids_of", "named", "server_of"]


def server_of(call: CmdletCall) -> VmmServer:
    """The VMM server that the cmdlet runs on."""
    if not isinstance(call.host, VmmServer):
        raise TypeError(f"{call.name} on something that is no VMM server: {call.host!r}")
    return call.host


def named(call: CmdletCall, objects: Iterable[PsObject]) -> Iterator[object]:
    """Those with the name and id that the call asks for; VMM gives nothing for an unknown name."""
    name, wanted = text_of(call, "Name"), text_of(call, "ID")
    for item in objects:
        if (name is None or str(item.get("Name")).casefold() == name.casefold()) and (
            wanted is None or str(item.get("ID")).casefold() == wanted.casefold()
        ):
            yield item


def ids_of(call: CmdletCall, name: str) -> set[str]:
    """The ids of the objects that a parameter was given, in lower case."""
    return {str(item.get("ID")).casefold() for item in objects_of(call, name)}


def id_of(call: CmdletCall, name: str) -> str | None:
    """The id of the object that a parameter was given; None if it was given none."""
    return next(iter(ids_of(call, name)), None)
