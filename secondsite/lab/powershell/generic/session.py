"""Modules, commands, variables, strict mode, paths of the variable and environment drives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from secondsite.lab.powershell.conversion import as_array
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.patterns import wildcard
from secondsite.lab.powershell.registry import CmdletCall, CmdletError, CmdletRegistry
from secondsite.lab.powershell.scopes import Scope
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import (
    ErrorRecord,
    PsObject,
    PsVersion,
    ScriptBlock,
    ps_object,
)

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace

SESSION: Final = CmdletRegistry()
_UTILITY: Final = "Microsoft.PowerShell.Utility"
_CORE: Final = "Microsoft.PowerShell.Core"
_MANAGEMENT: Final = "Microsoft.PowerShell.Management"
_NOT_FOUND: Final = "System.Management.Automation.ItemNotFoundException"


# Modules and commands


def _module_object(runspace: Runspace, name: str) -> PsObject:
    cmdlets = [each.name for each in runspace.registry if each.module == name]
    return ps_object(
        "System.Management.Automation.PSModuleInfo",
        text=name,
        Name=name,
        Version=PsVersion(2, 0, 0, 0) if name == "Hyper-V" else PsVersion(1, 0),
        ModuleType="Manifest",
        ExportedCommands=cmdlets,
    )


def _installed(runspace: Runspace) -> list[str]:
    return sorted({*runspace.modules, *runspace.loaded})


@SESSION.cmdlet("Import-Module", module=_CORE, generic=True)
def import_module(call: CmdletCall) -> Iterator[object]:
    """Loads modules, which takes the time that the lab says."""
    for name in as_array(call.get("Name")):
        wanted = to_text(name)
        found = next(
            (each for each in _installed(call.runspace) if each.lower() == wanted.lower()), None
        )
        if found is None:
            call.write_error(
                ErrorRecord(
                    "System.IO.FileNotFoundException",
                    f"The specified module '{wanted}' was not loaded because no valid module file "
                    "was found in any module directory.",
                    "Modules_ModuleNotFound,Microsoft.PowerShell.Commands.ImportModuleCommand",
                    "ResourceUnavailable",
                    wanted,
                )
            )
            continue
        call.runspace.ensure_module(found)
        if call.switch("PassThru"):
            yield _module_object(call.runspace, found)


@SESSION.cmdlet("Get-Module", module=_CORE, generic=True)
def get_module(call: CmdletCall) -> Iterator[object]:
    """Modules that are loaded, or with -ListAvailable installed."""
    runspace = call.runspace
    names = _installed(runspace) if call.switch("ListAvailable") else sorted(runspace.loaded)
    patterns = [wildcard(to_text(each)) for each in as_array(call.get("Name"))]
    for name in names:
        if not patterns or any(pattern.fullmatch(name) for pattern in patterns):
            yield _module_object(runspace, name)


@SESSION.cmdlet("Remove-Module", module=_CORE, generic=True)
def remove_module(call: CmdletCall) -> None:
    """Unloads modules."""
    for name in as_array(call.get("Name")):
        match = next(
            (each for each in call.runspace.loaded if each.lower() == to_text(name).lower()), None
        )
        if match is not None:
            call.runspace.loaded.discard(match)


@SESSION.cmdlet("Get-Command", module=_CORE, generic=True)
def get_command(call: CmdletCall) -> Iterator[object]:
    """Functions and cmdlets by name."""
    names = [to_text(each) for each in as_array(call.get("Name"))]
    if not names:
        raise unsupported("Get-Command without a name")
    for name in names:
        found = list(_commands(call.runspace, name))
        if not found and not any(char in name for char in "*?["):
            call.write_error(
                ErrorRecord(
                    "System.Management.Automation.CommandNotFoundException",
                    f"The term '{name}' is not recognized as the name of a cmdlet, function, "
                    "script file, or operable program. Check the spelling of the name, or if a "
                    "path was included, verify that the path is correct and try again.",
                    "CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand",
                    "ObjectNotFound",
                    name,
                )
            )
        yield from found


def _commands(runspace: Runspace, name: str) -> Iterator[PsObject]:
    pattern = wildcard(name)
    function = runspace.scope.function(name.lower())
    if function is not None:
        yield ps_object(
            "System.Management.Automation.FunctionInfo",
            Name=function.name,
            CommandType="Function",
            ModuleName="",
            ScriptBlock=ScriptBlock(function.ast),
            text=function.name,
        )
    for each in (*runspace.generic, *runspace.registry):
        if pattern.fullmatch(each.name) and (each.generic or each.module in _installed(runspace)):
            yield ps_object(
                "System.Management.Automation.CmdletInfo",
                Name=each.name,
                CommandType="Cmdlet",
                ModuleName=each.module,
                text=each.name,
            )


@SESSION.cmdlet("Set-StrictMode", module=_CORE, generic=True)
def set_strict_mode(call: CmdletCall) -> None:
    """Unset variables and missing properties become errors (version 2 and later alike)."""
    call.runspace.scope.strict = not call.switch("Off")


@SESSION.cmdlet("Invoke-Expression", module=_UTILITY, generic=True)
def invoke_expression(call: CmdletCall) -> None:
    """Refused: no shipped or planned script may run text."""
    del call
    raise unsupported("Invoke-Expression")


# Variables


def _variable_scope(call: CmdletCall) -> Scope:
    wanted = to_text(call.get("Scope", "local")).lower()
    if wanted in {"global", "script"}:
        return call.runspace.scope.outermost()
    if wanted in {"local", "0"}:
        return call.runspace.scope
    if wanted == "1":
        return call.runspace.scope.parent or call.runspace.scope
    raise unsupported(f"-Scope {wanted}")


def _no_variable(name: str, class_name: str) -> ErrorRecord:
    return ErrorRecord(
        _NOT_FOUND,
        f"Cannot find a variable with the name '{name}'.",
        f"VariableNotFound,Microsoft.PowerShell.Commands.{class_name}",
        "ObjectNotFound",
        name,
    )


@SESSION.cmdlet("Get-Variable", module=_UTILITY, generic=True)
def get_variable(call: CmdletCall) -> Iterator[object]:
    """Variables by name."""
    if "Name" not in call.parameters:
        raise unsupported("Get-Variable without a name")
    scope = call.runspace.scope
    for each in as_array(call.get("Name")):
        name = to_text(each)
        key = name.lower()
        if not scope.has(key):
            call.write_error(_no_variable(name, "GetVariableCommand"))
        elif call.switch("ValueOnly"):
            yield scope.get(key)
        else:
            yield ps_object(
                "System.Management.Automation.PSVariable", Name=name, Value=scope.get(key)
            )


@SESSION.cmdlet("Set-Variable", module=_UTILITY, generic=True)
def set_variable(call: CmdletCall) -> None:
    """Gives variables a value."""
    for each in as_array(call.get("Name")):
        _variable_scope(call).set(to_text(each).lower(), call.get("Value"))


@SESSION.cmdlet("New-Variable", module=_UTILITY, generic=True)
def new_variable(call: CmdletCall) -> None:
    """Makes a variable that is not there yet."""
    name = to_text(call.get("Name"))
    scope = _variable_scope(call)
    if name.lower() in scope.variables and not call.switch("Force"):
        raise CmdletError(
            ErrorRecord(
                "System.Management.Automation.SessionStateException",
                f"A variable with name '{name}' already exists.",
                "VariableAlreadyExists,Microsoft.PowerShell.Commands.NewVariableCommand",
                "ResourceExists",
                name,
            )
        )
    scope.set(name.lower(), call.get("Value"))


@SESSION.cmdlet("Remove-Variable", module=_UTILITY, generic=True)
def remove_variable(call: CmdletCall) -> None:
    """Takes variables away."""
    for each in as_array(call.get("Name")):
        name = to_text(each)
        if not _variable_scope(call).remove(name.lower()):
            call.write_error(_no_variable(name, "RemoveVariableCommand"))


# Drives: variable, environment and function; the simulated computers have no files


def _split_path(path: str) -> tuple[str, str]:
    drive, colon, name = path.partition(":")
    if not colon or drive.lower() not in {"variable", "env", "function"}:
        raise unsupported(f"the path {path}: simulated computers have no file system")
    return drive.lower(), name.lstrip("\\/").lower()


@SESSION.cmdlet("Test-Path", module=_MANAGEMENT, generic=True)
def test_path(call: CmdletCall) -> Iterator[object]:
    """Whether a variable, function or environment variable is there."""
    runspace = call.runspace
    for path in as_array(call.get("Path", call.get("LiteralPath"))):
        drive, name = _split_path(to_text(path))
        if drive == "variable":
            yield runspace.scope.has(name)
        elif drive == "env":
            yield name in runspace.environment
        else:
            yield runspace.scope.function(name) is not None


@SESSION.cmdlet("Get-Item", module=_MANAGEMENT, generic=True)
def get_item(call: CmdletCall) -> Iterator[object]:
    """A variable or environment variable as an item."""
    runspace = call.runspace
    for path in as_array(call.get("Path", call.get("LiteralPath"))):
        drive, name = _split_path(to_text(path))
        held = runspace.environment.get(name) if drive == "env" else runspace.scope.get(name)
        if held is None:
            call.write_error(
                ErrorRecord(
                    _NOT_FOUND,
                    f"Cannot find path '{to_text(path)}' because it does not exist.",
                    "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand",
                    "ObjectNotFound",
                    to_text(path),
                )
            )
            continue
        yield ps_object(
            "System.Collections.DictionaryEntry", aliases={"Name": "Key"}, Key=name, Value=held
        )


@SESSION.cmdlet("Join-Path", module=_MANAGEMENT, generic=True)
def join_path(call: CmdletCall) -> Iterator[object]:
    """Puts a path and a child together, with a backslash."""
    for path in as_array(call.get("Path")):
        child = to_text(call.get("ChildPath")).lstrip("\\/")
        yield f"{to_text(path).rstrip(chr(92) + '/')}\\{child}"
