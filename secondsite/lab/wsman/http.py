"""Just enough HTTP/1.1 over asyncio streams: authentication is per connection, and so are faults.

Without a framework, a half-written body, a reset or silence are one line each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

__all__ = ["HEADER_LIMIT_BYTES", "HttpError", "HttpReply", "HttpRequest", "read_request"]

HEADER_LIMIT_BYTES = 64 * 1024


class HttpError(Exception):
    """A request that cannot be read; the connection is closed after the answer."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """One reply."""

    status: int
    body: bytes = b""
    content_type: str = "application/soap+xml;charset=UTF-8"
    headers: Sequence[tuple[str, str]] = ()
    closes: bool = False

    def encode(self) -> bytes:
        """As bytes on the wire."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            "Server: Microsoft-HTTPAPI/2.0",
            f"Content-Length: {len(self.body)}",
        ]
        if self.body:
            lines.append(f"Content-Type: {self.content_type}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.closes:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body


async def read_request(
    reader: asyncio.StreamReader, *, body_limit_bytes: int
) -> HttpRequest | None:
    """The next request; None at the end of the connection.

    Raises:
        HttpError: it cannot be read.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as exc:
        raise HttpError(431, "headers too long") from exc
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise HttpError(400, "not an HTTP request")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    if not length.isdigit() or "transfer-encoding" in headers:
        raise HttpError(411, "Content-Length is needed")
    if int(length) > body_limit_bytes:
        raise HttpError(413, "longer than MaxEnvelopeSizekb")
    try:
        body = await reader.readexactly(int(length))
    except asyncio.IncompleteReadError:
        return None
    return HttpRequest(method=words[0], path=words[1], headers=headers, body=body)
