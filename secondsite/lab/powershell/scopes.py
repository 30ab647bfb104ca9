"""Variables and functions, scope within scope (dynamic scoping, as PowerShell has it)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from secondsite.lab.powershell.failures import runtime_error
from secondsite.lab.powershell.syntax import ScriptBlockAst

READ_ONLY: Final = frozenset(
    {"true", "false", "null", "pid", "psversiontable", "host", "error", "?"}
)
ALIASED: Final = {"psitem": "_"}
_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """A function of the script."""

    name: str
    ast: ScriptBlockAst


class Scope:
    """One scope; its parent is the scope of whoever called.

    Attributes:
        parent: The scope around; None for the global one.
        variables: Values by lower-case name.
        constraints: Conversions that a typed variable (`[int]$x`) applies to what it is given.
        functions: Functions by lower-case name.
        strict: Set-StrictMode said so in this scope; None: as in the scope around. It ends with
            the scope (about_Scopes: strict mode affects only its scope and child scopes).
    """

    __slots__ = ("constraints", "functions", "parent", "strict", "variables")

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.variables: dict[str, object] = {}
        self.constraints: dict[str, Callable[[object], object]] | None = None
        self.functions: dict[str, FunctionInfo] | None = None
        self.strict: bool | None = None

    def is_strict(self) -> bool:
        """Whether strict mode holds here."""
        scope: Scope | None = self
        while scope is not None:
            if scope.strict is not None:
                return scope.strict
            scope = scope.parent
        return False

    def get(self, key: str, default: object = None) -> object:
        """The value of a variable in this scope or the nearest one around it."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.variables.get(key, _MISSING)
            if found is not _MISSING:
                return found
            scope = scope.parent
        return default

    def has(self, key: str) -> bool:
        """Whether there is such a variable here or around."""
        return self.get(key, _MISSING) is not _MISSING

    def set(self, key: str, value: object) -> None:
        """Give a variable of this very scope a value."""
        if key in READ_ONLY:
            raise runtime_error(
                f"Cannot overwrite variable {key} because it is read-only or constant.",
                "VariableNotWritable",
                category="WriteError",
                target=key,
                exception_type="System.Management.Automation.SessionStateUnauthorizedAccessException",
            )
        if self.constraints and key in self.constraints:
            value = self.constraints[key](value)
        self.variables[key] = value

    def constrain(self, key: str, conversion: Callable[[object], object]) -> None:
        """Convert whatever the variable is given from now on."""
        if self.constraints is None:
            self.constraints = {}
        self.constraints[key] = conversion

    def remove(self, key: str) -> bool:
        """Take a variable away; whether there was one."""
        return self.variables.pop(key, _MISSING) is not _MISSING

    def function(self, key: str) -> FunctionInfo | None:
        """The function of that lower-case name, here or around."""
        scope: Scope | None = self
        while scope is not None:
            if scope.functions and key in scope.functions:
                return scope.functions[key]
            scope = scope.parent
        return None

    def define(self, info: FunctionInfo) -> None:
        """Define a function in this scope."""
        if self.functions is None:
            self.functions = {}
        self.functions[info.name.lower()] = info

    def outermost(self) -> Scope:
        """The global scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope
