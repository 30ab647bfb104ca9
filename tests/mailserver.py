"""A mail server on loopback as a process of its own; every mail it takes is a line of a file."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

__all__ = ["Mail", "MailServer", "mail_server"]

_READY_WITHIN_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail that was taken."""

    recipients: tuple[str, ...]
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """How the server is reached, and what it has taken."""

    port: int
    file: Path

    @property
    def taken(self) -> list[Mail]:
        lines = [json.loads(line) for line in self.file.read_text("utf-8").splitlines()]
        return [Mail(**(line | {"recipients": tuple(line["recipients"])})) for line in lines]


@contextmanager
def mail_server(folder: Path, *, user: str, password: str) -> Iterator[MailServer]:
    """A mail server that wants that account, and has no mailbox `nobody@…`."""
    file = folder / "mails.jsonl"
    file.touch()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.mailserver"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        server.stdin.write(json.dumps([str(file), user, password]) + "\n")
        server.stdin.flush()
        yield MailServer(port=int(server.stdout.readline()), file=file)
    finally:
        server.kill()
        server.communicate()


class _Handler:
    def __init__(self, file: Path) -> None:
        self._file = file

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - likewise
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = cast("bytes", envelope.content)
        message = message_from_bytes(content, policy=policy.default)
        body = message.get_body(("plain",))
        mail = {
            "recipients": envelope.rcpt_tos,
            "subject": message["Subject"],
            "text": body.get_content() if body else "",
        }
        with self._file.open("a", encoding="utf-8") as taken:
            taken.write(json.dumps(mail) + "\n")
        return "250 OK"


def _serve() -> None:
    file, user, password = json.loads(sys.stdin.readline())

    def check(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
        given = cast("LoginPassword", data)
        is_right = (given.login, given.password) == (user.encode(), password.encode())
        return AuthResult(success=is_right, handled=False)

    warnings.simplefilter("ignore")  # of passwords without TLS: this is loopback
    controller = Controller(
        _Handler(Path(file)),
        hostname="127.0.0.1",
        port=_free_port(),
        authenticator=check,
        auth_required=True,
        auth_require_tls=False,
        ready_timeout=_READY_WITHIN_S,
    )
    controller.start()
    sys.stdout.write(f"{controller.port}\n")
    sys.stdout.flush()
    threading.Event().wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    _serve()
