from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.message
import dns.rcode
import dns.tsig
import dns.update

from secondsite.lab.estate import LabEstate
from secondsite.lab.events import EventLog
from secondsite.lab.faults import Fault, FaultKind, Faults
from secondsite.lab.nameservers import NameServers

_SECRETS = {
    name: base64.b64encode(name.encode().ljust(32, b".")).decode() for name in ("key", "test-key")
}
_ESTATE = LabEstate.model_validate(
    {
        "name": "names",
        "credentials": {"operator": {"username": "operator"}},
        "sites": {
            "osaka": {
                "vmm": {"name": "vmm"},
                "credential": "operator",
                "hosts": [{"name": "hv-1"}],
            }
        },
        "dns": {
            "servers": [
                {"name": "first", "site": "osaka"},
                {"name": "second", "site": "osaka"},
                {"name": "bubble", "site": "osaka", "for_tests": True},
            ],
            "keys": [{"name": "key"}, {"name": "test-key"}],
            "zones": [
                {
                    "name": "corp.example",
                    "servers": ["first", "second"],
                    "keys": ["key"],
                    "records": [{"name": "sql", "type": "A", "ttl": "60s", "values": ["10.1.0.1"]}],
                },
                {"name": "corp.example", "servers": ["bubble"], "keys": ["test-key"]},
            ],
        },
    }
)


def _run(folder: Path, talk: Callable[[NameServers, Faults], Awaitable[Any]]) -> Any:
    async def play() -> Any:
        faults, events = Faults(), EventLog(folder / "log.jsonl")
        servers = NameServers(_ESTATE, secrets=_SECRETS, events=events, faults=faults)
        await servers.start(lag_s=0.01)
        try:
            return await talk(servers, faults)
        finally:
            await servers.stop()
            events.close()

    return asyncio.run(play())


async def _set(servers: NameServers, server: str, key: str, address: str) -> int:
    update = dns.update.UpdateMessage("corp.example")
    update.replace("sql", 60, "A", address)
    update.use_tsig({dns.name.from_text(key): dns.tsig.Key(key, _SECRETS[key])}, key)
    reply = await dns.asyncquery.tcp(update, "127.0.0.1", port=servers.ports[server], timeout=2)
    return int(reply.rcode())


async def _get(servers: NameServers, server: str) -> list[str]:
    query = dns.message.make_query("sql.corp.example", "A")
    reply = await dns.asyncquery.udp(query, "127.0.0.1", port=servers.ports[server], timeout=2)
    return [rdata.to_text() for rrset in reply.answer for rdata in rrset]


def test_a_change_of_the_primary_reaches_the_secondary_and_nobody_else(tmp_path: Path) -> None:
    async def talk(servers: NameServers, _: Faults) -> list[list[str]]:
        assert await _set(servers, "first", "key", "10.2.0.1") == dns.rcode.NOERROR
        await asyncio.sleep(0.05)
        return [await _get(servers, name) for name in ("first", "second", "bubble")]

    assert _run(tmp_path, talk) == [["10.2.0.1"], ["10.2.0.1"], []]


def test_a_key_changes_only_the_zones_that_name_it(tmp_path: Path) -> None:
    async def talk(servers: NameServers, _: Faults) -> tuple[int, int, list[str]]:
        wrong = await _set(servers, "first", "test-key", "10.2.0.1")
        right = await _set(servers, "bubble", "test-key", "10.2.0.1")
        return wrong, right, await _get(servers, "first")

    assert _run(tmp_path, talk) == (dns.rcode.REFUSED, dns.rcode.NOERROR, ["10.1.0.1"])


def test_requests_and_changes_are_in_the_labs_log(tmp_path: Path) -> None:
    async def talk(servers: NameServers, _: Faults) -> None:
        await _set(servers, "first", "key", "10.2.0.1")

    _run(tmp_path, talk)

    events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    mine = [event for event in events if event["host"] == "first"]
    assert sorted((event["kind"], event["dns"]) for event in mine) == [
        ("change", "update"),
        ("request", "update"),
    ]
    change = next(event for event in mine if event["kind"] == "change")
    assert change["site"] == "osaka"
    assert change["detail"]["before"]["values"] == ["10.1.0.1"]
    assert change["detail"]["after"]["values"] == ["10.2.0.1"]


def test_a_server_can_be_told_to_refuse(tmp_path: Path) -> None:
    async def talk(servers: NameServers, faults: Faults) -> tuple[int, int]:
        fault = faults.add(Fault(kind=FaultKind.DNS_REFUSES, host="first"))
        refused = await _set(servers, "first", "key", "10.2.0.1")
        faults.remove(fault.id)
        return refused, await _set(servers, "first", "key", "10.2.0.1")

    assert _run(tmp_path, talk) == (dns.rcode.REFUSED, dns.rcode.NOERROR)


def test_the_stable_state_has_contents_but_no_serial(tmp_path: Path) -> None:
    async def talk(servers: NameServers, _: Faults) -> list[Any]:
        before = servers.snapshot(stable=True)
        await _set(servers, "first", "key", "10.2.0.1")
        await _set(servers, "first", "key", "10.1.0.1")
        await asyncio.sleep(0.05)
        return [before, servers.snapshot(stable=True), servers.snapshot()]

    before, after, whole = _run(tmp_path, talk)

    assert before == after
    assert set(before["osaka"]) == {"first", "second", "bubble"}
    assert whole["osaka"]["first"]["zones"][0]["serial"] == 3
