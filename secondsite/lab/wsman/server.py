"""One simulated WinRM listener; hundreds of them share one asyncio loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from secondsite.lab.faults import FaultKind, Faults
from secondsite.lab.wsman.connection import Connection, Listener
from secondsite.lab.wsman.http import HEADER_LIMIT_BYTES
from secondsite.lab.wsman.ntlm import NtlmAccounts
from secondsite.lab.wsman.operations import Operations
from secondsite.lab.wsman.process import ProcessFactory
from secondsite.lab.wsman.quotas import Quotas
from secondsite.lab.wsman.shells import Shell, ShellStore

__all__ = ["AuthScheme", "Certificate", "WsmanServer"]

AuthScheme = Literal["basic", "ntlm"]

_BACKLOG = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """PEM files for https."""

    cert_path: str
    key_path: str


class WsmanServer:
    """A WinRM endpoint of one simulated computer.

    All of it runs on the loop that `start` is awaited on; the faults may change from any thread.
    While a fault says that the host refuses connections, its port stays taken and refuses.
    """

    def __init__(
        self,
        *,
        name: str,
        credentials: Mapping[str, str],
        process_factory: ProcessFactory,
        host: str = "127.0.0.1",
        port: int = 0,
        auth: Sequence[AuthScheme] = ("basic", "ntlm"),
        certificate: Certificate | None = None,
        faults: Faults | None = None,
        log: Callable[[dict[str, Any]], None] = lambda _: None,
        quotas: Quotas | None = None,
    ) -> None:
        self.name = name
        self._credentials = dict(credentials)
        self._process_factory = process_factory
        self._address = (host, port)
        self._auth = tuple(auth)
        self._tls = _tls_context(certificate)
        self._faults = faults or Faults()
        self._log = log
        self._quotas = quotas or Quotas()
        self._accounts: NtlmAccounts | None = None
        self._shells: ShellStore | None = None
        self._listener: Listener | None = None
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._unwatch: Callable[[], None] = lambda: None

    @property
    def port(self) -> int:
        """The port it listens on, known after `start`."""
        return self._address[1]

    @property
    def shells_count(self) -> int:
        """Shells that are open now."""
        return len(self._shells) if self._shells is not None else 0

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._accounts = NtlmAccounts(self._credentials) if "ntlm" in self._auth else None
        self._shells = ShellStore(
            host=self.name,
            quotas=self._quotas,
            process_factory=self._process_factory,
            loop=loop,
            on_gone=self._log_shell_gone,
        )
        self._listener = Listener(
            name=self.name,
            credentials=self._credentials,  # shared: set_password changes it
            auth=self._auth,
            accounts=self._accounts,
            is_encrypted=self._tls is not None,
            operations=Operations(host=self.name, shells=self._shells, faults=self._faults),
            faults=self._faults,
            log=self._log,
            body_limit_bytes=self._quotas.envelope_kb * 1024 * 2,
        )
        self._take_port()
        await self._apply_faults()

        def faults_changed() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: so is the server
                loop.call_soon_threadsafe(lambda: loop.create_task(self._apply_faults()))

        self._unwatch = self._faults.watch(faults_changed)

    async def stop(self) -> None:
        """Close the listener, every connection, shell and process."""
        self._unwatch()
        await self._stop_listening()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._shells is not None:
            self._shells.remove_all(reason="server stopped")
        if self._accounts is not None:
            self._accounts.forget()

    def set_password(self, user: str, password: str) -> None:
        """Change or add an account; connections that have authenticated by NTLM stay."""
        self._credentials[user] = password
        if self._accounts is not None:
            self._accounts.replace(self._credentials)

    def reboot(self) -> None:
        """Lose every shell and connection, as a reboot does; it listens on as before."""
        if self._shells is not None:
            self._shells.remove_all(reason="reboot")
        for connection in list(self._connections.values()):
            connection.reset()

    def _take_port(self) -> None:
        """Hold the port without listening: connections to it are refused."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setblocking(False)
        self._socket.bind(self._address)
        self._address = (self._address[0], self._socket.getsockname()[1])

    async def _apply_faults(self) -> None:
        """Listen, or not, as the faults say now."""
        refuses = self._faults.holds(FaultKind.HOST_REFUSES, host=self.name)
        if refuses and self._server is not None:
            await self._stop_listening()
            self._take_port()
            self._log({"kind": "wsman", "host": self.name, "error": "refuses connections"})
        elif not refuses and self._server is None and self._socket is not None:
            self._server = await asyncio.start_server(
                self._accept,
                sock=self._socket,
                ssl=self._tls,
                backlog=_BACKLOG,
                limit=HEADER_LIMIT_BYTES,
            )

    async def _stop_listening(self) -> None:
        """Close the listening socket and reset its connections."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        tasks = list(self._connections)
        for connection in self._connections.values():
            connection.reset()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
        self._socket = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        if self._listener is None or task is None:
            writer.close()
            return
        connection = Connection(self._listener, reader, writer)
        self._connections[task] = connection
        try:
            await connection.serve()
        except asyncio.CancelledError:
            writer.transport.abort()  # the server stops; asyncio would log the cancellation
        finally:
            del self._connections[task]

    def _log_shell_gone(self, shell: Shell, reason: str) -> None:
        """Tell the lab's log that a shell went."""
        entry = {"kind": "wsman", "host": self.name, "action": "shell-gone"}
        self._log({**entry, "shell": shell.id, "detail": reason})


def _tls_context(certificate: Certificate | None) -> ssl.SSLContext | None:
    """A server's TLS, if it has a certificate."""
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_path, certificate.key_path)
    return context
