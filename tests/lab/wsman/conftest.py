"""One WSMan server on the test's own loop, with a process that says what it is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from secondsite.lab.faults import Faults
from secondsite.lab.wsman import HostProcess, Output, ShellInfo, WsmanServer

USER, PASSWORD = "lab\\operator", "pass word"


class Echo:
    """Writes back what it reads; `exit N` ends it. Tells nobody: the server has to poll."""

    def __init__(self, command_line: str, info: ShellInfo) -> None:
        self.command_line, self.info = command_line, info
        self.is_terminated = False
        self._news = threading.Condition()
        self._stdout, self._exit_code = b"", -1

    def write_stdin(self, data: bytes, *, end: bool) -> None:
        with self._news:
            if data.startswith(b"exit "):
                self._exit_code = int(data[5:])
            else:
                self._stdout += data
            if end:
                self._exit_code = 0
            self._news.notify_all()
        self._tell()

    def read(self, *, timeout_s: float) -> Output:
        with self._news:
            if not self._stdout and self._exit_code < 0 and timeout_s:
                self._news.wait(timeout_s)
            out, self._stdout = self._stdout, b""
            return Output(stdout=out, exit_code=None if self._exit_code < 0 else self._exit_code)

    def terminate(self) -> None:
        self.is_terminated = True
        with self._news:
            self._exit_code = 1
            self._news.notify_all()
        self._tell()

    def _tell(self) -> None:
        """Nothing to tell."""


class TellingEcho(Echo):
    """Likewise, and tells when it has written."""

    def __init__(self, command_line: str, info: ShellInfo) -> None:
        super().__init__(command_line, info)
        self.on_output: Callable[[], None] | None = None

    def _tell(self) -> None:
        if self.on_output is not None:
            self.on_output()


class Site:
    """A server and what a client on a thread may do with it."""

    def __init__(self) -> None:
        self.processes: list[Echo] = []
        self.log: list[dict[str, Any]] = []
        self.faults = Faults(log=self.log.append)
        self.kind: type[Echo] = TellingEcho

    def start_process(self, command_line: str, info: ShellInfo) -> HostProcess:
        if command_line.startswith("nonsense"):
            raise ValueError("'nonsense' is not recognized as an internal or external command")
        process = self.kind(command_line, info)
        self.processes.append(process)
        return process

    @asynccontextmanager
    async def serving(self, **settings: Any) -> AsyncIterator[WsmanServer]:
        server = WsmanServer(
            name="HV-O-01",
            credentials={USER: PASSWORD},
            process_factory=self.start_process,
            faults=self.faults,
            log=self.log.append,
            **settings,
        )
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, None]], None]:
    return asyncio.run
