"""The services of running guests as real TCP listeners on loopback."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address

from secondsite.lab.masquerade import Masquerade
from secondsite.lab.world import HyperVHost, Service, VirtualMachine, World

__all__ = ["Endpoint", "GuestListeners", "open_endpoints"]

_LOGGER = logging.getLogger(__name__)
_READ_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One service of one running guest at one address.

    Attributes:
        vm_id: Of the VM, so that a test VM's and its replica's are two.
    """

    address: IPv4Address
    port: int
    vm: str
    vm_id: str
    service: Service


def open_endpoints(world: World, masquerade: Masquerade) -> set[Endpoint]:
    """What should be listening now."""
    with world.settled():
        return {
            endpoint
            for host in world.hosts
            for vm in host.vms.values()
            if vm.guest.open_ports
            for endpoint in _endpoints(host, vm, masquerade)
        }


def _endpoints(host: HyperVHost, vm: VirtualMachine, masquerade: Masquerade) -> list[Endpoint]:
    found = []
    for adapter in vm.adapters:
        network = host.network_of(adapter)
        if network is None:
            continue
        for address in adapter.addresses:
            if not isinstance(address, IPv4Address) or address not in network.holders:
                continue
            outside = masquerade.translate(network.masquerade or network.name, address)
            if outside is not None:
                found += [
                    Endpoint(
                        address=outside,
                        port=service.port,
                        vm=vm.name,
                        vm_id=vm.id,
                        service=service,
                    )
                    for service in vm.guest.services
                    if service.port in vm.guest.open_ports
                ]
    return found


class GuestListeners:
    """Opens and closes listeners so that they are those of the world. Lives in one event loop."""

    def __init__(self, world: World, masquerade: Masquerade) -> None:
        self._world = world
        self._masquerade = masquerade
        self._servers: dict[Endpoint, asyncio.Server] = {}
        self._failed: set[Endpoint] = set()

    async def follow(self) -> None:
        """Bring the listeners up to date."""
        wanted = open_endpoints(self._world, self._masquerade)
        self._failed &= wanted
        for endpoint in self._servers.keys() - wanted:
            self._servers.pop(endpoint).close()
        for endpoint in wanted - self._servers.keys() - self._failed:
            try:
                self._servers[endpoint] = await asyncio.start_server(
                    _Answer(endpoint), str(endpoint.address), endpoint.port
                )
            except OSError as error:
                self._failed.add(endpoint)
                _LOGGER.error(  # noqa: TRY400 - the traceback would tell nothing more
                    "%s cannot listen on %s port %s: %s",
                    endpoint.vm,
                    endpoint.address,
                    endpoint.port,
                    error.strerror,
                )

    def close(self) -> None:
        """Close all."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def __len__(self) -> int:
        return len(self._servers)


class _Answer:
    """Talks to one client of one service."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(
            OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.LimitOverrunError
        ):
            if self._endpoint.service.http:
                await self._http(reader, writer)
            else:
                writer.write(f"{self._endpoint.service.name} on {self._endpoint.vm}\r\n".encode())
                await writer.drain()
        with suppress(OSError):
            writer.close()

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _READ_LIMIT_S)
        request_line = head.split(b"\r\n", 1)[0].decode("latin-1")
        method, _, target = request_line.partition(" ")
        is_known = method in {"GET", "HEAD"}
        body = f"{self._endpoint.vm} answers {target.split(' ')[0]}\n".encode()
        status = "200 OK" if is_known else "405 Method Not Allowed"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + (b"" if method == "HEAD" else body)
        )
        await writer.drain()
