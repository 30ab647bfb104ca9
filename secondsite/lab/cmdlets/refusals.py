"""The world's refusals as the ErrorRecords that Windows' cmdlets write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from secondsite.lab.powershell.registry import CmdletCall
from secondsite.lab.powershell.values import ErrorRecord
from secondsite.lab.world.refusal import LabRefusal, access_denied

__all__ = ["record_of", "refuse_second_hop", "reporting"]

HYPER_V_COMMANDS: Final = "Microsoft.HyperV.PowerShell.Commands"
VMM_COMMANDS: Final = "Microsoft.SystemCenter.VirtualMachineManager.Cmdlets"

_LOCAL_NAMES: Final = frozenset({"localhost", ".", "127.0.0.1", "::1"})


def record_of(call: CmdletCall, refusal: LabRefusal) -> ErrorRecord:
    """The error as `call`'s cmdlet writes it: its id is `<reason>,<class of the cmdlet>`.

    The pattern is that of MicrosoftDocs/windows-powershell-docs issue 290; that VMM's cmdlets
    follow it too is an assumption.
    """
    verb, _, noun = call.name.partition("-")
    namespace = VMM_COMMANDS if noun.startswith("SC") else HYPER_V_COMMANDS
    return ErrorRecord(
        refusal.exception_type,
        refusal.message,
        f"{refusal.reason},{namespace}.{verb}{noun}",
        refusal.category,
        refusal.target or None,
    )


@contextmanager
def reporting(call: CmdletCall) -> Iterator[None]:
    """Write what the world refuses inside the block as an error of `call`, and go on after it."""
    try:
        yield
    except LabRefusal as refusal:
        call.write_error(record_of(call, refusal))


def refuse_second_hop(call: CmdletCall, own_name: str) -> None:
    """Refuse -ComputerName of another server, -CimSession and -Credential.

    Credentials of a WinRM session are not passed on to a second server; Source: the project's
    Hyper-V reference, section 7.

    Raises:
        LabRefusal: the call would leave this server.
    """
    names = call.get("ComputerName") or []
    wanted = [str(name) for name in (names if isinstance(names, list) else [names])]
    short = own_name.partition(".")[0].casefold()
    for name in wanted:
        if name.casefold() not in _LOCAL_NAMES and name.partition(".")[0].casefold() != short:
            raise access_denied(
                "You do not have the required permission to complete this task. Contact the "
                f"administrator of the authorization policy for the computer '{name}'.",
                target=name,
            )
    if call.get("CimSession") is not None:
        raise access_denied(
            "You do not have the required permission to complete this task. (A CIM session to "
            "another computer is a second hop.)"
        )
