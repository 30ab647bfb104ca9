"""Variables, functions, modules and time of one PowerShell session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final, Protocol

from secondsite.lab.powershell.clock import Clock
from secondsite.lab.powershell.console import LineSource, TextSink
from secondsite.lab.powershell.console_objects import Console
from secondsite.lab.powershell.conversion import to_bool
from secondsite.lab.powershell.failures import (
    PsError,
    runtime_error,
)
from secondsite.lab.powershell.generic import ALIASES, generic_cmdlets
from secondsite.lab.powershell.members_time import long_date
from secondsite.lab.powershell.moments import LocalZone, to_local
from secondsite.lab.powershell.pipeline import command_not_found
from secondsite.lab.powershell.registry import CmdletRegistry, Registration
from secondsite.lab.powershell.scopes import ALIASED, Scope
from secondsite.lab.powershell.streams import NO_CONTEXT, Context
from secondsite.lab.powershell.syntax import (
    Command,
    Statement,
    Variable,
)
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import (
    NOTHING,
    PsHashtable,
    PsList,
    PsVersion,
    ps_object,
)

CmdletHook = Callable[[str, Mapping[str, object]], None]

ALWAYS_LOADED: Final = frozenset(
    {
        "Microsoft.PowerShell.Core",
        "Microsoft.PowerShell.Utility",
        "Microsoft.PowerShell.Management",
        "Microsoft.PowerShell.Security",
    }
)
_VERSION: Final = PsVersion(5, 1, 20348, 2227)
NO_VALUE: Final = object()


class Timing(Protocol):
    """How long things take on the simulated computer, in real seconds (already scaled)."""

    @property
    def process_start_s(self) -> float:
        """From the start of powershell.exe to the first statement."""
        ...

    @property
    def module_import_s(self) -> Mapping[str, float]:
        """First import of a module, by its name."""
        ...


class SessionState:
    """What a session holds; arguments as of `Runspace`."""

    def __init__(  # noqa: PLR0917 - what every session has, in the order of the pipes
        self,
        registry: CmdletRegistry,
        host: object,
        clock: Clock,
        stdin: LineSource,
        stdout: TextSink,
        stderr: TextSink,
        *,
        on_cmdlet: CmdletHook | None = None,
        timing: Timing | None = None,
        modules: Collection[str] | None = None,
        computer_name: str = "LAB",
        environment: Mapping[str, str] | None = None,
        time_zone: tzinfo | None = None,
        clixml_errors: bool = False,
    ) -> None:
        self.registry = registry
        self.host = host
        self.clock = clock
        self.interrupt = threading.Event()
        self.console = Console(stdin, stdout, stderr, self.interrupt)
        self.on_cmdlet = on_cmdlet
        self.computer_name = computer_name
        self.zone = LocalZone(time_zone or UTC)
        self.loaded: set[str] = set(ALWAYS_LOADED)
        self.modules = set(modules) if modules is not None else set(registry.modules())
        self.scope = Scope()
        self.context: Context = NO_CONTEXT
        self.errors = PsList()
        self.succeeded = True
        self.try_depth = 0
        self.caught: PsError | None = None
        self.is_finishing = False
        self.environment = {
            "computername": computer_name,
            "username": "operator",
            **{name.lower(): value for name, value in (environment or {}).items()},
        }
        self._timing = timing
        self._stdout = stdout
        self._stderr = stderr
        self._clixml = clixml_errors
        self._wrote_header = False
        self._depth = 0
        self._position: Command | Statement | None = None
        self.generic = generic_cmdlets()
        self._define_automatic()

    def _define_automatic(self) -> None:
        """The automatic and preference variables (about_Automatic_Variables)."""
        version = ps_object(
            "System.Management.Automation.Internal.Host.InternalHost",
            Name="ConsoleHost",
            Version=_VERSION,
        )
        table = PsHashtable(
            {"PSVersion": _VERSION, "PSEdition": "Desktop", "CLRVersion": PsVersion(4, 0, 30319)}
        )
        self.scope.variables.update(
            {
                "true": True,
                "false": False,
                "null": None,
                "error": self.errors,
                "pid": 4242,
                "host": version,
                "psversiontable": table,
                "psscriptroot": "",
                "pscommandpath": "",
                "args": [],
                "input": [],
                "matches": None,
                "lastexitcode": None,
                "ofs": " ",
                "erroractionpreference": "Continue",
                "warningpreference": "Continue",
                "verbosepreference": "SilentlyContinue",
                "debugpreference": "SilentlyContinue",
                "informationpreference": "SilentlyContinue",
                "progresspreference": "Continue",
                "confirmpreference": "High",
                "whatifpreference": False,
            }
        )
        for name in ("lastexitcode", "ofs", "matches"):
            del self.scope.variables[name]

    def read_variable(self, node: Variable) -> object:
        """The value of a variable; unknown ones are null unless strict mode is on."""
        key = node.key
        if node.scope:
            return self._read_scoped(node)
        value = self.scope.get(key, NO_VALUE)
        if value is not NO_VALUE:
            return value
        if key in ALIASED:
            return self.scope.get(ALIASED[key])
        if key == "?":
            return self.succeeded
        if self.strict:
            raise runtime_error(
                f"The variable '${node.name}' cannot be retrieved because it has not been set.",
                "VariableIsUndefined",
                target=node.name,
            )
        return None

    def _read_scoped(self, node: Variable) -> object:
        if node.scope == "env":
            return self.environment.get(node.key)
        scope = self.scope if node.scope in {"local", "private"} else self.scope.outermost()
        if node.key in scope.variables:
            return scope.variables[node.key]
        if self.strict:
            raise runtime_error(
                f"The variable '${node.scope}:{node.name}' cannot be retrieved because it has not "
                "been set.",
                "VariableIsUndefined",
                target=node.name,
            )
        return None

    def restore_underscore(self, before: object) -> None:
        """Put `$_` back to what it was."""
        if before is NOTHING:
            self.scope.variables.pop("_", None)
        else:
            self.scope.variables["_"] = before

    def local_now(self) -> datetime:
        """The computer's time, of the local kind."""
        return to_local(self.clock.now().astimezone(UTC), self.zone)

    def culture_date(self, value: datetime) -> str:
        """A date as ToString() has it in the culture en-US."""
        text = long_date(value)
        clock = text[text.index(f", {value.year} ") + len(f", {value.year} ") :]
        return f"{value.month}/{value.day}/{value.year} {clock}"

    def is_true(self, value: object) -> bool:
        """Whether a condition holds."""
        return to_bool(None if value is NOTHING else value)

    @property
    def strict(self) -> bool:
        """Whether strict mode holds in the current scope."""
        return self.scope.is_strict()

    @staticmethod
    def collapse(output: list[object]) -> object:
        """What a pipeline's output is as a value: nothing, the one object, or an array."""
        if len(output) == 1:
            return output[0]
        return output if output else NOTHING

    @staticmethod
    def first(output: list[object]) -> object:
        """The first object of an output, or null."""
        return output[0] if output else None

    @staticmethod
    def text_of(output: list[object]) -> str:
        """An output as text."""
        return " ".join(to_text(each) for each in output)

    def resolve_command(self, name: str) -> object:
        """The function of that name, or the name of the cmdlet that an alias means."""
        key = name.lower()
        function = self.scope.function(key)
        if function is not None:
            return function
        return ALIASES.get(key, name)

    def find_cmdlet(self, name: str) -> Registration:
        """The cmdlet of that name, if this computer has its module.

        Raises:
            PsError: there is no such command.
        """
        module, backslash, own = name.rpartition("\\")
        found = self.generic.find(own) or self.registry.find(own)
        if found is None or (backslash and found.module.lower() != module.lower()):
            raise command_not_found(name)
        if not found.generic and found.module not in self.modules | self.loaded:
            raise command_not_found_here(name)
        return found


def command_not_found_here(name: str) -> PsError:
    """The error for a cmdlet whose module is not installed on this computer."""
    return runtime_error(
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or "
        "operable program. Check the spelling of the name, or if a path was included, verify that "
        "the path is correct and try again.",
        "CommandNotFoundException",
        category="ObjectNotFound",
        target=name,
        exception_type="System.Management.Automation.CommandNotFoundException",
    )
