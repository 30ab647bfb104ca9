"""The lab's control channel: one JSON object a line, over a unix socket for its owner only."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from secondsite.errors import SecondsiteError, UnreachableError, UsageError
from secondsite.lab.endpoints import LabFolder

__all__ = ["ControlServer", "LabClient"]

_ANSWER_LIMIT_S = 30.0


class ControlServer:
    """Answers requests `{do, …}` with `{ok, result}` or `{ok, error}`.

    Args:
        path: Of the socket.
        answer: Carries one request out; what it raises of our own errors is the answer.
    """

    def __init__(self, path: Path, answer: Callable[[dict[str, Any]], Any]) -> None:
        self.path = path
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        self.path.chmod(0o600)

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError):
            while line := await reader.readline():
                try:
                    answer = {"ok": True, "result": self._answer(json.loads(line))}
                except SecondsiteError as error:
                    answer = {"ok": False, "error": error.as_dict()}
                writer.write(json.dumps(answer, default=str).encode() + b"\n")
                await writer.drain()
        with suppress(OSError):
            writer.close()


class LabClient:
    """Talks to the lab process of a home."""

    def __init__(self, home: Path) -> None:
        self.folder = LabFolder(home)

    def ask(self, do: str, **arguments: Any) -> Any:
        """Have the lab do something; gives its result.

        Raises:
            UnreachableError: no lab is up in this home.
            UsageError: the lab does not take the request.
        """
        recorded = self.folder.read_process()
        if recorded is None:
            raise self._not_up("no lab is recorded")
        request = json.dumps({"do": do, **arguments}).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_ANSWER_LIMIT_S)
                connection.connect(str(recorded["socket"]))
                connection.sendall(request)
                with connection.makefile("rb") as stream:
                    line = stream.readline()
        except (OSError, KeyError) as error:
            raise self._not_up("its process does not answer") from error
        if not line:
            raise self._not_up("its process closed the connection")
        answer = json.loads(line)
        if not answer["ok"]:
            refusal = answer["error"]
            raise UsageError(str(refusal["message"]), next_step=str(refusal["next"]))
        return answer["result"]

    def log(self, *, offset: int = 0) -> tuple[str, int]:
        """The lab's log from that byte on, and where to go on.

        Raises:
            UnreachableError: no lab is up in this home.
        """
        answer = self.ask("log", offset=offset)
        return str(answer["text"]), int(answer["offset"])

    def last_log(self, *, offset: int = 0) -> str:
        """What the last lab of this home left in its log, now that it is down.

        Raises:
            UnreachableError: there was none.
        """
        try:
            return self.folder.log.read_bytes()[offset:].decode("utf-8")
        except OSError as error:
            raise self._not_up("and none ever was") from error

    def _not_up(self, why: str) -> UnreachableError:
        return UnreachableError(
            f"The lab of {self.folder.home} is not up: {why}.",
            next_step="Start it: secondsite lab up --estate lab/two-sites.yaml",
        )
