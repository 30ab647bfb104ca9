"""The server side of NTLM: who is on a connection, and the sealing of its messages.

Facts: MS-WSMV 2.2.9.1 (encrypted messages) and the WinRM notes, section 2. State belongs to one
TCP connection, and the sealing is a stream: messages in order, none lost.
"""

from __future__ import annotations

import os
import struct
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import spnego
from spnego.exceptions import SpnegoError

__all__ = ["NtlmAccounts", "NtlmConnection", "SealError"]

BOUNDARY = b"--Encrypted Boundary"
PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
SEALED_TYPE = f'multipart/encrypted;protocol="{PROTOCOL}";boundary="Encrypted Boundary"'

_environment_lock = threading.Lock()


class SealError(Exception):
    """A message that cannot be opened with this connection's key."""


class NtlmAccounts:
    """The accounts of one computer, in the one form in which pyspnego takes them.

    pyspnego looks its accounts up in the file that NTLM_USER_FILE names at that moment; each
    computer of the lab has its own file, so the variable is set only around each look-up.
    """

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="secondsite-ntlm-")
        self._file = Path(self._folder.name) / "accounts"
        self._file.touch(mode=0o600)
        self.replace(credentials)

    def replace(self, credentials: Mapping[str, str]) -> None:
        """Know these accounts from now on."""
        lines = []
        for user, password in credentials.items():
            if ":" in user + password or "\n" in user + password:
                raise ValueError(f"account {user!r}: colons and line feeds are not possible here")
            domain, _, name = user.rpartition("\\")
            lines.append(f"{domain}:{name}:{password}")
        self._file.write_text("\n".join(lines) + "\n", "utf-8")

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """While pyspnego looks an account up."""
        with _environment_lock:
            former = os.environ.get("NTLM_USER_FILE")
            os.environ["NTLM_USER_FILE"] = str(self._file)
            try:
                yield
            finally:
                if former is None:
                    del os.environ["NTLM_USER_FILE"]
                else:
                    os.environ["NTLM_USER_FILE"] = former

    def forget(self) -> None:
        """Delete the file."""
        self._folder.cleanup()


class NtlmConnection:
    """NTLM on one TCP connection."""

    def __init__(self, accounts: NtlmAccounts) -> None:
        self._accounts = accounts
        with accounts.in_force():
            self._context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)

    def step(self, token: bytes) -> bytes | None:
        """The next token for the client.

        Raises:
            PermissionError: the account or its password is wrong.
        """
        try:
            with self._accounts.in_force():
                return self._context.step(token)
        except (SpnegoError, ValueError, struct.error) as exc:
            raise PermissionError(f"NTLM: {exc}") from exc

    @property
    def user(self) -> str:
        """Who it is; empty until the handshake is complete."""
        return (self._context.client_principal or "") if self._context.complete else ""

    def unseal(self, body: bytes) -> bytes:
        """The message in a multipart/encrypted body.

        Raises:
            SealError: it was not sealed for this connection.
        """
        try:
            _, header, payload = body.split(BOUNDARY + b"\r\n", 2)
            length = int(header.split(b"Length=")[1])
            payload = payload.split(b"\r\n", 1)[1].removesuffix(BOUNDARY + b"--\r\n")
            (signature_length,) = struct.unpack("<I", payload[:4])
            if signature_length != 16:
                raise SealError(f"a signature of {signature_length} bytes")
            message = self._context.unwrap(payload[4:]).data
        except (SpnegoError, ValueError, IndexError, struct.error) as exc:
            raise SealError(str(exc)) from exc
        if len(message) != length:
            raise SealError("the length does not agree")
        return message

    def seal(self, message: bytes) -> bytes:
        """A multipart/encrypted body with `message` in it."""
        sealed = self._context.wrap(message, encrypt=True).data
        return b"".join(
            (
                BOUNDARY,
                b"\r\n\tContent-Type: " + PROTOCOL.encode("ascii"),
                b"\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=",
                str(len(message)).encode("ascii"),
                b"\r\n" + BOUNDARY,
                b"\r\n\tContent-Type: application/octet-stream\r\n",
                struct.pack("<I", 16) + sealed,
                BOUNDARY + b"--\r\n",
            )
        )
