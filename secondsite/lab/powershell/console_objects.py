"""`[Console]` as a script sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from secondsite.lab.powershell.console import LineSource, TextSink
from secondsite.lab.powershell.encodings import encoding
from secondsite.lab.powershell.failures import RunspaceStopped, unsupported
from secondsite.lab.powershell.text_form import format_items, to_text
from secondsite.lab.powershell.values import PsObject

NEWLINE: Final = "\r\n"


class Console:
    """Standard input, output and error of one process."""

    def __init__(
        self,
        stdin: LineSource,
        stdout: TextSink,
        stderr: TextSink,
        interrupt: threading.Event,
    ) -> None:
        self._stdin = stdin
        self._interrupt = interrupt
        self.stdout = stdout
        self.input_encoding: object = encoding("default")
        self.output_encoding: object = encoding("default")
        self.reader = PsObject(
            ("System.IO.TextReader+SyncTextReader", "System.IO.TextReader"),
            methods={"ReadLine": self.read_line, "ReadToEnd": self.read_to_end},
        )
        self.writer = _writer(stdout)
        self.error_writer = _writer(stderr)

    def read_line(self) -> str | None:
        """The next line of standard input; None at its end."""
        line = self._stdin.read_line(self._interrupt)
        if line is None and self._interrupt.is_set():
            raise RunspaceStopped
        return line

    def read_to_end(self) -> str:
        """The rest of standard input."""
        lines = []
        while (line := self.read_line()) is not None:
            lines.append(line + NEWLINE)
        return "".join(lines)

    def set_encoding(self, name: str, value: object) -> None:
        """`[Console]::InputEncoding = ...`; only UTF-8 and ASCII pass bytes as the lab does."""
        if not isinstance(value, PsObject) or value.get("WebName") not in {"utf-8", "us-ascii"}:
            raise unsupported("a console encoding other than UTF-8")
        if name == "inputencoding":
            self.input_encoding = value
        else:
            self.output_encoding = value

    def call(self, name: str, arguments: list[object]) -> object:
        """`[Console]::WriteLine(...)` and its kin."""
        if name == "readline":
            return self.read_line()
        self.stdout.write(_text(arguments) + (NEWLINE if name == "writeline" else ""))
        return None


def _text(arguments: list[object]) -> str:
    if len(arguments) > 1:
        return format_items(to_text(arguments[0]), arguments[1:])
    return to_text(arguments[0]) if arguments else ""


def _writer(sink: TextSink) -> PsObject:
    def write(tail: str) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            sink.write(_text(list(arguments)) + tail)
            return None

        return call

    return PsObject(
        ("System.IO.TextWriter+SyncTextWriter", "System.IO.TextWriter"),
        {"NewLine": NEWLINE, "AutoFlush": True},
        methods={
            "Write": write(""),
            "WriteLine": write(NEWLINE),
            "Flush": lambda: None,
        },
    )
