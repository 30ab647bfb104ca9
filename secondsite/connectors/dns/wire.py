"""One TCP connection to one server: a message out, a message back, before a deadline.

It tells apart what the caller must tell apart: the message never left (`NotSentError`), it left and
nothing came back (`UnansweredError`), the server refused our signature (`KeyRefusedError`), and an
answer whose signature is missing or wrong (`Answer.is_trusted`). The last happens with real servers
that have done what was asked (Windows and Samba sign refusals wrongly, Knot answers unsigned for a
zone it does not serve: DNS notes, §1 and §2): no error here, for the caller looks at the state.

A message is signed when it is sent, by the connection's `Signer`: a key may have to be agreed on
with the server first, over this very connection.

These exceptions stay inside the package; `refusals.py` puts them into an operator's words.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import dns.exception
import dns.message
import dns.rcode
import dns.tsig

from secondsite.connectors.dns.model import DnsServer
from secondsite.errors import SiteError

__all__ = [
    "OTHER_CLOCK",
    "Answer",
    "Connection",
    "Deadline",
    "KeyRefusedError",
    "NoKeyError",
    "NotSentError",
    "Signer",
    "UnansweredError",
]

OTHER_CLOCK = "signed by a clock that is not ours"

_MAX_EXCHANGE_S = 5.0
_SHARES = 4  # an update, a look, another update, another look: each must get its turn


class Deadline:
    """An end for a whole operation, and a share of it for each exchange."""

    def __init__(self, timeout_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + timeout_s
        self._share_s = min(timeout_s / _SHARES, _MAX_EXCHANGE_S)

    def left_s(self) -> float:
        """Seconds until the end; never negative."""
        return max(0.0, self._end - self._clock())

    def exchange_s(self) -> float:
        """Seconds that the next exchange may take."""
        return min(self._share_s, self.left_s())


class NotSentError(Exception):
    """No byte of the message reached the server."""


class NoKeyError(NotSentError):
    """No key could be agreed on with the server, so the message was not sent.

    Attributes:
        trouble: Why, in an operator's words.
    """

    def __init__(self, trouble: SiteError) -> None:
        self.trouble = trouble
        super().__init__(trouble.message)


class UnansweredError(Exception):
    """The message may have reached the server; no answer came back."""


class KeyRefusedError(Exception):
    """The server says that our signature is no good; it did nothing.

    Attributes:
        error: `BADKEY`, `BADSIG` or `BADTIME`.
        server_time_s: The server's clock, if it told (seconds since the epoch).
    """

    def __init__(self, error: str, *, server_time_s: float | None = None) -> None:
        self.error, self.server_time_s = error, server_time_s
        super().__init__(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A message that came back.

    Attributes:
        flaw: Empty, or why its signature proves nothing: `unsigned`, `badly signed`, or
            `OTHER_CLOCK`.
    """

    message: dns.message.Message
    flaw: str = ""

    @property
    def is_trusted(self) -> bool:
        """Whether it is surely this server's answer to our message."""
        return not self.flaw

    @property
    def rcode(self) -> str:
        """The response code's name."""
        return dns.rcode.to_text(self.message.rcode())


class Signer(Protocol):
    """What signs the messages of one connection."""

    def key(self, connection: Connection, *, timeout_s: float) -> dns.tsig.Key:
        """What to sign the next message with.

        Raises:
            NoKeyError: there is none to be had from that server.
        """

    def reject(self) -> bool:
        """The server did not take the key, or its answer proves nothing.

        Returns:
            Whether it was an old one, so that a new one may do.
        """

    def release(self) -> None:
        """The connection needs the key no longer."""


class Connection:
    """A connection to one server, opened when first used. Not for use by several threads."""

    def __init__(self, server: DnsServer, signer: Signer | None = None) -> None:
        self.server = server
        self._signer = signer
        self._had_old_key = False
        self._socket: socket.socket | None = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._signer is not None:
            self._signer.release()

    def close(self) -> None:
        """Close it; the next exchange opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(
        self, query: dns.message.Message, *, timeout_s: float, is_signed: bool = True
    ) -> Answer:
        """As `exchange`, for questions: they may be asked once more.

        That is done when the server had closed the connection, and when its answer proves nothing
        and the key was an old one, which the server may have forgotten.
        """
        was_open = self._socket is not None
        try:
            answer = self.exchange(query, timeout_s=timeout_s, is_signed=is_signed)
        except UnansweredError:
            if not was_open:
                raise
        else:
            if answer.is_trusted or not self._had_old_key:
                return answer
        return self.exchange(query, timeout_s=timeout_s, is_signed=is_signed)

    def exchange(
        self, query: dns.message.Message, *, timeout_s: float, is_signed: bool = True
    ) -> Answer:
        """Send `query` once, and wait for its answer.

        A message whose key the server no longer knows (it was started anew, say) is not carried
        out: then it is sent once more, with a key that is agreed on anew.

        Raises:
            NotSentError: it was not sent.
            UnansweredError: it was, perhaps; no answer came.
            KeyRefusedError: the server refused our signature.
        """
        end = time.monotonic() + timeout_s
        self._had_old_key = False
        if self._signer is None or not is_signed:
            return self.trade(query, end=end, timeout_s=timeout_s)
        try:
            answer = self._sign_and_trade(self._signer, query, end=end, timeout_s=timeout_s)
        except KeyRefusedError:
            if not self._signer.reject():
                raise
            answer = self._sign_and_trade(self._signer, query, end=end, timeout_s=timeout_s)
        except UnansweredError:
            self._signer.reject()
            raise
        if not answer.is_trusted:
            self._had_old_key = self._signer.reject()
        return answer

    def _sign_and_trade(
        self, signer: Signer, query: dns.message.Message, *, end: float, timeout_s: float
    ) -> Answer:
        query.use_tsig(signer.key(self, timeout_s=max(0.0, end - time.monotonic())))
        return self.trade(query, end=end, timeout_s=timeout_s)

    def trade(
        self, query: dns.message.Message, *, end: float, timeout_s: float, keyring: Any = None
    ) -> Answer:
        """As `exchange`, for a message as it is.

        Args:
            query: What is sent.
            end: When to give up, on the monotonic clock.
            timeout_s: How long that was; messages tell it.
            keyring: What the answer is checked with, if not with the query's own key.
        """
        if end <= time.monotonic():
            raise NotSentError("no time was left to send it")
        if self._socket is None:
            self._socket = self._connect(timeout_s)
        wire = query.to_wire(max_size=65535)
        try:
            self._socket.settimeout(_left(end))
            self._socket.sendall(len(wire).to_bytes(2, "big") + wire)
            reply = self._receive(int.from_bytes(self._receive(2, end), "big"), end)
        except OSError as exc:  # TimeoutError is one
            self.close()
            raise UnansweredError(_reason(exc, timeout_s=timeout_s)) from exc
        try:
            return _parse(reply, query, keyring or query.keyring or None)
        except UnansweredError:
            self.close()  # whatever this was, nothing more of it shall be taken for an answer
            raise

    def _connect(self, timeout_s: float) -> socket.socket:
        try:
            connection = socket.create_connection(
                (self.server.address, self.server.port), timeout=timeout_s
            )
        except OSError as exc:
            raise NotSentError(_reason(exc, timeout_s=timeout_s)) from exc
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _receive(self, count: int, end: float) -> bytes:
        assert self._socket is not None  # noqa: S101 - `exchange` opened it
        parts = bytearray()
        while len(parts) < count:
            self._socket.settimeout(_left(end))
            part = self._socket.recv(count - len(parts))
            if not part:
                raise ConnectionResetError("the server closed the connection")
            parts += part
        return bytes(parts)


def _left(end: float) -> float:
    left_s = end - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _reason(exc: OSError, *, timeout_s: float) -> str:
    if isinstance(exc, TimeoutError):
        return f"no answer within {timeout_s:.3g} s"
    if isinstance(exc, ConnectionRefusedError):
        return "the connection was refused"
    return (exc.strerror or str(exc) or type(exc).__name__).lower()


def _parse(reply: bytes, query: dns.message.Message, key: Any) -> Answer:
    flaw = ""
    try:
        message = dns.message.from_wire(reply, keyring=key, request_mac=query.mac or b"")
    except dns.tsig.PeerError as exc:
        raise _key_refusal(reply, exc) from exc
    except dns.tsig.BadTime:
        flaw = OTHER_CLOCK
        message = _parse_untrusted(reply)
    except (dns.tsig.BadKey, dns.tsig.BadAlgorithm, dns.tsig.BadSignature):
        flaw = "badly signed"
        message = _parse_untrusted(reply)
    except (dns.exception.DNSException, ValueError):
        # dnspython says FormError for an answer that lacks its signature.
        flaw = "unsigned"
        message = _parse_untrusted(reply)
    if not query.is_response(message):
        raise UnansweredError("what came back is not an answer to what was sent")
    if key is not None and not flaw and not message.had_tsig:
        flaw = "unsigned"
    return Answer(message=message, flaw=flaw)


def _parse_untrusted(reply: bytes) -> dns.message.Message:
    try:
        return dns.message.from_wire(reply, keyring=False)
    except (dns.exception.DNSException, ValueError) as exc:
        raise UnansweredError("what came back is not a DNS message") from exc


def _key_refusal(reply: bytes, exc: dns.tsig.PeerError) -> KeyRefusedError:
    names = {
        dns.tsig.PeerBadKey: "BADKEY",
        dns.tsig.PeerBadSignature: "BADSIG",
        dns.tsig.PeerBadTime: "BADTIME",
    }
    server_time_s = None
    message = _parse_untrusted(reply)
    other: bytes = message.tsig[0].other if message.tsig is not None else b""
    if len(other) == 6:  # RFC 8945 §5.2.3: the server's clock, in a BADTIME answer only
        server_time_s = float(int.from_bytes(other, "big"))
    return KeyRefusedError(names.get(type(exc), str(exc)), server_time_s=server_time_s)
