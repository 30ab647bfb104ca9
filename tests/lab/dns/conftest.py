"""A DNS server of the lab in the test's own event loop."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import dns.asyncquery
import dns.message
import dns.name
import dns.tsig
import dns.update
import pytest

from secondsite.lab.dns import DnsServer, Grant, ServerKey, ZoneChange, ZoneRecord, ZoneStore

SECRET = base64.b64encode(b"s" * 32).decode()


def record(name: str, type: str, *values: str, ttl_s: int = 300) -> ZoneRecord:
    return ZoneRecord(name=name, type=type, ttl_s=ttl_s, values=values)


@dataclass
class Bench:
    """A server with one zone, its log, and a client."""

    zone: ZoneStore
    server: DnsServer
    requests: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    faults: set[str] = field(default_factory=set)

    async def ask(
        self, name: str, type: str, *, over: str = "udp", **query: Any
    ) -> dns.message.Message:
        message = dns.message.make_query(name, type, **query)
        return await self.send(message, over=over)

    async def send(
        self, message: dns.message.Message, *, over: str = "tcp", timeout_s: float = 5
    ) -> dns.message.Message:
        exchange = dns.asyncquery.tcp if over == "tcp" else dns.asyncquery.udp
        return await exchange(message, self.server.address, timeout_s, self.server.port)

    def update(self, *, zone: str = "corp.example", secret: str = SECRET) -> Any:
        message = dns.update.UpdateMessage(zone)
        message.use_tsig(dns.tsig.Key("dr-key", secret))
        return message


@pytest.fixture
async def bench(anyio_backend: str) -> AsyncIterator[Bench]:
    del anyio_backend
    zone = ZoneStore(
        "corp.example",
        server_names=["ns1", "ns2"],
        records=[
            record("sql.corp.example", "A", "10.1.0.21"),
            record("sql.corp.example", "AAAA", "2001:db8::21"),
            record("db.corp.example", "CNAME", "sql.corp.example."),
            record("store.corp.example", "CNAME", "db.corp.example."),
            record("loop.corp.example", "CNAME", "loop.corp.example."),
            record("out.corp.example", "CNAME", "www.elsewhere.example."),
            record("deep.er.corp.example", "A", "10.1.0.22"),
            record("sub.corp.example", "NS", "ns.elsewhere.example."),
            record("big.corp.example", "A", *(f"10.4.0.{last}" for last in range(1, 201))),
        ],
    )
    server = DnsServer(
        "ns1",
        [zone],
        keys=[ServerKey(name="dr-key", secret=SECRET, grants=(Grant(zone="corp.example"),))],
        has_fault=lambda kind, server, name: kind in made.faults,
        on_request=lambda request: made.requests.append(request.as_dict()),
    )
    made = Bench(zone=zone, server=server)

    def note(zone_name: str, change: ZoneChange) -> None:
        made.changes.append({"zone": zone_name, **change.as_dict()})

    zone.on_change(note)
    await server.start()
    yield made
    await server.stop()
