"""What the connector promises on every make of server: the lab's own, BIND, Knot and Samba."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING

import dns.message
import pytest

from secondsite.connectors.dns import (
    Change,
    DnsServer,
    DnsTarget,
    Edit,
    RecordSet,
    Severity,
    SightStatus,
    TsigKey,
    apply,
    compare_and_set,
    preflight,
    read,
    read_many,
    restore,
    reverse_name,
    verify,
)
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    ConflictError,
    NotStartedError,
    SiteError,
    WrongStateError,
)

if TYPE_CHECKING:
    from tests.connectors.dns.conftest import Served

S = 5.0
NAME = "sql.corp.example"


def a(*values: str, name: str = NAME, ttl_s: int = 300) -> RecordSet:
    return RecordSet(name=name, type="A", ttl_s=ttl_s, values=values)


OLD, NEW = a("10.1.0.21"), a("10.2.0.21", ttl_s=60)


def now_at(target: DnsTarget, name: str = NAME, type: str = "A") -> RecordSet | None:
    return read(target, name=name, type=type, timeout_s=S)


def serial(target: DnsTarget) -> int:
    soa = now_at(target, target.zone, "SOA")
    assert soa is not None
    return int(soa.values[0].split()[2])


def test_reading_gives_the_whole_set_with_its_ttl(served: Served) -> None:
    found = now_at(served.target(), "WWW.corp.example.")

    assert found == a("10.1.0.3", "10.1.0.1", "10.1.0.2", name="www.corp.example", ttl_s=120)


def test_no_such_name_and_no_such_type_are_both_none(served: Served) -> None:
    assert now_at(served.target(), "nobody.corp.example") is None
    assert now_at(served.target(), NAME, "AAAA") is None


def test_an_alias_is_told_with_the_name_that_it_stands_for(served: Served) -> None:
    with pytest.raises(WrongStateError, match=r"alias .* of sql\.corp\.example"):
        now_at(served.target(), "db.corp.example")


@pytest.mark.parametrize("name", ["host.sub.corp.example", "www.elsewhere.example"])
def test_an_answer_of_a_server_without_authority_is_not_taken(served: Served, name: str) -> None:
    if served.make == "samba" and ".sub." in name:
        pytest.skip("Samba itself answers for what the zone has given away")

    with pytest.raises((ActionFailedError, AccessDeniedError)):
        now_at(served.target(), name)


def test_one_unreadable_name_does_not_hide_the_others(served: Served) -> None:
    wanted = [(NAME, "A"), ("db.corp.example", "A"), ("nobody.corp.example", "A")]

    found = read_many(served.target(), wanted, timeout_s=S)

    assert found[NAME, "A"] == OLD
    assert isinstance(found["db.corp.example", "A"], WrongStateError)
    assert found["nobody.corp.example", "A"] is None


def test_an_expected_record_is_changed_and_its_ttl_with_it(served: Served) -> None:
    change = compare_and_set(served.target(), expected=OLD, desired=NEW, timeout_s=S)

    assert now_at(served.target()) == NEW
    assert (change.before, change.after, change.changed, change.how) == (OLD, NEW, True, "answered")
    assert change.as_dict()["before"] == OLD.as_dict()


def test_a_change_of_the_ttl_alone_is_a_change(served: Served) -> None:
    www = now_at(served.target(), "www.corp.example")
    assert www is not None
    shorter = a(*www.values, name=www.name, ttl_s=30)

    change = compare_and_set(served.target(), expected=www, desired=shorter, timeout_s=S)

    assert change.changed
    assert now_at(served.target(), "www.corp.example") == shorter


def test_a_record_that_is_right_already_is_left_alone(served: Served) -> None:
    compare_and_set(served.target(), expected=OLD, desired=NEW, timeout_s=S)
    before = serial(served.target())

    again = compare_and_set(served.target(), expected=OLD, desired=NEW, timeout_s=S)

    assert (again.changed, again.how, again.before) == (False, "already", OLD)
    assert serial(served.target()) == before


def test_the_other_members_of_a_round_robin_name_stay(served: Served) -> None:
    www = now_at(served.target(), "www.corp.example")
    assert www is not None

    compare_and_set(
        served.target(),
        expected=www,
        desired=www.with_member(old="10.1.0.2", new="10.2.0.2"),
        timeout_s=S,
    )

    after = now_at(served.target(), "www.corp.example")
    assert after == a("10.1.0.1", "10.1.0.3", "10.2.0.2", name="www.corp.example", ttl_s=120)


def test_a_record_is_made_only_where_there_is_none_and_removed_only_as_it_is(
    served: Served,
) -> None:
    target = served.target()
    ipv6 = RecordSet(name=NAME, type="AAAA", ttl_s=60, values=("2001:DB8:0::21",))

    assert compare_and_set(target, expected=None, desired=ipv6, timeout_s=S).changed
    assert now_at(target, NAME, "AAAA") == ipv6
    assert compare_and_set(target, expected=ipv6, desired=None, timeout_s=S).changed
    assert now_at(target, NAME, "AAAA") is None
    assert not compare_and_set(target, expected=ipv6, desired=None, timeout_s=S).changed
    assert now_at(target) == OLD


def test_an_alias_can_be_turned(served: Served) -> None:
    here = RecordSet(name="db.corp.example", type="CNAME", ttl_s=300, values=("SQL.corp.example",))
    there = RecordSet(name="db.corp.example", type="CNAME", ttl_s=60, values=("www.corp.example",))

    compare_and_set(served.target(), expected=here, desired=there, timeout_s=S)

    assert now_at(served.target(), "db.corp.example", "CNAME") == there


def test_a_ptr_record_goes_to_its_reverse_zone(served: Served) -> None:
    target = served.target(zone="0.2.10.in-addr.arpa")
    ptr = RecordSet(name=reverse_name("10.2.0.21"), type="PTR", ttl_s=60, values=(NAME,))

    compare_and_set(target, expected=None, desired=ptr, timeout_s=S)

    assert now_at(target, "21.0.2.10.in-addr.arpa", "PTR") == ptr


@pytest.mark.parametrize(
    "found",
    [a("10.9.9.9"), a("10.1.0.21", "10.9.9.9"), a("10.1.0.21", ttl_s=999)],
    ids=["another value", "one more value", "another ttl"],
)
def test_a_change_of_somebody_else_is_never_overwritten(served: Served, found: RecordSet) -> None:
    target = served.target()
    compare_and_set(target, expected=OLD, desired=found, timeout_s=S)

    with pytest.raises(ConflictError) as caught:
        compare_and_set(target, expected=OLD, desired=NEW, timeout_s=S)

    assert now_at(target) == found
    assert caught.value.evidence["found"] == found.as_dict()
    assert caught.value.evidence["expected"] == OLD.as_dict()
    assert str(found) in caught.value.message
    assert str(OLD) in caught.value.message


def test_of_many_writers_of_one_record_exactly_one_wins_each_time(served: Served) -> None:
    target = served.target()
    writers = [a(f"10.3.0.{number}") for number in range(1, 7)]

    def write(desired: RecordSet, expected: RecordSet) -> Change | ConflictError:
        try:
            return compare_and_set(target, expected=expected, desired=desired, timeout_s=30)
        except ConflictError as error:
            return error

    expected = OLD
    with ThreadPoolExecutor(len(writers)) as threads:
        for _ in range(5):
            others = [desired for desired in writers if desired != expected]
            outcomes = list(threads.map(write, others, [expected] * len(others)))
            winners = [each for each in outcomes if isinstance(each, Change)]
            assert len(winners) == 1
            found = now_at(target)
            assert found == winners[0].after
            expected = winners[0].after or OLD


def test_restoring_brings_back_value_and_ttl(served: Served) -> None:
    target = served.target()
    change = compare_and_set(target, expected=OLD, desired=NEW, timeout_s=S)

    restored = restore(target, before=change.before, after=change.after, timeout_s=S)

    assert restored.changed
    assert now_at(target) == OLD
    assert not restore(target, before=OLD, after=NEW, timeout_s=S).changed


def test_restoring_removes_what_was_not_there_before(served: Served) -> None:
    target = served.target()
    fresh = a("10.2.0.9", name="new.corp.example")
    compare_and_set(target, expected=None, desired=fresh, timeout_s=S)

    restore(target, before=None, after=fresh, timeout_s=S)

    assert now_at(target, "new.corp.example") is None


def test_restoring_spares_a_later_change_of_somebody_else(served: Served) -> None:
    target, theirs = served.target(), a("10.7.7.7")
    compare_and_set(target, expected=OLD, desired=NEW, timeout_s=S)
    compare_and_set(target, expected=NEW, desired=theirs, timeout_s=S)

    with pytest.raises(ConflictError, match=r"10\.7\.7\.7"):
        restore(target, before=OLD, after=NEW, timeout_s=S)

    assert now_at(target) == theirs


def test_many_edits_go_in_one_message(served: Served) -> None:
    target = served.target()
    edits = [
        Edit(before=None, after=a(f"10.2.1.{number}", name=f"vm{number}.corp.example"))
        for number in range(1, 101)
    ]
    before = serial(target)

    results = apply(target, edits, timeout_s=30)

    assert all(isinstance(each, Change) and each.changed for each in results.values())
    assert list(results) == [edit.key for edit in edits]
    assert now_at(target, "vm77.corp.example") == edits[76].after
    if served.has_serials:
        assert serial(target) == before + 1


def test_one_conflict_among_many_edits_stops_only_itself(served: Served) -> None:
    target = served.target()
    edits = [
        Edit(before=None, after=a("10.2.1.1", name="vm1.corp.example")),
        Edit(before=a("10.5.5.5"), after=NEW),  # it is OLD
        Edit(before=None, after=a("10.2.1.3", name="db.corp.example")),  # an alias is there
        Edit(before=None, after=a("10.2.1.2", name="vm2.corp.example")),
    ]

    results = list(apply(target, edits, timeout_s=S).values())

    assert isinstance(results[0], Change)
    assert isinstance(results[1], ConflictError)
    assert isinstance(results[2], WrongStateError)
    assert isinstance(results[3], Change)
    assert now_at(target) == OLD


def test_a_key_that_may_change_one_name_only_changes_that_one(
    served: Served, make_key: Callable[..., TsigKey]
) -> None:
    target = served.target(key=served.narrow_key)
    other = Edit(before=None, after=a("10.2.1.1", name="vm1.corp.example"))

    results = apply(target, [Edit(before=OLD, after=NEW), other], timeout_s=S)

    assert isinstance(results[NAME, "A"], Change)
    refused = results["vm1.corp.example", "A"]
    assert isinstance(refused, AccessDeniedError)
    assert "narrow" in refused.message
    assert "vm1.corp.example" in refused.message
    assert now_at(target, "vm1.corp.example") is None


def test_a_wrong_secret_is_told_by_the_keys_name_and_never_by_its_secret(
    served_by_key: Served, make_key: Callable[..., TsigKey]
) -> None:
    secret = "c2VjcmV0c2VjcmV0c2VjcmV0"

    with pytest.raises(AccessDeniedError) as caught:
        compare_and_set(
            served_by_key.target(key=make_key("dr-key", secret=secret)),
            expected=OLD,
            desired=NEW,
            timeout_s=S,
        )

    assert "dr-key" in caught.value.message
    assert secret not in repr(caught.value.as_dict()) + repr(caught.value.evidence)
    assert now_at(served_by_key.target()) == OLD


def test_an_unknown_key_is_told(served_by_key: Served, make_key: Callable[..., TsigKey]) -> None:
    key = TsigKey(name="nobodys-key", secret=make_key().secret)

    with pytest.raises(AccessDeniedError, match="does not know key nobodys-key"):
        compare_and_set(served_by_key.target(key=key), expected=OLD, desired=NEW, timeout_s=S)


def test_a_wrong_clock_is_told_with_how_wrong_it_is(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock that signs messages; ours is right, so the server seems ahead by as much.
    monkeypatch.setattr(dns.message, "time", SimpleNamespace(time=lambda: time.time() - 3600))

    with pytest.raises(AccessDeniedError, match="clock") as caught:
        compare_and_set(served.target(), expected=OLD, desired=NEW, timeout_s=S)

    assert "NTP" in caught.value.next_step
    monkeypatch.undo()
    assert now_at(served.target()) == OLD


def test_a_zone_that_is_not_served_is_told(served: Served) -> None:
    target = served.target(zone="elsewhere.example")

    with pytest.raises(ActionFailedError, match=r"zone elsewhere\.example"):
        compare_and_set(
            target,
            expected=None,
            desired=a("10.2.0.1", name="www.elsewhere.example"),
            timeout_s=S,
        )


def test_a_dead_server_means_that_nothing_was_started(mortal: Served) -> None:
    mortal.stop()

    with pytest.raises(NotStartedError, match=f"{mortal.server.name}.*refused") as caught:
        compare_and_set(mortal.target(), expected=OLD, desired=NEW, timeout_s=S)

    assert caught.value.host == mortal.server.name
    results = apply(mortal.target(), [Edit(before=OLD, after=NEW)], timeout_s=S)
    assert isinstance(results[NAME, "A"], NotStartedError)


def test_a_fit_zone_has_no_findings_and_is_not_touched(served: Served) -> None:
    before = serial(served.target())

    assert preflight(served.target(), timeout_s=S) == []
    assert serial(served.target()) == before


def test_preflight_tells_a_bad_key_and_a_zone_that_is_not_there(
    served_by_key: Served, make_key: Callable[..., TsigKey]
) -> None:
    wrong = served_by_key.target(key=make_key("dr-key", secret="c2VjcmV0c2VjcmV0c2VjcmV0"))
    below = served_by_key.target(zone="www.corp.example")

    for target, words in ((wrong, "dr-key"), (below, "www.corp.example")):
        findings = preflight(target, timeout_s=S)
        assert [finding.severity for finding in findings] == [Severity.ERROR]
        assert words in findings[0].sentence
        assert findings[0].remedy


def test_preflight_of_a_narrow_key_is_content_with_its_own_record(
    served: Served, make_key: Callable[..., TsigKey]
) -> None:
    target = served.target(key=served.narrow_key)

    before = serial(target)

    assert preflight(target, records=[(NAME, "A"), (NAME, "AAAA")], timeout_s=S) == []
    (finding,) = preflight(target, records=[(NAME, "A"), ("www.corp.example", "A")], timeout_s=S)

    assert finding.severity is Severity.ERROR
    assert "www.corp.example" in finding.sentence
    assert NAME not in finding.sentence
    assert now_at(target) == OLD
    assert serial(target) == before


def test_verifying_tells_done_and_what_an_unreachable_server_hides(served: Served) -> None:
    change = compare_and_set(served.target(), expected=OLD, desired=NEW, timeout_s=S)
    dead = DnsServer(name="ns-dead", address="127.0.0.1", port=1)
    both = DnsTarget(zone="corp.example", servers=(served.server, dead), key=served.target().key)

    (alone,) = verify(served.target(), [change.edit], timeout_s=S)
    (with_dead,) = verify(both, [change.edit], timeout_s=0.05)

    assert alone.status is SightStatus.DONE
    assert alone.sights[0].signed
    assert alone.trouble() is None
    assert [sight.status for sight in with_dead.sights] == [
        SightStatus.DONE,
        SightStatus.UNREACHABLE,
    ]
    trouble = with_dead.trouble()
    assert isinstance(trouble, SiteError)
    assert "ns-dead" in trouble.message
