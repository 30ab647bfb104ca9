"""One TCP connection to a simulated WinRM listener: who speaks, sealed or not, what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondsite.lab.faults import Fault, FaultKind, Faults
from secondsite.lab.wsman.http import HttpError, HttpReply, HttpRequest, read_request
from secondsite.lab.wsman.ntlm import SEALED_TYPE, NtlmAccounts, NtlmConnection, SealError
from secondsite.lab.wsman.operations import ClientGoneError, Operations
from secondsite.lab.wsman.refusal import Refusal, wsman_code
from secondsite.lab.wsman.soap import Request, fault_reply, parse_request

__all__ = ["Connection", "Listener"]

_BASIC_REALM = 'Basic realm="WSMAN"'


class _Hangup(Exception):  # noqa: N818 - a way out, not an error
    """The connection is to be reset now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """What all connections of one listener share.

    Attributes:
        accounts: None where NTLM is off.
        is_encrypted: Whether it is https: then nothing is sealed.
    """

    name: str
    credentials: Mapping[str, str]
    auth: Sequence[str]
    accounts: NtlmAccounts | None
    is_encrypted: bool
    operations: Operations
    faults: Faults
    log: Callable[[dict[str, Any]], None]
    body_limit_bytes: int

    def basic_user(self, header: str) -> str:
        """The user whom a Basic header proves; empty if it proves nobody."""
        try:
            user, _, password = base64.b64decode(header[6:], validate=True).decode().partition(":")
        except ValueError:
            return ""
        for name, known in self.credentials.items():
            if name.casefold() == user.casefold() and hmac.compare_digest(
                known.encode(), password.encode()
            ):
                return name
        return ""


@dataclass(slots=True)
class Connection:
    """One connection, from its acceptance to its end."""

    listener: Listener
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    user: str = ""
    ntlm: NtlmConnection | None = None

    async def serve(self) -> None:
        """Answer requests until the connection ends."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._misbehave_at_once_if_told()
            while True:
                try:
                    request = await read_request(
                        self.reader, body_limit_bytes=self.listener.body_limit_bytes
                    )
                except HttpError as exc:
                    await self._write(HttpReply(status=exc.status, closes=True))
                    return
                if request is None:
                    return
                await self._stay_silent_if_told()
                reply = await self._answer(request)
                await self._write(reply)
                if reply.closes:
                    return
        except _Hangup:
            self.reset()
        except (ConnectionError, ClientGoneError, TimeoutError):
            pass
        finally:
            self.writer.close()
            with contextlib.suppress(OSError):
                await self.writer.wait_closed()

    def reset(self) -> None:
        """End the connection as a crash would: with RST, nothing flushed."""
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def is_gone(self) -> bool:
        """Whether nobody is at the other end any more."""
        return (
            self.reader.at_eof()
            or self.reader.exception() is not None
            or self.writer.transport.is_closing()
        )

    async def _write(self, reply: HttpReply) -> None:
        """Send a reply."""
        self.writer.write(reply.encode())
        await self.writer.drain()

    async def _misbehave_at_once_if_told(self) -> None:
        """A limited number of refusals (lasting ones close the listener), or silence."""
        if self.listener.faults.matches(FaultKind.HOST_REFUSES, host=self.listener.name):
            raise _Hangup
        await self._stay_silent_if_told()

    async def _stay_silent_if_told(self) -> None:
        """Under a partition: swallow everything, answer nothing, until the client gives up."""
        faults, name = self.listener.faults, self.listener.name
        is_silent = any(
            faults.matches(kind, host=name) is not None
            for kind in (FaultKind.HOST_SILENT, FaultKind.PARTITION)
        )
        if is_silent:
            await self._swallow()

    async def _swallow(self) -> None:
        """Read without answering until the other end gives up."""
        while await self.reader.read(65536):
            pass
        raise _Hangup

    async def _answer(self, http: HttpRequest) -> HttpReply:
        """The reply to one HTTP request."""
        if http.method != "POST":
            return HttpReply(status=405, closes=True)
        if http.path.rstrip("/").lower() != "/wsman":
            return HttpReply(status=404)
        refused = self._authenticate(http)
        if refused is not None:
            return refused
        if not http.body:
            return HttpReply(status=200)  # the empty message that opens a sealed session
        try:
            body = self._open(http)
        except SealError as exc:
            self._log({"kind": "wsman", "error": f"sealed with another key: {exc}"})
            return HttpReply(status=400, closes=True)
        status, xml = await self._answer_soap(body)
        if status not in (200, 500) or not xml:
            return HttpReply(status=status)
        if self._is_sealing:
            assert self.ntlm is not None  # noqa: S101 - that is what sealing means
            return HttpReply(status=status, body=self.ntlm.seal(xml), content_type=SEALED_TYPE)
        return HttpReply(status=status, body=xml)

    @property
    def _is_sealing(self) -> bool:
        """Whether messages of this connection are sealed."""
        return self.ntlm is not None and not self.listener.is_encrypted

    def _open(self, http: HttpRequest) -> bytes:
        """The SOAP text of a request.

        Raises:
            SealError: it is not sealed as this connection demands.
        """
        is_sealed = http.headers.get("content-type", "").startswith("multipart/encrypted")
        if self._is_sealing:
            if not is_sealed or self.ntlm is None:
                raise SealError("not sealed at all")
            return self.ntlm.unseal(http.body)
        if is_sealed:
            raise SealError("nothing is sealed here")
        return http.body

    def _authenticate(self, http: HttpRequest) -> HttpReply | None:
        """None once it is known who speaks; else what to answer."""
        header = http.headers.get("authorization", "")
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "basic" and "basic" in self.listener.auth:
            self.ntlm, self.user = None, self.listener.basic_user(header)
        elif scheme.lower() in ("negotiate", "ntlm") and self.listener.accounts is not None:
            return self._negotiate(scheme, token)
        elif self.ntlm is None:
            self.user = ""
        if self.user:
            return None
        if header:
            self._log({"kind": "wsman", "error": f"401: {scheme} refused"})
        return self._unauthorized()

    def _negotiate(self, scheme: str, token: str) -> HttpReply | None:
        """One step of NTLM on this connection."""
        assert self.listener.accounts is not None  # noqa: S101 - the caller has looked
        try:
            raw = base64.b64decode(token, validate=True)
            if self.ntlm is None or self.user or raw[8:12] == b"\1\0\0\0":
                self.ntlm, self.user = NtlmConnection(self.listener.accounts), ""
            answer = self.ntlm.step(raw)
        except (ValueError, PermissionError) as exc:
            self.ntlm, self.user = None, ""
            self._log({"kind": "wsman", "error": f"401: {exc}"})
            return self._unauthorized()
        if answer is not None:
            challenge = f"{scheme} {base64.b64encode(answer).decode('ascii')}"
            return HttpReply(status=401, headers=(("WWW-Authenticate", challenge),))
        self.user = self.ntlm.user
        return None

    def _unauthorized(self) -> HttpReply:
        """401 with what the listener offers."""
        offers = []
        if "ntlm" in self.listener.auth:
            offers.append(("WWW-Authenticate", "Negotiate"))
        if "basic" in self.listener.auth:
            offers.append(("WWW-Authenticate", _BASIC_REALM))
        return HttpReply(status=401, headers=tuple(offers))

    async def _answer_soap(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and text of the reply to a SOAP request, faults of the lab included."""
        message_id = ""
        try:
            request = parse_request(body)
            message_id = request.message_id
            self._log_request(request)
            status = await self._before(request)
            if status:
                return status, b""
            reply = await self.listener.operations.perform(
                request, user=self.user, is_client_gone=self.is_gone
            )
            await self._after(request, reply)
        except Refusal as refusal:
            if refusal.code != 2150858793:
                self._log({"kind": "wsman", "error": f"{refusal.code}: {refusal.text}"})
            xml = fault_reply(refusal, relates_to=message_id, machine=self.listener.name)
            return 500, xml
        return 200, reply

    async def _before(self, request: Request) -> int:
        """Faults that come before a request is carried out; an HTTP status to answer with, or 0."""
        if self._matches(FaultKind.RESET_BEFORE, request):
            raise _Hangup
        if self._matches(FaultKind.STALL, request):
            await self._swallow()
        if fault := self._matches(FaultKind.WSMAN_FAULT, request):
            raise wsman_code(fault.code)
        fault = self._matches(FaultKind.HTTP_STATUS, request)
        return fault.status if fault else 0

    async def _after(self, request: Request, reply: bytes) -> None:
        """Faults that come after a request was carried out.

        A Receive that only says "still running" is not the reply that a fault is meant for; one
        with nothing in it does not come here at all.
        """
        if self._matches(FaultKind.LOSE_REPLY, request):
            raise _Hangup
        if self._matches(FaultKind.STALL_AFTER, request):
            await self._swallow()
        if fault := self._matches(FaultKind.WSMAN_FAULT_AFTER, request):
            raise wsman_code(fault.code)
        if fault := self._matches(FaultKind.SLOW_REPLY, request):
            await asyncio.sleep(fault.seconds)
        if self._matches(FaultKind.HALF_BODY, request):
            data = HttpReply(status=200, body=reply).encode()
            self.writer.write(data[: len(data) - len(reply) // 2])
            await self.writer.drain()
            await asyncio.sleep(0.01)  # or the reset overtakes the half that was written
            raise _Hangup

    def _matches(self, kind: FaultKind, request: Request) -> Fault | None:
        """The fault of `kind` that befalls `request`, if one does."""
        return self.listener.faults.matches(
            kind, host=self.listener.name, action=request.action, shell_id=request.shell_id
        )

    def _log(self, entry: dict[str, Any]) -> None:
        """Tell the lab's log, with the host."""
        self.listener.log({**entry, "host": self.listener.name})

    def _log_request(self, request: Request) -> None:
        """Tell the lab's log of a request."""
        self._log(
            {
                "kind": "wsman",
                "action": request.action,
                "user": self.user,
                "request": request.message_id,
                "shell": request.shell_id,
            }
        )
