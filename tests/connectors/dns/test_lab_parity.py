"""The lab's server answers raw RFC 2136 messages as BIND does: tests on it mean something.

Knot is not asked here: it differs where RFC 2136 leaves room (an addition of what is there never
changes its TTL, for one).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dns.message
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
import pytest
from dns.update import UpdateMessage

from secondsite.connectors.dns import TsigKey

if TYPE_CHECKING:
    from tests.connectors.dns.conftest import Served

ORIGIN = "corp.example"
State = dict[tuple[str, str], list[str]]

LOOKED_AT = [
    ("sql", "A"),
    ("www", "A"),
    ("db", "CNAME"),
    ("db", "A"),
    ("new", "A"),
    ("new", "CNAME"),
    ("@", "NS"),
]
BEFORE: State = {
    ("sql", "A"): ["300 10.1.0.21"],
    ("www", "A"): ["120 10.1.0.1", "120 10.1.0.2", "120 10.1.0.3"],
    ("db", "CNAME"): ["300 sql"],
}

# name: (calls that build the message, response code, record sets that differ from BEFORE after it)
CASES: dict[str, tuple[list[tuple[Any, ...]], str, State]] = {
    "add to a set changes the ttl of all": (
        [("add", "sql", 60, "A", "10.2.0.21")],
        "NOERROR",
        {("sql", "A"): ["60 10.1.0.21", "60 10.2.0.21"]},
    ),
    "add what is there with another ttl": (
        [("add", "sql", 60, "A", "10.1.0.21")],
        "NOERROR",
        {("sql", "A"): ["60 10.1.0.21"]},
    ),
    "add what is there": ([("add", "sql", 300, "A", "10.1.0.21")], "NOERROR", {}),
    "replace": (
        [("replace", "sql", 60, "A", "10.2.0.21")],
        "NOERROR",
        {("sql", "A"): ["60 10.2.0.21"]},
    ),
    "delete one record": (
        [("delete", "www", "A", "10.1.0.2")],
        "NOERROR",
        {("www", "A"): ["120 10.1.0.1", "120 10.1.0.3"]},
    ),
    "delete a record that is not there": ([("delete", "www", "A", "9.9.9.9")], "NOERROR", {}),
    "delete a set": ([("delete", "www", "A")], "NOERROR", {("www", "A"): []}),
    "delete a name": ([("delete", "www")], "NOERROR", {("www", "A"): []}),
    "delete the apex": ([("delete", "@")], "NOERROR", {}),
    "delete the last name server": (
        [("delete", "@", "NS", "ns.corp.example.")],
        "NOERROR",
        {},
    ),
    "delete the name servers": ([("delete", "@", "NS")], "NOERROR", {}),
    "address beside an alias": ([("add", "db", 60, "A", "10.0.0.1")], "NOERROR", {}),
    "alias beside an address": ([("add", "sql", 60, "CNAME", "www")], "NOERROR", {}),
    "alias replaces an alias": (
        [("add", "db", 60, "CNAME", "www")],
        "NOERROR",
        {("db", "CNAME"): ["60 www"]},
    ),
    "alias becomes an address": (
        [("delete", "db", "CNAME"), ("add", "db", 60, "A", "10.0.0.1")],
        "NOERROR",
        {("db", "CNAME"): [], ("db", "A"): ["60 10.0.0.1"]},
    ),
    "soa with a lower serial": (
        [("add", "@", 3600, "SOA", "ns hostmaster 0 1 1 1 1")],
        "NOERROR",
        {},
    ),
    "the whole set as prerequisite": (
        [
            ("present", "www", "A", "10.1.0.3", "10.1.0.2", "10.1.0.1"),
            ("add", "new", 60, "A", "10.0.0.1"),
        ],
        "NOERROR",
        {("new", "A"): ["60 10.0.0.1"]},
    ),
    "a part of the set as prerequisite": (
        [("present", "www", "A", "10.1.0.1"), ("delete", "www", "A")],
        "NXRRSET",
        {},
    ),
    "more than the set as prerequisite": (
        [("present", "sql", "A", "10.1.0.21", "9.9.9.9"), ("delete", "sql", "A")],
        "NXRRSET",
        {},
    ),
    "a type must be there": ([("present", "sql", "AAAA"), ("delete", "sql")], "NXRRSET", {}),
    "a name must be there": ([("present", "new"), ("delete", "sql")], "NXDOMAIN", {}),
    "a type must not be there": ([("absent", "sql", "A"), ("delete", "sql")], "YXRRSET", {}),
    "a name must not be there": ([("absent", "sql"), ("delete", "sql")], "YXDOMAIN", {}),
    "one prerequisite of two fails": (
        [
            ("present", "sql", "A", "10.1.0.21"),
            ("absent", "www", "A"),
            ("delete", "sql"),
        ],
        "YXRRSET",
        {},
    ),
    "a name outside the zone": (
        [("delete", "sql"), ("add", "www.elsewhere.example.", 60, "A", "10.0.0.1")],
        "NOTZONE",
        {},
    ),
    "a prerequisite outside the zone": (
        [("present", "www.elsewhere.example."), ("delete", "sql")],
        "NOTZONE",
        {},
    ),
    "a type that is none": ([("delete", "sql", "AXFR")], "FORMERR", {}),
    "nothing at all": ([], "NOERROR", {}),
    "in one message later wins": (
        [("add", "new", 60, "A", "10.0.0.1"), ("delete", "new", "A")],
        "NOERROR",
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_updates_are_answered_and_carried_out_as_rfc_2136_says(
    lab_or_bind: Served, case: str
) -> None:
    calls, rcode, differences = CASES[case]
    message = UpdateMessage(ORIGIN)
    for method, *arguments in calls:
        getattr(message, method)(*arguments)
    serial = _serial(lab_or_bind)

    answer = _send(lab_or_bind, message)

    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert _state(lab_or_bind) == {**BEFORE, **differences, ("@", "NS"): ["3600 ns"]} | {
        key: [] for key in LOOKED_AT if key not in {**BEFORE, **differences, ("@", "NS"): []}
    }
    assert _serial(lab_or_bind) == serial + (1 if differences else 0)


def test_an_unsigned_update_is_refused(lab_or_bind: Served) -> None:
    message = UpdateMessage(ORIGIN)
    message.delete("sql", "A")

    answer = dns.query.tcp(message, "127.0.0.1", port=lab_or_bind.port, timeout=5)

    assert answer.rcode() == dns.rcode.REFUSED
    assert _state(lab_or_bind)["sql", "A"] == ["300 10.1.0.21"]


def test_a_zone_that_is_not_served_is_not_authorised(lab_or_bind: Served) -> None:
    message = UpdateMessage("elsewhere.example")
    message.delete("www", "A")

    assert _send(lab_or_bind, message).rcode() == dns.rcode.NOTAUTH


def _send(lab_or_bind: Served, message: UpdateMessage) -> dns.message.Message:
    key = lab_or_bind.target().key
    assert isinstance(key, TsigKey)
    keyring = dns.tsigkeyring.from_text({key.name: key.secret.get_secret_value()})
    message.use_tsig(keyring, algorithm="hmac-sha256")
    return dns.query.tcp(message, "127.0.0.1", port=lab_or_bind.port, timeout=5)


def _state(lab_or_bind: Served) -> State:
    state: State = {}
    for name, type in LOOKED_AT:
        owner = dns.name.from_text(name, dns.name.from_text(ORIGIN))
        query = dns.message.make_query(owner, type)
        answer = dns.query.tcp(query, "127.0.0.1", port=lab_or_bind.port, timeout=5)
        state[name, type] = sorted(
            f"{rrset.ttl} {rdata.to_text().removesuffix('.corp.example.')}"
            for rrset in answer.answer
            if rrset.name == owner and rrset.rdtype == dns.rdatatype.from_text(type)
            for rdata in rrset
        )
    return state


def _serial(lab_or_bind: Served) -> int:
    answer = dns.query.tcp(
        dns.message.make_query(ORIGIN, "SOA"), "127.0.0.1", port=lab_or_bind.port, timeout=5
    )
    return int(answer.answer[0][0].serial)
