"""Record sets, names and keys: one canonical form, and faults before anything is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from secondsite.connectors.dns import (
    Change,
    DnsServer,
    DnsTarget,
    Edit,
    RecordSet,
    TsigKey,
    canonical_name,
    closest_zone,
    is_within,
    read,
    reverse_name,
)
from secondsite.connectors.dns.messages import update_message
from secondsite.errors import CredentialError, UsageError

SERVER = DnsServer(name="ns1", address="10.2.0.10")


def records(type: str, *values: str, name: str = "sql.corp.example", ttl_s: int = 60) -> RecordSet:
    return RecordSet(name=name, type=type, ttl_s=ttl_s, values=values)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (records("A", "10.0.0.2", "10.0.0.1"), records("a", "10.0.0.1", "10.0.0.2", "10.0.0.1")),
        (records("AAAA", "2001:DB8:0:0::1"), records("AAAA", "2001:db8::1")),
        (records("PTR", "SQL.Corp.Example"), records("PTR", "sql.corp.example.")),
        (records("A", "10.0.0.1", name="SQL.corp.example."), records("A", "10.0.0.1")),
    ],
)
def test_equal_content_is_equal_however_it_is_written(one: RecordSet, other: RecordSet) -> None:
    assert one == other
    assert hash(one) == hash(other)


def test_text_keeps_its_case() -> None:
    assert records("TXT", '"Ab"') != records("TXT", '"ab"')


@pytest.mark.parametrize(
    ("type", "value"), [("A", "10.2.0"), ("A", "::1"), ("AAAA", "10.0.0.1"), ("NONSENSE", "x")]
)
def test_a_value_that_is_none_of_its_type_is_refused_with_its_name(type: str, value: str) -> None:
    with pytest.raises(UsageError, match=r"sql\.corp\.example"):
        records(type, value)


@pytest.mark.parametrize("ttl_s", [-1, 2**31])
def test_an_impossible_ttl_is_refused(ttl_s: int) -> None:
    with pytest.raises(UsageError, match="TTL"):
        records("A", "10.0.0.1", ttl_s=ttl_s)


def test_an_empty_record_set_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one"):
        records("A")


@given(
    values=st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=8),
    ttl_s=st.integers(0, 2**31 - 1),
)
def test_a_record_set_survives_a_journal(values: list[str], ttl_s: int) -> None:
    record_set = records("A", *values, ttl_s=ttl_s)

    assert RecordSet.from_dict(json.loads(json.dumps(record_set.as_dict()))) == record_set


def test_replacing_a_member_keeps_the_others_and_may_change_the_ttl() -> None:
    set_ = records("AAAA", "2001:db8::1", "2001:db8::2")

    replaced = set_.with_member(old="2001:DB8::0:1", new="2001:db8::9", ttl_s=30)

    assert replaced == records("AAAA", "2001:db8::2", "2001:db8::9", ttl_s=30)
    assert set_.with_member(old=None, new="2001:db8::2") == set_


def test_an_edit_is_of_one_name_and_type() -> None:
    for before, after in (
        (None, None),
        (records("A", "10.0.0.1"), records("AAAA", "::1")),
        (records("A", "10.0.0.1"), records("A", "10.0.0.1", name="www.corp.example")),
    ):
        with pytest.raises(UsageError):
            Edit(before=before, after=after)


def test_a_change_is_plain_json() -> None:
    change = Change(
        before=None,
        after=records("A", "10.0.0.1"),
        changed=True,
        how="answered",
        zone="corp.example",
        server="ns1",
    )

    assert json.loads(json.dumps(change.as_dict())) == change.as_dict()
    assert change.as_dict()["before"] is None


def test_what_stays_is_neither_deleted_nor_added() -> None:
    target = DnsTarget(zone="corp.example", servers=(SERVER,))
    edit = Edit(
        before=records("A", "10.0.0.1", "10.0.0.2"), after=records("A", "10.0.0.2", "10.0.0.3")
    )

    message = update_message(target, [edit])

    assert [rrset[0].to_text() for rrset in message.prerequisite] == ["10.0.0.1", "10.0.0.2"]
    assert [(rrset.deleting, rrset[0].to_text()) for rrset in message.update] == [
        (254, "10.0.0.1"),
        (None, "10.0.0.3"),
    ]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.2.0.21", "21.0.2.10.in-addr.arpa"),
        ("2001:db8::1", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"),
    ],
)
def test_the_reverse_name_of_an_address(address: str, name: str) -> None:
    assert reverse_name(address) == name


def test_what_is_no_address_has_no_reverse_name() -> None:
    with pytest.raises(UsageError, match="not an IP address"):
        reverse_name("10.2.0")


@dataclass(frozen=True)
class Zoned:
    zone: str


def test_the_closest_zone_is_the_longest_that_holds_the_name() -> None:
    zones = [Zoned("example"), Zoned("corp.example"), Zoned("2.10.in-addr.arpa")]

    assert closest_zone("sql.corp.example", zones) == Zoned("corp.example")
    assert closest_zone("xcorp.example", zones) == Zoned("example")
    assert closest_zone(reverse_name("10.2.0.21"), zones) == Zoned("2.10.in-addr.arpa")
    assert closest_zone("sql.other", zones) is None


def test_a_zone_holds_whole_labels_only() -> None:
    assert is_within("corp.example", "Corp.Example.")
    assert not is_within("xcorp.example", "corp.example")


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not a domain name"):
        canonical_name(name)


def test_a_target_without_servers_or_with_a_strange_update_server_is_refused() -> None:
    with pytest.raises(UsageError, match="no server"):
        DnsTarget(zone="corp.example", servers=())
    with pytest.raises(UsageError, match="ns9"):
        DnsTarget(zone="corp.example", servers=(SERVER,), update_server="ns9")


@pytest.mark.parametrize(
    ("secret", "algorithm", "words"),
    [("not base64!", "hmac-sha256", "base64"), ("c2VjcmV0", "hmac-nonsense", "algorithm")],
)
def test_a_key_that_cannot_sign_is_told_without_its_secret(
    secret: str, algorithm: str, words: str
) -> None:
    key = TsigKey(name="dr-key", secret=SecretStr(secret), algorithm=algorithm)
    target = DnsTarget(zone="corp.example", servers=(SERVER,), key=key)

    with pytest.raises(CredentialError, match=words) as caught:
        read(target, name="sql.corp.example", type="A", timeout_s=1)

    assert secret not in str(caught.value) + repr(target)
    assert caught.value.__cause__ is None
