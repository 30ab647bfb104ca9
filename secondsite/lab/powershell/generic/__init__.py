"""The cmdlets that belong to PowerShell itself: objects, output, JSON, time, session."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from secondsite.lab.powershell.generic.choosing import CHOOSING
from secondsite.lab.powershell.generic.conversion_cmdlets import CONVERSION
from secondsite.lab.powershell.generic.making import MAKING
from secondsite.lab.powershell.generic.ordering import ORDERING
from secondsite.lab.powershell.generic.output import OUTPUT
from secondsite.lab.powershell.generic.session import SESSION
from secondsite.lab.powershell.generic.time_cmdlets import TIME
from secondsite.lab.powershell.registry import CmdletRegistry

__all__ = ["ALIASES", "generic_cmdlets"]

ALIASES: Final[Mapping[str, str]] = {
    "%": "ForEach-Object",
    "foreach": "ForEach-Object",
    "?": "Where-Object",
    "where": "Where-Object",
    "select": "Select-Object",
    "sort": "Sort-Object",
    "group": "Group-Object",
    "measure": "Measure-Object",
    "compare": "Compare-Object",
    "diff": "Compare-Object",
    "tee": "Tee-Object",
    "echo": "Write-Output",
    "write": "Write-Output",
    "sleep": "Start-Sleep",
    "gm": "Get-Member",
    "gcm": "Get-Command",
    "gmo": "Get-Module",
    "ipmo": "Import-Module",
    "gv": "Get-Variable",
    "sv": "Set-Variable",
    "set": "Set-Variable",
    "rv": "Remove-Variable",
    "sls": "Select-String",
    "oh": "Out-Host",
    "icm": "Invoke-Command",
    "iex": "Invoke-Expression",
    "gu": "Get-Unique",
    "ft": "Format-Table",
    "fl": "Format-List",
    "gc": "Get-Content",
    "cat": "Get-Content",
    "type": "Get-Content",
    "gi": "Get-Item",
    "ls": "Get-ChildItem",
    "dir": "Get-ChildItem",
    "gci": "Get-ChildItem",
}
"""Aliases of Windows PowerShell 5.1 for cmdlets that scripts use (about_Aliases)."""


@lru_cache(maxsize=1)
def generic_cmdlets() -> CmdletRegistry:
    """All of them."""
    registry = CmdletRegistry()
    for part in (CHOOSING, CONVERSION, MAKING, ORDERING, OUTPUT, SESSION, TIME):
        registry.include(part)
    return registry
