"""What the WSMan server asks of a process on the simulated Windows computer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["HostProcess", "Output", "ProcessFactory", "ShellInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a process wrote since the last read.

    Attributes:
        exit_code: Set once the process has ended and everything it wrote has been read.
    """

    stdout: bytes = b""
    stderr: bytes = b""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellInfo:
    """In which shell a process is started.

    Attributes:
        host: Name of the simulated computer.
        user: Who is logged on, as the client named itself.
        codepage: WINRS_CODEPAGE of the shell.
        environment: Variables that the shell was created with.
    """

    host: str
    user: str
    shell_id: str
    command_id: str
    codepage: int = 437
    working_directory: str = ""
    environment: tuple[tuple[str, str], ...] = ()


class HostProcess(Protocol):
    """A running process. All three may be called from any thread; none may block for long.

    A process that has an attribute `on_output` gets a callable put there, which it calls (from any
    thread) whenever `read` would find something new: that is how hundreds of long polls cost no
    thread. Without it the server reads with a timeout on a thread.
    """

    def write_stdin(self, data: bytes, *, end: bool) -> None:
        """Append to its standard input; `end` closes it."""

    def read(self, *, timeout_s: float) -> Any:
        """An `Output`; waits up to `timeout_s` for one that is not empty. What was read is gone."""

    def terminate(self) -> None:
        """Kill it. Killing a dead one does nothing."""


ProcessFactory = Callable[[str, ShellInfo], HostProcess]
"""Starts a process from a command line; what it raises becomes the message of cmd.exe."""
