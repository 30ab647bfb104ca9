"""Remote shells of one simulated computer and the processes in them (MS-WSMV 3.1.4)."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from secondsite.lab.wsman.process import HostProcess, Output, ProcessFactory, ShellInfo
from secondsite.lab.wsman.quotas import Quotas
from secondsite.lab.wsman.refusal import (
    invalid_message,
    shell_not_found,
    too_many_processes,
    too_many_shells,
)
from secondsite.lab.wsman.soap import Request, parse_duration_s

__all__ = ["Command", "Shell", "ShellStore"]

CMD_LIMIT_CHARS = 8191
"""Longest command line of cmd.exe, through which WinRM starts a process unless told otherwise."""

_POLL_ON_THREAD_S = 0.25


class _StillbornProcess:
    """What cmd.exe leaves behind when it cannot start a program: a message and exit code 1."""

    def __init__(self, message: str) -> None:
        self._left = message.encode() + b"\r\n"
        self.on_output: Callable[[], None] | None = None

    def write_stdin(self, data: bytes, *, end: bool) -> None:
        """Nobody reads it."""

    def read(self, *, timeout_s: float) -> Output:
        """The message, once."""
        left, self._left = self._left, b""
        return Output(stderr=left, exit_code=1)

    def terminate(self) -> None:
        """It is dead already."""


@dataclass(slots=True)
class Command:
    """One process of a shell, with what it wrote and nobody has fetched yet."""

    id: str
    process: HostProcess
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    exit_code: int | None = None
    input_ended: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _notifies: bool = False

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the process tell this loop when it has written something."""

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                loop.call_soon_threadsafe(self.news.set)

        if hasattr(self.process, "on_output"):
            self.process.on_output = wake
            self._notifies = True

    async def wait(self, timeout_s: float) -> None:
        """Until there may be news, or `timeout_s` has passed."""
        with contextlib.suppress(TimeoutError):
            if self._notifies:
                async with asyncio.timeout(timeout_s):
                    await self.news.wait()
            else:
                wait_s = min(_POLL_ON_THREAD_S, timeout_s)
                self._keep(await asyncio.to_thread(self.process.read, timeout_s=wait_s))

    def drain(self) -> bool:
        """Fetch what the process wrote; whether anything is there to deliver."""
        self.news.clear()
        if self.exit_code is None:
            self._keep(self.process.read(timeout_s=0))
        return bool(self.stdout or self.stderr or self.exit_code is not None)

    def take(self, limit_bytes: int) -> Output:
        """At most `limit_bytes` of what is there; the exit code with the last of it."""
        stdout = bytes(self.stdout[:limit_bytes])
        del self.stdout[: len(stdout)]
        stderr = bytes(self.stderr[: limit_bytes - len(stdout)])
        del self.stderr[: len(stderr)]
        is_all = not self.stdout and not self.stderr
        return Output(stdout=stdout, stderr=stderr, exit_code=self.exit_code if is_all else None)

    def _keep(self, output: Output) -> None:
        """Put what was read where `take` finds it."""
        self.stdout += output.stdout
        self.stderr += output.stderr
        if output.exit_code is not None:
            self.exit_code = output.exit_code


@dataclass(slots=True)
class Shell:
    """One remote shell."""

    id: str
    user: str
    codepage: int
    idle_timeout_s: float
    working_directory: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    commands: dict[str, Command] = field(default_factory=dict)
    used_at: float = 0.0
    busy_count: int = 0

    def command(self, command_id: str) -> Command:
        """The command of that id.

        Raises:
            Refusal: there is none.
        """
        found = self.commands.get(command_id)
        if found is None:
            raise shell_not_found(command_id)
        return found


@dataclass(slots=True)
class ShellStore:
    """All shells of one computer."""

    host: str
    quotas: Quotas
    process_factory: ProcessFactory
    loop: asyncio.AbstractEventLoop
    on_gone: Callable[[Shell, str], None]
    _shells: dict[str, Shell] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._shells)

    def find(self, shell_id: str, *, user: str) -> Shell:
        """The user's shell of that id.

        Raises:
            Refusal: there is none.
        """
        shell = self._shells.get(shell_id)
        if shell is None or shell.user.casefold() != user.casefold():
            raise shell_not_found(shell_id)
        shell.used_at = self.loop.time()
        return shell

    def create(self, request: Request, *, user: str) -> Shell:
        """A new shell.

        Raises:
            Refusal: the user has too many, or the request is wrong.
        """
        own_count = sum(s.user.casefold() == user.casefold() for s in self._shells.values())
        if own_count >= self.quotas.shells_per_user:
            raise too_many_shells(self.quotas.shells_per_user)
        wanted = request.text("rsp:IdleTimeOut")
        idle_s = parse_duration_s(wanted) if wanted else self.quotas.idle_timeout_s
        codepage = request.options.get("WINRS_CODEPAGE", "437")
        if not codepage.isdigit():
            raise invalid_message("WINRS_CODEPAGE is no number")
        variables = [] if request.body is None else list(request.body.iter())
        shell = Shell(
            id=str(uuid.uuid4()).upper(),
            user=user,
            codepage=int(codepage),
            idle_timeout_s=min(idle_s, self.quotas.idle_timeout_s),
            working_directory=request.text("rsp:WorkingDirectory"),
            environment=tuple(
                (element.get("Name", ""), element.text or "")
                for element in variables
                if element.tag.endswith("}Variable")
            ),
            used_at=self.loop.time(),
        )
        self._shells[shell.id] = shell
        self._watch_idle(shell)
        return shell

    def start(self, shell: Shell, request: Request) -> Command:
        """A new process in `shell`.

        Raises:
            Refusal: the shell has too many.
        """
        running_count = sum(command.exit_code is None for command in shell.commands.values())
        if running_count >= self.quotas.processes_per_shell:
            raise too_many_processes(self.quotas.processes_per_shell)
        body = [] if request.body is None else list(request.body)
        arguments = (e.text or "" for e in body if e.tag.endswith("}Arguments"))
        command_line = " ".join([request.text("rsp:Command"), *arguments])
        command_id = (request.body.get("CommandId", "") if request.body is not None else "").upper()
        command_id = command_id or str(uuid.uuid4()).upper()
        info = ShellInfo(
            host=self.host,
            user=shell.user,
            shell_id=shell.id,
            command_id=command_id,
            codepage=shell.codepage,
            working_directory=shell.working_directory,
            environment=shell.environment,
        )
        is_by_cmd = request.options.get("WINRS_SKIP_CMD_SHELL", "FALSE").upper() != "TRUE"
        command = Command(command_id, self._start_process(command_line, info, is_by_cmd=is_by_cmd))
        command.listen(self.loop)
        shell.commands[command_id] = command
        return command

    def end_command(self, shell: Shell, command_id: str) -> None:
        """Kill a process and forget it; an unknown one is as good as dead."""
        command = shell.commands.pop(command_id, None)
        if command is not None:
            command.process.terminate()
            command.news.set()

    def remove(self, shell_id: str, *, reason: str) -> None:
        """Remove a shell with everything in it."""
        shell = self._shells.pop(shell_id, None)
        if shell is None:
            return
        for command_id in list(shell.commands):
            self.end_command(shell, command_id)
        self.on_gone(shell, reason)

    def remove_all(self, *, reason: str) -> None:
        """Remove every shell."""
        for shell_id in list(self._shells):
            self.remove(shell_id, reason=reason)

    def _start_process(self, command_line: str, info: ShellInfo, *, is_by_cmd: bool) -> HostProcess:
        """The process, or what is left when it does not start."""
        if is_by_cmd and len(command_line) > CMD_LIMIT_CHARS:
            return _StillbornProcess("The command line is too long.")
        try:
            return self.process_factory(command_line, info)
        except Exception as exc:  # whatever it is, the client learns it as it would from cmd.exe
            return _StillbornProcess(str(exc))

    def _watch_idle(self, shell: Shell) -> None:
        """Remove `shell` when nobody has used it for its idle timeout."""

        def check() -> None:
            if self._shells.get(shell.id) is not shell:
                return
            left_s = shell.used_at + shell.idle_timeout_s - self.loop.time()
            if shell.busy_count:
                left_s = shell.idle_timeout_s
            if left_s <= 0:
                self.remove(shell.id, reason="idle timeout")
            else:
                self.loop.call_later(left_s, check)

        self.loop.call_later(shell.idle_timeout_s, check)
