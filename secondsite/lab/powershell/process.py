"""powershell.exe on a simulated computer, as the WSMan server starts it."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import threading
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from secondsite.lab.powershell.clock import Clock
from secondsite.lab.powershell.failures import RunspaceStopped
from secondsite.lab.powershell.registry import CmdletRegistry
from secondsite.lab.powershell.runspace import CmdletHook, Runspace, Timing

__all__ = ["CommandLine", "CommandLineError", "Output", "PowerShellProcess", "parse_command_line"]

_CRASHED: Final = -1073741819
_TERMINATED: Final = 1
_TAKES_VALUE: Final = frozenset(
    {"executionpolicy", "ex", "ep", "version", "outputformat", "inputformat"}
)
_FLAGS: Final = frozenset({"noprofile", "nop", "noninteractive", "noni", "nologo", "mta", "sta"})
_WORDS: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


class CommandLineError(Exception):
    """A command line that the lab does not start."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What a command line of powershell.exe asks for.

    Attributes:
        script: The script to run; None: read it from standard input (`-Command -`).
        is_encoded: Given by -EncodedCommand; errors then come as CLIXML.
    """

    script: str | None
    is_encoded: bool


def parse_command_line(command_line: str) -> CommandLine:
    """Read a command line.

    Raises:
        CommandLineError: another program, or an option that the lab does not know.
    """
    words = [quoted or bare for quoted, bare in _WORDS.findall(command_line)]
    program = words[0].lower().rpartition("\\")[2] if words else ""
    if program not in {"powershell", "powershell.exe"}:
        raise CommandLineError(
            f"lab: simulated computers start nothing but powershell.exe, not {program!r}"
        )
    index = 1
    while index < len(words):
        option = words[index].lstrip("-/").lower()
        if not words[index].startswith(("-", "/")):
            return CommandLine(" ".join(words[index:]), is_encoded=False)
        if option in _FLAGS:
            index += 1
        elif option in _TAKES_VALUE:
            index += 2
        elif option and "encodedcommand".startswith(option) and index + 1 < len(words):
            return CommandLine(_decode(words[index + 1]), is_encoded=True)
        elif option and "command".startswith(option):
            rest = " ".join(words[index + 1 :])
            return CommandLine(None if rest == "-" else rest, is_encoded=False)
        else:
            raise CommandLineError(f"lab: powershell.exe {words[index]} is not in the lab's subset")
    raise CommandLineError("lab: an interactive powershell.exe is not in the lab's subset")


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        raise CommandLineError(
            "Cannot process the command because the value specified with -EncodedCommand is not "
            "properly encoded. The value must be Base64 encoded."
        ) from None


@dataclass(frozen=True, slots=True)
class Output:
    """What a process wrote since the last read.

    Attributes:
        stdout: Bytes of standard output.
        stderr: Bytes of standard error.
        exit_code: None while the process runs.
    """

    stdout: bytes
    stderr: bytes
    exit_code: int | None


class _Input:
    """Standard input: bytes in, lines out."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._text = ""
        self._ended = False

    def feed(self, data: bytes, *, end: bool) -> None:
        """More bytes."""
        with self._condition:
            if self._ended:
                return
            self._text += self._decoder.decode(data, final=end)
            self._ended = end
            self._condition.notify_all()

    def wake(self) -> None:
        """Let a waiting reader look at its interrupt."""
        with self._condition:
            self._condition.notify_all()

    def read_line(self, interrupt: threading.Event) -> str | None:
        """The next line without its end; None at the end of input, or when interrupted."""
        with self._condition:
            while True:
                if interrupt.is_set():
                    return None
                line, newline, rest = self._text.partition("\n")
                if newline:
                    self._text = rest
                    return line.removesuffix("\r")
                if self._ended:
                    self._text = ""
                    return line.removesuffix("\r") or None
                self._condition.wait()


class _Pipe:
    """One output stream; text is kept as UTF-8 bytes until it is read."""

    def __init__(self, condition: threading.Condition, changed: Callable[[], None]) -> None:
        self._condition = condition
        self._changed = changed
        self._chunks: list[bytes] = []

    def write(self, text: str, /) -> None:
        """Take more text."""
        if not text:
            return
        with self._condition:
            self._chunks.append(text.encode("utf-8", errors="replace"))
            self._condition.notify_all()
        self._changed()

    def is_empty(self) -> bool:
        """Whether there is nothing to read."""
        return not self._chunks

    def take(self) -> bytes:
        """All that was written; it is gone then."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data


class PowerShellProcess:
    """A running powershell.exe; its script runs in a thread of its own.

    Args:
        command_line: `powershell.exe -NoProfile -NonInteractive -EncodedCommand ...`.
        registry: As of `Runspace`, like host, clock, on_cmdlet, modules, computer_name,
            environment and time_zone.
        host: The simulated computer.
        clock: Lab time, and waiting.
        timing: Start-up and import times.
        on_cmdlet: Called before each cmdlet of the simulated world.
        modules: Modules installed on the computer.
        computer_name: Name of the computer.
        environment: More environment variables.
        time_zone: The computer's time zone.
        on_output: Called from the process's thread when there is something to read.

    Raises:
        CommandLineError: the lab does not start this command line.
    """

    def __init__(
        self,
        command_line: str,
        *,
        registry: CmdletRegistry,
        host: object,
        clock: Clock,
        timing: Timing | None = None,
        on_cmdlet: CmdletHook | None = None,
        modules: Collection[str] | None = None,
        computer_name: str = "LAB",
        environment: Mapping[str, str] | None = None,
        time_zone: tzinfo | None = None,
        on_output: Callable[[], None] | None = None,
    ) -> None:
        self.on_output = on_output
        self._asked = parse_command_line(command_line)
        self._condition = threading.Condition()
        self._input = _Input()
        self._stdout = _Pipe(self._condition, self._tell)
        self._stderr = _Pipe(self._condition, self._tell)
        self._exit_code: int | None = None
        self._start_s = timing.process_start_s if timing is not None else 0.0
        self._clock = clock
        self.runspace = Runspace(
            registry,
            host,
            clock,
            self._input,
            self._stdout,
            self._stderr,
            on_cmdlet=on_cmdlet,
            timing=timing,
            modules=modules,
            computer_name=computer_name,
            environment=environment,
            time_zone=time_zone,
            clixml_errors=self._asked.is_encoded,
        )
        self._thread = threading.Thread(
            target=self._work, name=f"powershell {computer_name}", daemon=True
        )
        self._thread.start()

    def _tell(self) -> None:
        callback = self.on_output
        if callback is not None:
            callback()

    def _work(self) -> None:
        code = _TERMINATED
        try:
            if self._start_s > 0:
                self._clock.sleep(self._start_s, self.runspace.interrupt)
            self.runspace.check_stopped()
            script = self._asked.script
            code = self.runspace.run(self._read_script() if script is None else script)
        except RunspaceStopped:
            code = _TERMINATED
        except BaseException:
            # What a fault raises ends the process as a crash would; a defect of the lab shows.
            self._stderr.write(f"lab: the process crashed\r\n{traceback.format_exc()}")
            code = _CRASHED
        finally:
            with self._condition:
                if self._exit_code is None:
                    self._exit_code = code
                self._condition.notify_all()
            self._tell()

    def _read_script(self) -> str:
        """`-Command -`: the whole of standard input (Windows runs it statement by statement)."""
        lines = []
        while (line := self._input.read_line(self.runspace.interrupt)) is not None:
            lines.append(line)
        self.runspace.check_stopped()
        return "\n".join(lines)

    def write_stdin(self, data: bytes, *, end: bool = False) -> None:
        """Give the process more input; `end` closes it."""
        self._input.feed(data, end=end)

    def read(self, *, timeout_s: float) -> Output:
        """What was written since the last call; waits up to `timeout_s` for something."""
        with self._condition:
            self._condition.wait_for(self._has_news, timeout=timeout_s)
            return Output(self._stdout.take(), self._stderr.take(), self._exit_code)

    def _has_news(self) -> bool:
        return (
            not self._stdout.is_empty()
            or not self._stderr.is_empty()
            or self._exit_code is not None
        )

    def terminate(self) -> None:
        """End the process; its exit code becomes 1 unless it had ended."""
        self.runspace.stop()
        self._input.wake()

    def join(self, *, timeout_s: float) -> bool:
        """Wait for the end of the process; whether it came in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()
