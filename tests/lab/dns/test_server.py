"""What the lab's server answers, over real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.tsig
import pytest

from secondsite.lab.dns import DnsServer, ZoneStore

if TYPE_CHECKING:
    from tests.lab.dns.conftest import Bench

pytestmark = pytest.mark.anyio


def told(response: dns.message.Message) -> list[str]:
    return [rrset.to_text() for rrset in response.answer]


async def test_udp_and_tcp_share_one_port_and_one_answer(bench: Bench) -> None:
    for over in ("udp", "tcp"):
        response = await bench.ask("SQL.corp.example", "A", over=over)

        assert response.flags & dns.flags.AA
        assert told(response)[0].lower() == "sql.corp.example. 300 in a 10.1.0.21"


async def test_a_chain_of_aliases_is_answered_whole(bench: Bench) -> None:
    response = await bench.ask("store.corp.example", "A")

    assert [rrset.rdtype.name for rrset in response.answer] == ["CNAME", "CNAME", "A"]


async def test_an_alias_out_of_the_zone_or_in_a_circle_ends_the_chain(bench: Bench) -> None:
    assert len((await bench.ask("out.corp.example", "A")).answer) == 1
    assert (await bench.ask("loop.corp.example", "A")).rcode() == dns.rcode.NOERROR


async def test_no_such_name_carries_the_soa(bench: Bench) -> None:
    response = await bench.ask("nobody.corp.example", "A")

    assert response.rcode() == dns.rcode.NXDOMAIN
    assert response.authority[0].rdtype.name == "SOA"
    assert response.authority[0].ttl == 300


@pytest.mark.parametrize(("name", "type"), [("sql", "PTR"), ("er", "A")])
async def test_no_such_type_and_an_empty_name_between_are_no_missing_names(
    bench: Bench, name: str, type: str
) -> None:
    response = await bench.ask(f"{name}.corp.example", type)

    assert response.rcode() == dns.rcode.NOERROR
    assert response.answer == []
    assert response.authority[0].rdtype.name == "SOA"


async def test_another_zones_name_is_referred_without_authority(bench: Bench) -> None:
    response = await bench.ask("host.sub.corp.example", "A")

    assert not response.flags & dns.flags.AA
    assert response.authority[0].rdtype.name == "NS"


async def test_any_gives_every_type(bench: Bench) -> None:
    response = await bench.ask("sql.corp.example", "ANY")

    assert {rrset.rdtype.name for rrset in response.answer} == {"A", "AAAA"}


async def test_a_zone_of_others_and_a_transfer_are_refused(bench: Bench) -> None:
    assert (await bench.ask("www.elsewhere.example", "A")).rcode() == dns.rcode.REFUSED
    query = dns.message.make_query("corp.example", "AXFR")
    assert (await bench.send(query)).rcode() == dns.rcode.REFUSED


async def test_what_does_not_fit_udp_says_so_and_fits_tcp(bench: Bench) -> None:
    small = await bench.ask("big.corp.example", "A")
    wide = await bench.ask("big.corp.example", "A", use_edns=0, payload=4096)
    tcp = await bench.ask("big.corp.example", "A", over="tcp")

    assert small.flags & dns.flags.TC
    assert small.answer == []
    assert len(wide.answer[0]) == len(tcp.answer[0]) == 200


async def test_other_operations_are_not_implemented(bench: Bench) -> None:
    query = dns.message.make_query("corp.example", "SOA")
    query.set_opcode(dns.opcode.NOTIFY)

    assert (await bench.send(query)).rcode() == dns.rcode.NOTIMP


async def test_nonsense_is_a_format_error_or_nothing(bench: Bench) -> None:
    reader, writer = await asyncio.open_connection(bench.server.address, bench.server.port)
    query = dns.message.make_query("sql.corp.example", "A").to_wire()
    cut = query[:-3]
    reply_bit = bytes([*query[:2], query[2] | 0x80, *query[3:]])
    for wire in (b"xx", reply_bit, cut):
        writer.write(len(wire).to_bytes(2, "big") + wire)

    length = int.from_bytes(await reader.readexactly(2), "big")
    reply = dns.message.from_wire(await reader.readexactly(length))

    writer.close()
    await writer.wait_closed()
    assert reply.rcode() == dns.rcode.FORMERR
    assert reply.id == int.from_bytes(query[:2], "big")


async def test_one_connection_takes_many_questions(bench: Bench) -> None:
    reader, writer = await asyncio.open_connection(bench.server.address, bench.server.port)
    for _ in range(3):
        wire = dns.message.make_query("sql.corp.example", "A").to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
    for _ in range(3):
        length = int.from_bytes(await reader.readexactly(2), "big")
        assert dns.message.from_wire(await reader.readexactly(length)).answer

    writer.close()
    await writer.wait_closed()


async def test_a_signed_question_gets_a_signed_answer(bench: Bench) -> None:
    query = dns.message.make_query("sql.corp.example", "A")
    query.use_tsig(dns.tsig.Key("dr-key", "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="))

    response = await bench.send(query)

    assert response.had_tsig
    assert bench.requests[-1]["key"] == "dr-key"


async def test_stopping_frees_the_port_and_starting_again_takes_it_back(bench: Bench) -> None:
    port = bench.server.port
    _, writer = await asyncio.open_connection(bench.server.address, port)

    await bench.server.stop()

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(bench.server.address, port)
    assert await bench.server.start() == port
    assert (await bench.ask("sql.corp.example", "A")).answer
    writer.close()


async def test_a_port_that_is_taken_is_told(bench: Bench) -> None:
    second = DnsServer("ns2", [ZoneStore("other.example")], port=bench.server.port)

    with pytest.raises(OSError, match="in use"):
        await second.start()


async def test_several_servers_and_zones_of_one_name_stay_apart(bench: Bench) -> None:
    test_zone = ZoneStore("corp.example")
    second = DnsServer("ns-test", [test_zone, ZoneStore("example")])
    await second.start()

    bench.zone.put("sql.corp.example", "A", ttl_s=60, values=["10.9.9.9"])

    query = dns.message.make_query("sql.corp.example", "A")
    response = await dns.asyncquery.udp(query, second.address, 5, second.port)
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert [each["zone"] for each in second.snapshot()["zones"]] == ["corp.example", "example"]
    await second.stop()


async def test_every_request_is_logged_with_its_result(bench: Bench) -> None:
    await bench.ask("sql.corp.example", "A")
    update = bench.update()
    update.replace("sql", 60, "A", "10.2.0.21")
    await bench.send(update)

    assert bench.requests[0] == {
        "server": "ns1",
        "operation": "query",
        "zone": "",
        "names": ["sql.corp.example"],
        "types": ["A"],
        "key": "",
        "transport": "udp",
        "client": "127.0.0.1",
        "result": "NOERROR",
    }
    assert bench.requests[1]["operation"] == "update"
    assert bench.requests[1]["zone"] == "corp.example"
    assert bench.requests[1]["names"] == ["sql.corp.example"]
    assert (bench.requests[1]["key"], bench.requests[1]["transport"]) == ("dr-key", "tcp")


async def test_a_silent_server_answers_nothing_and_does_nothing(bench: Bench) -> None:
    bench.faults.add("dns-silent")
    update = bench.update()
    update.delete("sql", "A")

    with pytest.raises(dns.exception.Timeout):
        await bench.send(update, timeout_s=0.05)

    assert bench.changes == []
    assert bench.requests[-1]["result"] == "dropped"


async def test_a_dropped_reply_comes_after_the_change(bench: Bench) -> None:
    bench.faults.add("dns-drops-reply")
    update = bench.update()
    update.delete("sql", "A")

    with pytest.raises(dns.exception.Timeout):
        await bench.send(update, timeout_s=0.05)

    assert len(bench.changes) == 1


async def test_an_echoed_signature_is_no_signature_of_the_answer(bench: Bench) -> None:
    bench.faults.add("dns-echoes-mac")
    update = bench.update()
    update.delete("sql", "A")

    with pytest.raises(dns.tsig.BadSignature):
        await bench.send(update)

    assert len(bench.changes) == 1


@pytest.mark.parametrize(
    ("kind", "rcode"), [("dns-refuses", "REFUSED"), ("dns-breaks-disk", "SERVFAIL")]
)
async def test_a_refusing_or_broken_server_says_so_and_changes_nothing(
    bench: Bench, kind: str, rcode: str
) -> None:
    bench.faults.add(kind)
    update = bench.update()
    update.delete("sql", "A")

    response = await bench.send(update)

    assert dns.rcode.to_text(response.rcode()) == rcode
    assert bench.changes == []
