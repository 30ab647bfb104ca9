"""Whether the server behind an Apprise URL answers, without sending anything to it.

Nothing of the URL gets out of here but the name of its host: the rest may be a secret.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from apprise import Apprise
from pydantic import SecretStr

from secondsite.connectors.messaging import Heard
from secondsite.errors import CredentialError, UnreachableError

__all__ = ["MessagingServer", "reach", "server_of"]

_OWN_HOST = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "workflow", "workflows"})
"""Schemes whose host is the server itself; elsewhere it may be a token."""
_SMTP_READY = b"220"
_PORTS = {True: 443, False: 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagingServer:
    """Where a target's messages are handed in.

    Attributes:
        greets: It speaks first, as SMTP without TLS from the start does.
        is_secure: It speaks TLS from the start.
        is_verified: Its certificate counts.
    """

    host: str
    port: int
    greets: bool = False
    is_secure: bool = False
    is_verified: bool = True

    def __str__(self) -> str:
        """`mail.corp.example:587`."""
        return f"{self.host}:{self.port}"


def server_of(url: SecretStr) -> MessagingServer | None:
    """The server that the URL leads to; None where only sending would tell.

    Raises:
        CredentialError: the URL is none that Apprise understands.
    """
    text = url.get_secret_value()
    with Heard():  # it would write the URL into the log
        target: Any = Apprise.instantiate(text)
    if target is None:
        raise CredentialError(
            "its URL is none that Apprise understands",
            next_step="Write an Apprise URL, as in mailtos://USER:PASSWORD@HOST?to=ADDRESS.",
        )
    is_verified = bool(target.verify_certificate)
    if mail_host := getattr(target, "smtp_host", ""):
        is_secure = target.secure_mode == "ssl"
        return MessagingServer(
            host=mail_host,
            port=int(target.port),
            greets=not is_secure,
            is_secure=is_secure,
            is_verified=is_verified,
        )
    if urlsplit(text).scheme.casefold() in _OWN_HOST:
        port = int(target.port or _PORTS[bool(target.secure)])
        return MessagingServer(
            host=target.host, port=port, is_secure=bool(target.secure), is_verified=is_verified
        )
    service = urlsplit(str(getattr(target, "notify_url", "") or ""))
    if service.scheme not in {"http", "https"} or not service.hostname:
        return None
    is_secure = service.scheme == "https"
    return MessagingServer(
        host=service.hostname,
        port=service.port or _PORTS[is_secure],
        is_secure=is_secure,
        is_verified=is_verified,
    )


def reach(server: MessagingServer, *, timeout_s: float) -> None:
    """Connect, hear a greeting or shake hands in TLS, and leave. Blocks.

    Raises:
        UnreachableError: it does not answer, or not as such a server does.
    """
    try:
        with socket.create_connection((server.host, server.port), timeout=timeout_s) as plain:
            if server.is_secure:
                with _context(server).wrap_socket(plain, server_hostname=server.host):
                    return
            if server.greets and not plain.recv(512).startswith(_SMTP_READY):
                raise UnreachableError(f"{server} does not greet as a mail server does")
    except ssl.SSLCertVerificationError as error:
        why = f"the certificate of {server} is refused: {error.verify_message}"
        raise UnreachableError(why) from error
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreachableError(f"{server} does not answer ({why})") from error


def _context(server: MessagingServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not server.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
