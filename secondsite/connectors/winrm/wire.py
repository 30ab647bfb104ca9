"""The only module that touches pywinrm: typed calls, counted requests, faults reduced to kinds.

What pywinrm leaves to its caller, and what is done about it here (the WinRM notes, section 1):
its timeouts are set per message; proxies and other settings of the environment are never used;
after anything that may have broken a connection the session is dropped, because a sealed message
on a connection that the server does not know is refused for ever.
"""

from __future__ import annotations

import math
import ssl
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import ParseError

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from winrm.exceptions import (
    AuthenticationError,
    WinRMError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)
from winrm.protocol import Protocol
from winrm.transport import Transport

from secondsite.connectors.winrm.endpoint import Endpoint
from secondsite.connectors.winrm.wirefault import (
    WireFault,
    WireFaultKind,
    kind_of_fault_code,
    kind_of_http_status,
)

__all__ = ["Received", "Wire"]

CODEPAGE_UTF8 = 65001


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What one Receive brought; `exit_code` is set when the process has ended."""

    stdout: bytes = b""
    stderr: bytes = b""
    exit_code: int | None = None


class _CountingAdapter(HTTPAdapter):
    """Counts every HTTP request, those of an authentication handshake included."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.requests_count = 0

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, counted."""
        self.requests_count += 1
        return super().send(*args, **kwargs)


class _Transport(Transport):
    """pywinrm's transport with a session of ours, prepared before its first message."""

    adapter: _CountingAdapter

    def build_session(self) -> requests.Session:
        is_new = self.session is None
        session = super().build_session()
        if is_new:
            self._prepare(session)
        return session

    def setup_encryption(self, session: requests.Session) -> None:
        self._prepare(session)
        super().setup_encryption(session)

    def _prepare(self, session: requests.Session) -> None:
        session.trust_env = False
        session.proxies = {}
        session.mount("http://", self.adapter)
        session.mount("https://", self.adapter)


class Wire:
    """One client of one WinRM listener; belongs to one thread at a time."""

    def __init__(self, endpoint: Endpoint, *, connect_timeout_s: float) -> None:
        self._endpoint = endpoint
        self._connect_timeout_s = connect_timeout_s
        self._adapter = _CountingAdapter()
        self._protocol: Any = None

    @property
    def requests_count(self) -> int:
        """HTTP requests sent so far."""
        return self._adapter.requests_count

    def create(self, *, idle_timeout_s: float, timeout_s: float) -> str:
        """Open a shell; its id."""
        with self._speaking("Create", timeout_s) as protocol:
            return str(
                protocol.open_shell(
                    codepage=CODEPAGE_UTF8,
                    noprofile=True,
                    idle_timeout=f"PT{math.ceil(idle_timeout_s)}S",
                )
            )

    def command(
        self, shell_id: str, command: str, arguments: Sequence[str], *, timeout_s: float
    ) -> str:
        """Start a process with plain pipes; its command id."""
        with self._speaking("Command", timeout_s) as protocol:
            return str(protocol.run_command(shell_id, command, arguments, console_mode_stdin=False))

    def send(
        self, shell_id: str, command_id: str, data: bytes, *, end: bool, timeout_s: float
    ) -> None:
        """Write to the process's standard input."""
        with self._speaking("Send", timeout_s) as protocol:
            protocol.send_command_input(shell_id, command_id, data, end=end)

    def receive(
        self, shell_id: str, command_id: str, *, wait_s: float, timeout_s: float
    ) -> Received:
        """What the process wrote; empty if it wrote nothing for `wait_s` (whole seconds)."""
        try:
            with self._speaking("Receive", timeout_s, operation_timeout_s=wait_s) as protocol:
                stdout, stderr, exit_code, done = protocol.get_command_output_raw(
                    shell_id, command_id
                )
        except WireFault as fault:
            if fault.kind is WireFaultKind.TIMED_OUT:
                return Received()
            raise
        return Received(stdout=stdout, stderr=stderr, exit_code=exit_code if done else None)

    def terminate(self, shell_id: str, command_id: str, *, timeout_s: float) -> None:
        """Kill the process."""
        with self._speaking("Signal", timeout_s) as protocol:
            protocol.cleanup_command(shell_id, command_id)

    def delete(self, shell_id: str, *, timeout_s: float) -> None:
        """Remove the shell and everything that runs in it."""
        with self._speaking("Delete", timeout_s) as protocol:
            protocol.close_shell(shell_id, close_session=False)

    def drop_connection(self) -> None:
        """Forget the connection; the next message makes and authenticates a new one."""
        if self._protocol is not None:
            self._protocol.transport.close_session()
            self._protocol.transport.encryption = None

    @contextmanager
    def _speaking(
        self, action: str, timeout_s: float, *, operation_timeout_s: float = 0.0
    ) -> Iterator[Any]:
        """The protocol, for one message; whatever goes wrong with it becomes a WireFault."""
        try:
            if self._protocol is None:
                self._protocol = self._build()
            protocol = self._protocol
            wait_s = max(1, math.floor(operation_timeout_s or timeout_s))
            protocol.operation_timeout_sec = min(wait_s, 60)
            protocol.transport.read_timeout_sec = (
                min(self._connect_timeout_s, max(timeout_s, 0.1)),
                max(timeout_s, 0.1),
            )
            yield protocol
        except Exception as exc:
            fault = _reduce(exc, action)
            if isinstance(exc, (WSManFaultError, WinRMOperationTimeoutError)):
                raise fault from exc  # a well-formed answer: the connection is good
            self.drop_connection()
            raise fault from exc

    def _build(self) -> Any:
        """The client of pywinrm for the endpoint."""
        endpoint = self._endpoint
        settings: dict[str, Any] = {
            "username": endpoint.username or None,
            "password": endpoint.password.get_secret_value(),
            "ca_trust_path": endpoint.ca_trust_path,
            "cert_pem": endpoint.certificate_path,
            "cert_key_pem": endpoint.certificate_key_path,
            "server_cert_validation": endpoint.server_cert_validation,
            "message_encryption": "always"
            if endpoint.is_sealed and endpoint.scheme == "http"
            else "auto",
            "proxy": None,
        }
        protocol = Protocol(
            endpoint.url,
            transport=endpoint.transport,
            read_timeout_sec=30,
            operation_timeout_sec=20,
            **settings,
        )
        with warnings.catch_warnings():
            transport = _Transport(
                endpoint.url, auth_method=endpoint.transport, service="HTTP", **settings
            )
        transport.adapter = self._adapter
        protocol.transport = transport
        return protocol


def _reduce(exc: Exception, action: str) -> WireFault:
    """The fault that `exc` stands for."""
    if isinstance(exc, WinRMOperationTimeoutError):
        return WireFault(WireFaultKind.TIMED_OUT, "operation timeout", code=2150858793)
    if isinstance(exc, AuthenticationError):
        return WireFault(WireFaultKind.DENIED, "HTTP 401", code=401)
    if isinstance(exc, WSManFaultError):
        code = int(exc.wsman_fault_code or 0)
        kind = kind_of_fault_code(code, action=action)
        return WireFault(kind, f"WSMan fault {code}: {exc.reason}", code=code)
    if isinstance(exc, WinRMTransportError):
        return WireFault(kind_of_http_status(exc.code), f"HTTP {exc.code}", code=exc.code)
    if isinstance(exc, requests.exceptions.SSLError):
        return _reduce_tls(exc)
    if isinstance(exc, requests.exceptions.ConnectTimeout):
        return WireFault(WireFaultKind.UNDELIVERED, "no connection in time")
    if isinstance(exc, requests.exceptions.ReadTimeout):
        return WireFault(WireFaultKind.LOST, "no reply in time")
    if isinstance(exc, requests.exceptions.RequestException):
        return _reduce_connection(exc)
    if isinstance(exc, (WinRMError, ImportError)):
        return WireFault(WireFaultKind.UNDELIVERED, str(exc))
    if isinstance(exc, (ParseError, ValueError, StopIteration, AssertionError, AttributeError)):
        return WireFault(WireFaultKind.LOST, f"unreadable reply ({type(exc).__name__})")
    return WireFault(WireFaultKind.LOST, f"{type(exc).__name__}: {exc}")


def _reason(exc: BaseException) -> BaseException:
    """The innermost exception that requests and urllib3 wrapped."""
    inner: object = getattr(exc, "reason", None)
    if not isinstance(inner, BaseException):
        inner = next((arg for arg in reversed(exc.args) if isinstance(arg, BaseException)), None)
    return _reason(inner) if isinstance(inner, BaseException) else exc


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """`exc` and everything that led to it."""
    seen: BaseException | None = exc
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _reduce_tls(exc: requests.exceptions.SSLError) -> WireFault:
    """A certificate that is not trusted was met before anything was sent."""
    for inner in _chain(_reason(exc)):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return WireFault(WireFaultKind.UNDELIVERED, f"TLS: {inner.verify_message}")
    if "CERTIFICATE_VERIFY_FAILED" in str(exc):
        return WireFault(WireFaultKind.UNDELIVERED, "TLS: the certificate is not trusted")
    return WireFault(WireFaultKind.LOST, f"TLS: {_reason(exc)}")


def _reduce_connection(exc: requests.exceptions.RequestException) -> WireFault:
    """A connection that never came about, or one that broke."""
    inner = _reason(exc)
    text = str(inner).rpartition(": ")[2] or type(inner).__name__
    never_connected = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
    )
    if any(isinstance(link, never_connected) for link in _links(exc)):
        return WireFault(WireFaultKind.UNDELIVERED, text)
    return WireFault(WireFaultKind.LOST, text)


def _links(exc: BaseException) -> Iterator[BaseException]:
    """`exc` and what it wraps, outermost first."""
    yield exc
    inner: object = getattr(exc, "reason", None)
    if not isinstance(inner, BaseException):
        inner = next((arg for arg in exc.args if isinstance(arg, BaseException)), None)
    if isinstance(inner, BaseException):
        yield from _links(inner)
