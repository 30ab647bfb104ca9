"""One authoritative server on UDP and TCP, on one port, in the event loop of whoever starts it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from secondsite.lab.dns import faults
from secondsite.lab.dns.keys import ServerKey
from secondsite.lab.dns.responder import DnsRequest, Responder
from secondsite.lab.dns.zone import ZoneStore

__all__ = ["DnsServer"]

_IDLE_S = 30.0
_PORT_TRIES = 20


class DnsServer:
    """A DNS server of the lab.

    Args:
        name: Its name in the lab; faults and the log use it.
        zones: What it serves. A zone of the same name on another server is another `ZoneStore`.
        address: Loopback address.
        port: 0 chooses a free one; UDP and TCP always share it.
        keys: TSIG keys that it knows.
        has_fault: Asked wherever reality could go wrong.
        on_request: Told of every request.
        clock: Seconds since the epoch, for the times in signatures; a lab can have a wrong clock.
    """

    def __init__(
        self,
        name: str,
        zones: Iterable[ZoneStore],
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        keys: Iterable[ServerKey] = (),
        has_fault: faults.FaultQuestion = faults.no_faults,
        on_request: Callable[[DnsRequest], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.zones = {zone.name: zone for zone in zones}
        self.address = address
        self.port = port
        self._responder = Responder(
            server=name,
            zones=self.zones.values(),
            keys=keys,
            has_fault=has_fault,
            on_request=on_request,
            clock=clock,
        )
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._connections: set[asyncio.Task[Any]] = set()

    async def start(self) -> int:
        """Listen; gives the port.

        Raises:
            OSError: the address or port is not to be had.
        """
        for attempt in range(_PORT_TRIES):
            self._tcp = await asyncio.start_server(self._serve, self.address, self.port)
            port: int = self._tcp.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: _Datagrams(self._responder), local_addr=(self.address, port)
                )
            except OSError:
                # The port that TCP was given is taken in UDP: another one, if we may choose.
                self._tcp.close()
                await self._tcp.wait_closed()
                self._tcp = None
                if self.port or attempt == _PORT_TRIES - 1:
                    raise
            else:
                self.port = port
                return port
        raise OSError(f"{self.name}: no port is free in both UDP and TCP on {self.address}")

    async def stop(self) -> None:
        """Close every socket; connections end at once. It may be started again, on its port."""
        if self._udp is not None:
            self._udp.close()
            self._udp = None
        if self._tcp is not None:
            self._tcp.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._tcp is not None:
            await self._tcp.wait_closed()
            self._tcp = None

    def snapshot(self) -> dict[str, Any]:
        """`{name, address, port, zones: […]}` as plain JSON values."""
        return {
            "name": self.name,
            "address": self.address,
            "port": self.port,
            "zones": [zone.snapshot() for _, zone in sorted(self.zones.items())],
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of a server runs in a task
        self._connections.add(task)
        client = str(writer.get_extra_info("peername", ("",))[0])
        try:
            while True:
                async with asyncio.timeout(_IDLE_S):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    wire = await reader.readexactly(length)
                reply = self._responder.respond(wire, transport="tcp", client=client)
                if reply is not None:
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError, asyncio.CancelledError):
            # The client has gone, was idle, or the server stops: in each case it is over. A
            # cancelled handler must end quietly, or the event loop reports it as a fault.
            pass
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._responder.respond(data, transport="udp", client=str(addr[0]))
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)
