"""The console of a simulated PowerShell process: lines in, text out."""

from __future__ import annotations

import threading
from typing import Protocol


class LineSource(Protocol):
    """Standard input."""

    def read_line(self, interrupt: threading.Event) -> str | None:
        """The next line without its end; None at the end of input, or when `interrupt` is set."""
        ...


class TextSink(Protocol):
    """Standard output or standard error."""

    def write(self, text: str, /) -> object:
        """Take more text."""
        ...


class NoInput:
    """A standard input that is at its end."""

    def read_line(self, interrupt: threading.Event) -> str | None:
        """None, always."""
        del interrupt
        return None
