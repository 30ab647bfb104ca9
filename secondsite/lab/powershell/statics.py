"""Static members and constructors of .NET types: `[type]::Name`, `[type]::Name(...)`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from secondsite.lab.powershell.constructors import construct
from secondsite.lab.powershell.conversion import INTEGER_RANGES, convert
from secondsite.lab.powershell.failures import ExitSignal, unsupported
from secondsite.lab.powershell.members import guarded_call
from secondsite.lab.powershell.method_call import expect_count, text, whole
from secondsite.lab.powershell.native import Stopwatch
from secondsite.lab.powershell.statics_text import TEXT_FIELDS, TEXT_STATICS
from secondsite.lab.powershell.statics_time import TIME_FIELDS, TIME_STATICS
from secondsite.lab.powershell.values import ERROR_CATEGORIES, Int64, PsEnum

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace

Static = Callable[[list[object], Any], object]
Field = Callable[[Any], object]


def _sleep(arguments: list[object], runspace: Runspace) -> object:
    expect_count("Sleep", arguments, 1)
    runspace.sleep(whole(arguments, 0) / 1000)
    return None


def _exit(arguments: list[object], runspace: Runspace) -> object:
    del runspace
    raise ExitSignal(whole(arguments, 0))


def _start_new(arguments: list[object], runspace: Runspace) -> object:
    del arguments
    watch = Stopwatch(runspace.clock)
    watch.start()
    return watch


def _environment_variable(arguments: list[object], runspace: Runspace) -> object:
    return runspace.environment.get(text(arguments, 0).lower())


def _create_block(arguments: list[object], runspace: Runspace) -> object:
    expect_count("Create", arguments, 1)
    return runspace.create_block(text(arguments, 0))


def _console(name: str) -> Static:
    def call(arguments: list[object], runspace: Runspace) -> object:
        return runspace.console.call(name, arguments)

    return call


def _nothing(arguments: list[object], runspace: Runspace) -> object:
    del arguments, runspace
    return None


_STATICS: Final[Mapping[tuple[str, str], Static]] = {
    ("System.Threading.Thread", "sleep"): _sleep,
    ("System.Environment", "exit"): _exit,
    ("System.Environment", "getenvironmentvariable"): _environment_variable,
    ("System.Diagnostics.Stopwatch", "startnew"): _start_new,
    ("System.Management.Automation.ScriptBlock", "create"): _create_block,
    ("System.Console", "writeline"): _console("writeline"),
    ("System.Console", "write"): _console("write"),
    ("System.Console", "readline"): _console("readline"),
    ("System.GC", "collect"): _nothing,
    **TEXT_STATICS,
    **TIME_STATICS,
}

_FIELDS: Final[Mapping[tuple[str, str], Field]] = {
    ("System.Environment", "machinename"): lambda runspace: runspace.computer_name,
    ("System.Environment", "newline"): lambda _: "\r\n",
    ("System.Environment", "username"): lambda runspace: runspace.environment.get("username"),
    ("System.Console", "in"): lambda runspace: runspace.console.reader,
    ("System.Console", "out"): lambda runspace: runspace.console.writer,
    ("System.Console", "error"): lambda runspace: runspace.console.error_writer,
    ("System.Console", "inputencoding"): lambda runspace: runspace.console.input_encoding,
    ("System.Console", "outputencoding"): lambda runspace: runspace.console.output_encoding,
    ("System.Double", "maxvalue"): lambda _: 1.7976931348623157e308,
    ("System.Double", "nan"): lambda _: math.nan,
    ("System.Math", "pi"): lambda _: math.pi,
    **TEXT_FIELDS,
    **TIME_FIELDS,
}

_ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "System.StringSplitOptions": ("None", "RemoveEmptyEntries"),
    "System.DateTimeKind": ("Unspecified", "Utc", "Local"),
    "System.DayOfWeek": (
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ),
    "System.StringComparison": (
        "CurrentCulture",
        "CurrentCultureIgnoreCase",
        "InvariantCulture",
        "InvariantCultureIgnoreCase",
        "Ordinal",
        "OrdinalIgnoreCase",
    ),
    "System.StringComparer": (
        "CurrentCulture",
        "CurrentCultureIgnoreCase",
        "InvariantCulture",
        "InvariantCultureIgnoreCase",
        "Ordinal",
        "OrdinalIgnoreCase",
    ),
    "System.Management.Automation.ErrorCategory": tuple(ERROR_CATEGORIES),
}
_FLAGS: Final[Mapping[str, Mapping[str, int]]] = {
    "System.Globalization.DateTimeStyles": {
        "None": 0,
        "AdjustToUniversal": 16,
        "AssumeLocal": 32,
        "AssumeUniversal": 64,
        "RoundtripKind": 128,
    },
    "System.Text.RegularExpressions.RegexOptions": {
        "None": 0,
        "IgnoreCase": 1,
        "Multiline": 2,
        "Singleline": 16,
    },
}


def read_static(type_name: str, name: str, runspace: Runspace) -> object:
    """`[type]::name`."""
    lowered = name.lower()
    field = _FIELDS.get((type_name, lowered))
    if field is not None:
        return field(runspace)
    if type_name in INTEGER_RANGES and lowered in {"maxvalue", "minvalue"}:
        value = INTEGER_RANGES[type_name][lowered == "maxvalue"]
        return Int64(value) if type_name == "System.Int64" else value
    members = _FLAGS.get(type_name) or {
        each: number for number, each in enumerate(_ENUMS.get(type_name, ()))
    }
    for each, number in members.items():
        if each.lower() == lowered:
            return PsEnum(type_name, each, number)
    raise unsupported(f"[{type_name}]::{name}")


def write_static(type_name: str, name: str, value: object, runspace: Runspace) -> None:
    """`[type]::name = value`: the encodings of the console, and nothing else."""
    if type_name == "System.Console" and name.lower() in {"inputencoding", "outputencoding"}:
        runspace.console.set_encoding(name.lower(), value)
        return
    raise unsupported(f"writing [{type_name}]::{name}")


def call_static(type_name: str, name: str, arguments: list[object], runspace: Runspace) -> object:
    """`[type]::name(arguments)`."""
    lowered = name.lower()
    if lowered == "new":
        return guarded_call(
            construct,
            type_name,
            ".ctor",
            arguments,
            runspace,
        )
    static = _STATICS.get((type_name, lowered))
    if static is None and lowered == "parse" and len(arguments) == 1:
        static = _parse(type_name)
    if static is None:
        raise unsupported(f"[{type_name}]::{name}()")
    found = static
    return guarded_call(
        lambda _target, given, scene: found(given, scene), type_name, name, arguments, runspace
    )


def _parse(type_name: str) -> Static | None:
    parsed = {*INTEGER_RANGES, "System.Double", "System.Guid", "System.Version", "System.TimeSpan"}
    if type_name not in {*parsed, "System.Net.IPAddress", "System.Boolean"}:
        return None

    def call(arguments: list[object], runspace: Runspace) -> object:
        return convert(text(arguments, 0), type_name, runspace.zone)

    return call
