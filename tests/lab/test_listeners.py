from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import IPv4Address
from typing import Any

import pytest

from secondsite.lab.builder import build_world
from secondsite.lab.estate import LabEstate
from secondsite.lab.listeners import GuestListeners
from secondsite.lab.masquerade import Masquerade, claim_masquerade
from secondsite.lab.world import HyperVHost, World

_PAGE_PORT, _DATABASE_PORT = 28080, 21433

_ESTATE = {
    "name": "listening",
    "credentials": {"operator": {"username": "operator"}},
    "sites": {
        "tokyo": {
            "vmm": {"name": "vmm"},
            "credential": "operator",
            "hosts": [{"name": "hv-1"}],
            "networks": [
                {"name": "prod", "switch": "vs", "subnets": ["10.1.0.0/24"]},
                {"name": "copy", "switch": "vs", "vlan": 7, "subnets": ["10.1.0.0/24"]},
            ],
        }
    },
    "vms": [
        {
            "name": name,
            "host": "hv-1",
            "adapters": [{"network": network, "ipv4": "10.1.0.21/24"}],
            "services": [
                {"port": _DATABASE_PORT, "name": "database"},
                {"port": _PAGE_PORT, "name": "page", "http": True},
            ],
        }
        for name, network in (("sql01", "prod"), ("sql01-copy", "copy"))
    ],
}


@pytest.fixture
def world() -> World:
    return build_world(LabEstate.model_validate(_ESTATE))


@pytest.fixture
def masquerade(world: World) -> Iterator[Masquerade]:
    networks = world.sites["tokyo"].networks
    claimed = claim_masquerade({name: network.subnets for name, network in networks.items()})
    yield claimed
    claimed.release()


def _run(
    world: World,
    masquerade: Masquerade,
    talk: Callable[[GuestListeners, Callable[[str], str]], Awaitable[Any]],
) -> Any:
    def address(network: str) -> str:
        return str(masquerade.translate(network, IPv4Address("10.1.0.21")))

    async def play() -> Any:
        listeners = GuestListeners(world, masquerade)
        await listeners.follow()
        try:
            return await talk(listeners, address)
        finally:
            listeners.close()

    return asyncio.run(play())


async def _ask(address: str, port: int, request: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def _host(world: World) -> HyperVHost:
    host = world.host("hv-1")
    assert host is not None
    return host


def test_two_guests_with_one_address_in_two_networks_answer_apart(
    world: World, masquerade: Masquerade
) -> None:
    async def talk(_: GuestListeners, address: Callable[[str], str]) -> list[bytes]:
        return [await _ask(address(network), _DATABASE_PORT) for network in ("prod", "copy")]

    assert _run(world, masquerade, talk) == [
        b"database on sql01\r\n",
        b"database on sql01-copy\r\n",
    ]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"GET / HTTP/1.1", b"200 OK"), (b"POST / HTTP/1.1", b"405 Method Not Allowed")],
)
def test_an_http_service_answers_get(
    world: World, masquerade: Masquerade, request_line: bytes, status: bytes
) -> None:
    async def talk(_: GuestListeners, address: Callable[[str], str]) -> bytes:
        return await _ask(address("prod"), _PAGE_PORT, request_line + b"\r\nHost: x\r\n\r\n")

    answer: bytes = _run(world, masquerade, talk)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"sql01 answers /" in body


def test_a_guest_that_is_turned_off_refuses_connections(
    world: World, masquerade: Masquerade
) -> None:
    async def talk(listeners: GuestListeners, address: Callable[[str], str]) -> int:
        _host(world).stop_vm("sql01", turn_off=True)
        await listeners.follow()
        with pytest.raises(ConnectionRefusedError):
            await _ask(address("prod"), _DATABASE_PORT)
        assert await _ask(address("copy"), _DATABASE_PORT)
        return len(listeners)

    assert _run(world, masquerade, talk) == 2


def test_a_guest_that_is_disconnected_cannot_be_reached(
    world: World, masquerade: Masquerade
) -> None:
    async def talk(listeners: GuestListeners, address: Callable[[str], str]) -> None:
        _host(world).disconnect_vm_network_adapter("sql01")
        await listeners.follow()
        with pytest.raises(ConnectionRefusedError):
            await _ask(address("prod"), _DATABASE_PORT)

    _run(world, masquerade, talk)
