"""One command of a pipeline: what cmdlets and functions at work have in common."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from secondsite.lab.powershell.conversion import to_bool
from secondsite.lab.powershell.streams import Context, Emit
from secondsite.lab.powershell.syntax import Command
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import PsList

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondsite.lab.powershell.runspace import Runspace

_PREFERENCES: Final[Mapping[str, str]] = {
    "ErrorAction": "error",
    "WarningAction": "warning",
    "InformationAction": "information",
}
_COLLECTED: Final[Mapping[str, str]] = {
    "ErrorVariable": "error",
    "WarningVariable": "warning",
    "InformationVariable": "information",
    "OutVariable": "output",
}
PREFERENCE_VARIABLES: Final[Mapping[str, str]] = {
    "error": "erroractionpreference",
    "warning": "warningpreference",
    "verbose": "verbosepreference",
    "debug": "debugpreference",
    "information": "informationpreference",
}


class Stage:
    """One command of a pipeline."""

    def __init__(
        self, runspace: Runspace, sink: Emit, context: Context, *, has_input: bool, command: Command
    ) -> None:
        self.runspace = runspace
        self.sink = sink
        self.context = context
        self.has_input = has_input
        self.command = command
        self.output: list[object] | None = None
        self._collected: list[tuple[str, list[object]]] = []

    def begin(self) -> None:
        """Before the first object."""

    def accept(self, item: object) -> None:
        """One object from the stage before."""

    def run_alone(self) -> None:
        """Instead of `accept`, for the first stage."""

    def end(self) -> None:
        """After the last object."""

    def close(self) -> None:
        """At the end, or when the pipeline was broken off: common parameters' variables."""
        for name, items in self._collected:
            key = name.lstrip("+")
            if name.startswith("+"):
                old = self.runspace.scope.get(key.lower())
                items[:0] = old.items if isinstance(old, PsList) else []
            self.runspace.scope.set(key.lower(), PsList(items))
        self._collected = []

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This stage's context is in force."""
        runspace = self.runspace
        before, runspace.context = runspace.context, self.context
        try:
            yield
        finally:
            runspace.context = before

    def give(self, value: object) -> None:
        """Output one object."""
        if self.output is not None:
            self.output.append(value)
        self.sink(value)

    def apply_common(self, values: Mapping[str, object], redirects: Mapping[str, Emit]) -> None:
        """Take the common parameters into the context."""
        preferences: dict[str, str] = {}
        collectors: dict[str, list[object]] = {}
        for name, stream in _PREFERENCES.items():
            if name in values:
                preferences[stream] = str(values[name])
        for name, stream in (("Verbose", "verbose"), ("Debug", "debug")):
            if name in values:
                preferences[stream] = "Continue" if to_bool(values[name]) else "SilentlyContinue"
        for name, stream in _COLLECTED.items():
            if name in values:
                items: list[object] = []
                self._collected.append((to_text(values[name]), items))
                if stream == "output":
                    self.output = items
                else:
                    collectors[stream] = items
        self.context = Context(redirects, preferences, collectors, self.context.activity)


COMMON: Final = frozenset(
    {*_PREFERENCES, *_COLLECTED, "Verbose", "Debug", "OutBuffer", "PipelineVariable"}
)
