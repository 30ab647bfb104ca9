"""Active Directory as Samba serves it: its odd signatures, prerequisites, serials and owners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import dns.message
import pytest

from secondsite.connectors.dns import (
    Change,
    DnsTarget,
    Edit,
    RecordSet,
    Severity,
    SightStatus,
    apply,
    compare_and_set,
    preflight,
    read,
    verify,
)
from secondsite.connectors.dns.keys import connect
from secondsite.errors import AccessDeniedError, ConflictError, NotStartedError
from tests.connectors.dns.conftest import in_directory
from tests.connectors.dns.meddler import Meddler

if TYPE_CHECKING:
    from tests.connectors.dns.conftest import Served
    from tests.connectors.dns.samba import Directory

pytestmark = [pytest.mark.integration, in_directory]

S = 10.0
NAME = "sql.corp.example"


def a(*values: str, name: str = NAME, ttl_s: int = 300) -> RecordSet:
    return RecordSet(name=name, type="A", ttl_s=ttl_s, values=values)


OLD, NEW, BOTH = a("10.1.0.21"), a("10.2.0.21", ttl_s=60), a("10.1.0.21", "10.9.9.9")


def set_(target: DnsTarget, expected: RecordSet | None, desired: RecordSet | None) -> Change:
    return compare_and_set(target, expected=expected, desired=desired, timeout_s=S)


def now_at(target: DnsTarget, name: str = NAME) -> RecordSet | None:
    return read(target, name=name, type="A", timeout_s=S)


@pytest.fixture
def meddled(in_samba: Served) -> Iterator[tuple[DnsTarget, Meddler]]:
    """The domain controller as seen by a way on which something can be done."""
    meddler = Meddler(in_samba.port, in_samba.address)
    target = in_samba.target()
    way = replace(in_samba.server, address="127.0.0.1", port=meddler.port)
    yield replace(target, servers=(way,)), meddler
    meddler.close()


def test_a_success_is_signed_as_it_should_be(in_samba: Served) -> None:
    change = set_(in_samba.target(), OLD, NEW)

    assert (change.changed, change.how) == (True, "answered")


def test_a_refusal_comes_with_our_own_signature_and_is_told_as_what_it_is(in_samba: Served) -> None:
    target = in_samba.target(key=in_samba.narrow_key)
    www = now_at(target, "www.corp.example")
    assert www is not None

    with pytest.raises(AccessDeniedError, match="does not let account narrow") as caught:
        set_(target, www, a("10.2.0.1", name=www.name))

    assert caught.value.evidence["flaw"] == "badly signed"
    assert "DnsAdmins" in caught.value.next_step
    assert now_at(target, "www.corp.example") == www


def test_a_record_that_another_owns_is_told_beforehand(in_samba: Served) -> None:
    narrow = in_samba.target(key=in_samba.narrow_key)
    records = [(NAME, "A"), ("www.corp.example", "A")]
    before = now_at(narrow, "www.corp.example")

    (finding,) = preflight(narrow, records=records, timeout_s=S)

    assert finding.severity is Severity.ERROR
    assert "www.corp.example" in finding.sentence
    assert NAME not in finding.sentence
    assert preflight(in_samba.target(), records=records, timeout_s=S) == []
    assert now_at(narrow, "www.corp.example") == before


def test_what_is_not_met_is_settled_by_reading_although_the_answer_is_badly_signed(
    meddled: tuple[DnsTarget, Meddler], in_samba: Served
) -> None:
    target, meddler = meddled
    theirs = a("10.7.7.7")
    meddler.before.append(lambda: set_(in_samba.target(), OLD, theirs))

    with pytest.raises(ConflictError, match=r"10\.7\.7\.7.*was not written"):
        set_(target, OLD, NEW)

    assert now_at(target) == theirs


@pytest.mark.parametrize("desired", [NEW, None], ids=["change", "removal"])
def test_a_part_of_a_set_counts_as_the_whole_there_and_yet_nothing_of_others_is_lost(
    meddled: tuple[DnsTarget, Meddler], in_samba: Served, desired: RecordSet | None
) -> None:
    target, meddler = meddled
    meddler.before.append(lambda: set_(in_samba.target(), OLD, BOTH))

    with pytest.raises(ConflictError, match=r"10\.9\.9\.9") as caught:
        set_(target, OLD, desired)

    assert caught.value.evidence["was_written"] is True  # it took a part for the whole
    found = now_at(target)
    assert found is not None
    assert "10.9.9.9" in found.values


def test_the_serial_tells_nothing_and_the_value_is_what_is_compared(in_samba: Served) -> None:
    target = in_samba.target()
    before = read(target, name="corp.example", type="SOA", timeout_s=S)
    change = set_(target, OLD, NEW)

    (verification,) = verify(target, [change.edit], timeout_s=S)

    assert read(target, name="corp.example", type="SOA", timeout_s=S) == before
    assert verification.status is SightStatus.DONE
    assert verification.sights[0].signed


@pytest.mark.parametrize("when", ["before", "in the middle"])
def test_a_domain_controller_that_starts_anew_costs_one_more_key_and_no_update(
    meddled: tuple[DnsTarget, Meddler],
    in_samba: Served,
    directory: Directory,
    when: str,
) -> None:
    target, meddler = meddled
    change = set_(target, OLD, NEW)  # a key is agreed on

    def start_anew() -> None:
        directory.stop()
        directory.start()

    if when == "before":
        start_anew()
        (verification,) = verify(target, [change.edit], timeout_s=S)
        assert verification.sights[0].signed
    else:
        meddler.before.append(start_anew)
    back = compare_and_set(target, expected=NEW, desired=OLD, timeout_s=40)

    assert back.changed
    assert now_at(in_samba.target()) == OLD


def test_a_domain_controller_that_is_down_is_told_with_what_was_not_sent(
    in_samba: Served, directory: Directory
) -> None:
    fresh = replace(directory.account("dr-engine"), name="never-seen")
    directory.stop()
    try:
        with pytest.raises(NotStartedError, match="ns-samba .*Nothing was sent"):  # noqa: RUF043
            set_(in_samba.target(), OLD, NEW)
        with pytest.raises(NotStartedError, match=r"No KDC of CORP\.EXAMPLE"):
            set_(in_samba.target(key=fresh), OLD, NEW)
    finally:
        directory.start()


def test_a_hundred_names_are_one_update_and_each_is_read_back(in_samba: Served) -> None:
    target = in_samba.target()
    edits = [
        Edit(before=None, after=a(f"10.2.1.{number}", name=f"vm{number}.corp.example"))
        for number in range(1, 101)
    ]

    results = apply(target, edits, timeout_s=30)
    verifications = verify(target, edits, timeout_s=30)

    assert {each.how for each in results.values() if isinstance(each, Change)} == {"answered"}
    assert {each.status for each in verifications} == {SightStatus.DONE}


def test_the_name_of_a_key_is_not_compressed(in_samba: Served) -> None:
    # One label of our own: with a suffix in common with the zone, Samba takes no signature of it.
    target = in_samba.target()
    message = dns.message.make_query("corp.example", "SOA", flags=0)

    with connect(target, target.writable) as connection:
        answer = connection.ask(message, timeout_s=S)

    assert answer.is_trusted
    assert message.keyname is not None
    assert len(message.keyname.labels) == 2  # with the root
