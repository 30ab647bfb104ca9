"""What every way to change a zone promises: RFC 2136 on three makes of server, and Windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from secondsite.connectors.dns import (
    Change,
    DnsServer,
    Edit,
    RecordSet,
    Severity,
    SightStatus,
    UpdateWay,
    WindowsWay,
    ZoneWay,
)
from secondsite.connectors.scriptlane import Json, Script
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    ConflictError,
    SiteError,
    UnknownOutcomeError,
    WrongStateError,
)
from secondsite.lab.dns import ZoneRecord, ZoneStore
from secondsite.lab.dns.windows import WindowsDns
from tests.connectors.conftest import DirectLane, Hours

if TYPE_CHECKING:
    from tests.connectors.dns.conftest import Lab, Served

S = 10.0
NAME = "sql.corp.example"
REVERSE = "0.2.10.in-addr.arpa"


def a(*values: str, name: str = NAME, ttl_s: int = 300, type: str = "A") -> RecordSet:
    return RecordSet(name=name, type=type, ttl_s=ttl_s, values=values)


OLD, NEW = a("10.1.0.21"), a("10.2.0.21", ttl_s=60)


@pytest.fixture
def windows(lab: Lab) -> WindowsDns:
    """The lab's DNS server as Windows' cmdlets see it."""
    inside = ZoneStore(
        "corp.example",
        records=[
            ZoneRecord(name="sql.corp.example.", type="A", ttl_s=300, values=("172.16.0.21",))
        ],
    )
    return WindowsDns(
        "dns-lab", [lab.zone, lab.reverse], scopes={("corp.example", "inside"): inside}
    )


@pytest.fixture
def lane(windows: WindowsDns) -> DirectLane:
    return DirectLane(windows, Hours())


@pytest.fixture
def windows_way(lab: Lab, lane: DirectLane) -> Callable[..., WindowsWay]:
    def make(zone: str = "corp.example", scope: str | None = None, **facts: Any) -> WindowsWay:
        told: dict[str, Any] = {
            "target": lab.target(zone=zone),
            "lane": lane,
            "server": "ns-lab",
            "scope": scope,
        }
        return WindowsWay(**(told | facts))

    return make


BIND = pytest.param("bind", marks=pytest.mark.integration)
KNOT = pytest.param("knot", marks=pytest.mark.integration)


@pytest.fixture(params=["lab", BIND, KNOT, "windows"])
def way_to(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], ZoneWay]]:
    """`way_to(zone)`: one way to each of the test zones."""
    if request.param == "windows":
        yield request.getfixturevalue("windows_way")
        return
    from tests.connectors.dns.conftest import serve  # noqa: PLC0415

    for server in serve(request, tmp_path):
        yield partial(_update_way, server)


def _update_way(server: Served, zone: str) -> ZoneWay:
    return UpdateWay(server.target(zone=zone))


@pytest.fixture
def way(way_to: Callable[[str], ZoneWay]) -> ZoneWay:
    return way_to("corp.example")


def held(way: ZoneWay, name: str = NAME, type: str = "A") -> RecordSet | SiteError | None:
    return way.read_many([(name, type)], timeout_s=S)[name, type]


def made(way: ZoneWay, before: RecordSet | None, after: RecordSet | None) -> Change | SiteError:
    edit = Edit(before=before, after=after)
    return way.apply([edit], timeout_s=S)[edit.key]


def test_reading_gives_whole_sets_aliases_and_what_is_not_there(way: ZoneWay) -> None:
    wanted = [("WWW.corp.example", "A"), (NAME, "AAAA"), ("nobody.corp.example", "A")]

    found = way.read_many([*wanted, ("db.corp.example", "A")], timeout_s=S)

    www = a("10.1.0.1", "10.1.0.2", "10.1.0.3", name="www.corp.example", ttl_s=120)
    assert [found[each] for each in wanted] == [www, None, None]
    alias = found["db.corp.example", "A"]
    assert isinstance(alias, WrongStateError)
    assert alias.evidence["alias_of"] == NAME


def test_an_expected_record_is_changed_with_its_ttl_and_found_by_everybody(way: ZoneWay) -> None:
    change = made(way, OLD, NEW)

    assert isinstance(change, Change), change
    assert (change.before, change.after, change.changed) == (OLD, NEW, True)
    assert held(way) == NEW
    (seen,) = way.verify([Edit(before=OLD, after=NEW)], timeout_s=S)
    assert seen.status is SightStatus.DONE


def test_a_record_that_is_right_already_is_left_alone(way: ZoneWay) -> None:
    made(way, OLD, NEW)

    again = made(way, OLD, NEW)

    assert isinstance(again, Change)
    assert not again.changed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OLD, OLD.with_ttl(30)),
        (None, a("2001:db8::21", type="AAAA")),
        (OLD, None),
        (OLD, a("10.1.0.21", "10.9.9.9")),
        (OLD, a("10.2.0.1", "10.2.0.2", ttl_s=60)),
    ],
    ids=["ttl alone", "new", "gone", "one more", "one becomes two"],
)
def test_a_set_becomes_what_it_shall_be_and_back(
    way: ZoneWay, before: RecordSet | None, after: RecordSet | None
) -> None:
    there = made(way, before, after)
    middle = held(way, type=(after or OLD).type)
    back = made(way, after, before)

    assert isinstance(there, Change), there
    assert middle == after
    assert isinstance(back, Change), back
    assert held(way, type=(after or OLD).type) == before


def test_the_other_members_of_a_shared_name_stay(way: ZoneWay) -> None:
    www = held(way, "www.corp.example")
    assert isinstance(www, RecordSet)
    moved = www.with_member(old="10.1.0.2", new="10.2.0.2", ttl_s=30)

    change = made(way, www, moved)

    assert isinstance(change, Change), change
    assert held(way, "www.corp.example") == moved


def test_a_ptr_record_goes_to_its_reverse_zone(way_to: Callable[[str], ZoneWay]) -> None:
    way = way_to(REVERSE)
    ptr = RecordSet(name=f"21.{REVERSE}", type="PTR", ttl_s=60, values=(NAME,))

    assert isinstance(made(way, None, ptr), Change)
    assert held(way, ptr.name, "PTR") == ptr


@pytest.mark.parametrize(
    "found",
    [a("10.9.9.9"), a("10.1.0.21", "10.9.9.9"), a("10.1.0.21", ttl_s=999)],
    ids=["another value", "one more value", "another ttl"],
)
def test_a_change_of_somebody_else_is_never_overwritten(way: ZoneWay, found: RecordSet) -> None:
    made(way, OLD, found)

    error = made(way, OLD, NEW)

    assert isinstance(error, ConflictError), error
    assert str(OLD) in error.message
    assert str(found) in error.message
    assert held(way) == found


def test_one_conflict_among_many_edits_stops_only_itself(way: ZoneWay) -> None:
    names = [f"new{number}.corp.example" for number in range(4)]
    edits = [Edit(before=None, after=a("10.2.0.9", name=name)) for name in names]
    made(way, None, a("10.9.9.9", name=names[1]))

    results = way.apply(edits, timeout_s=30)

    assert isinstance(results[names[1], "A"], ConflictError)
    assert all(isinstance(results[name, "A"], Change) for name in names if name != names[1])


def test_an_alias_in_the_way_is_told(way: ZoneWay) -> None:
    error = made(way, None, a("10.2.0.9", name="db.corp.example"))

    assert isinstance(error, ActionFailedError), error
    assert "db.corp.example" in error.message


def test_a_fit_zone_has_no_findings_and_one_that_is_not_there_is_told(
    way_to: Callable[[str], ZoneWay],
) -> None:
    assert way_to("corp.example").preflight([(NAME, "A")], timeout_s=30) == []
    findings = way_to("nowhere.example").preflight([], timeout_s=30)

    assert Severity.ERROR in {each.severity for each in findings}
    assert any("nowhere.example" in each.sentence for each in findings)


# Windows alone


def stamps(windows: WindowsDns, name: str = "sql") -> dict[str, bool]:
    zone = windows.zone("corp.example")
    found = windows.records(zone, name, with_children=False)
    return {record.value: record.stamped_at is not None for record in found}


def test_a_static_record_stays_static_and_a_dynamic_one_dynamic(
    windows: WindowsDns, windows_way: Callable[..., WindowsWay], lab: Lab
) -> None:
    windows_way().apply([Edit(before=OLD, after=NEW)], timeout_s=S)
    static = stamps(windows)
    by_update = UpdateWay(lab.target())
    registered = a("10.1.0.50", name="pc.corp.example")
    by_update.apply([Edit(before=None, after=registered)], timeout_s=S)
    two = a("10.2.0.50", "10.2.0.51", name="pc.corp.example")
    windows_way().apply([Edit(before=registered, after=two)], timeout_s=S)

    assert static == {"10.2.0.21": False}
    assert stamps(windows, "pc") == {"10.2.0.50": True, "10.2.0.51": True}


def test_a_zone_scope_is_changed_and_the_zone_beside_it_is_not(
    windows_way: Callable[..., WindowsWay],
) -> None:
    inside = windows_way(scope="inside")
    before, after = a("172.16.0.21"), a("172.16.2.21", ttl_s=60)

    change = made(inside, before, after)

    assert isinstance(change, Change), change
    assert held(inside) == after
    assert held(windows_way()) == OLD
    (seen,) = inside.verify([Edit(before=before, after=after)], timeout_s=S)
    assert seen.status is SightStatus.DONE


def test_no_record_is_missing_while_a_set_is_changed(
    windows_way: Callable[..., WindowsWay], lab: Lab
) -> None:
    sizes: list[int] = []
    lab.zone.on_change(
        lambda _, change: sizes.append(len((change.after or {"values": ()})["values"]))
    )

    made(windows_way(), OLD, a("10.2.0.1", "10.2.0.2"))
    made(windows_way(), a("10.2.0.1", "10.2.0.2"), a("10.2.0.3"))

    assert sizes
    assert min(sizes) >= 1


class Meddling:
    """A lane on whose way something happens: to the call, or to its answer."""

    def __init__(self, lane: DirectLane, meddle: Callable[[str, Callable[[], Json]], Json]) -> None:
        self._lane, self._meddle = lane, meddle

    def call(self, script: Script, parameters: Mapping[str, Json], *, timeout_s: float) -> Json:
        def go_on() -> Json:
            return self._lane.call(script, parameters, timeout_s=timeout_s)

        return self._meddle(script.name, go_on)


def lost() -> UnknownOutcomeError:
    return UnknownOutcomeError("No answer came.", host="ns-lab")


def test_an_answer_lost_after_applying_is_settled_by_reading(
    windows_way: Callable[..., WindowsWay], lane: DirectLane
) -> None:
    def lose_after(script: str, go_on: Callable[[], Json]) -> Json:
        answer = go_on()
        if script.startswith("set"):
            raise lost()
        return answer

    change = made(windows_way(lane=Meddling(lane, lose_after)), OLD, NEW)

    assert isinstance(change, Change), change
    assert change.how == "settled"


def test_a_call_lost_before_applying_is_made_once_more(
    windows_way: Callable[..., WindowsWay], lane: DirectLane
) -> None:
    losses = [lost()]

    def lose_once(script: str, go_on: Callable[[], Json]) -> Json:
        if script.startswith("set") and losses:
            raise losses.pop()
        return go_on()

    way = windows_way(lane=Meddling(lane, lose_once))

    assert isinstance(made(way, OLD, NEW), Change)
    assert held(way) == NEW


def test_a_server_that_says_nothing_any_more_leaves_the_outcome_unknown(
    windows_way: Callable[..., WindowsWay], lane: DirectLane
) -> None:
    def lose_all(script: str, go_on: Callable[[], Json]) -> Json:
        del script, go_on
        raise lost()

    error = made(windows_way(lane=Meddling(lane, lose_all)), OLD, NEW)

    assert isinstance(error, UnknownOutcomeError)


def test_somebody_who_changes_the_record_just_before_it_is_set_wins(
    windows_way: Callable[..., WindowsWay], lane: DirectLane, lab: Lab
) -> None:
    def come_between(name: str, parameters: dict[str, object]) -> None:
        del parameters
        if name == "Set-DnsServerResourceRecord":
            lab.zone.put("sql.corp.example.", "A", ttl_s=300, values=["10.9.9.9"])

    lane.before_cmdlet = come_between

    error = made(windows_way(), OLD, NEW)

    assert isinstance(error, ConflictError), error
    assert "our 10.2.0.21 (TTL 60 s) was not written" in error.message
    assert held(windows_way()) == a("10.9.9.9")


def test_a_value_that_somebody_adds_in_between_stays_and_is_told(
    windows_way: Callable[..., WindowsWay], lane: DirectLane, lab: Lab
) -> None:
    def come_between(name: str, parameters: dict[str, object]) -> None:
        del parameters
        if name == "Set-DnsServerResourceRecord":
            lab.zone.put("sql.corp.example.", "A", ttl_s=300, values=["10.1.0.21", "10.9.9.9"])

    lane.before_cmdlet = come_between

    error = made(windows_way(), OLD, NEW)

    assert isinstance(error, ConflictError), error
    assert "our 10.2.0.21 (TTL 60 s) was written" in error.message
    assert held(windows_way()) == a("10.2.0.21", "10.9.9.9", ttl_s=60)


def test_a_secondary_zone_is_told_beforehand_and_refused(lab: Lab) -> None:
    copy = ZoneStore("corp.example", is_primary=False)
    copy.copy_from(lab.zone)
    way = WindowsWay(
        target=lab.target(), lane=DirectLane(WindowsDns("dns-2", [copy]), Hours()), server="dns-2"
    )

    (finding,) = way.preflight([], timeout_s=S)
    error = made(way, OLD, NEW)

    assert finding.severity is Severity.ERROR
    assert "as Secondary" in finding.sentence
    assert isinstance(error, ActionFailedError)
    assert "not a primary zone" in error.message


def test_a_refused_account_is_told_with_the_record_that_it_may_not_change(
    windows_way: Callable[..., WindowsWay], lane: DirectLane
) -> None:
    lane.denied = {"Set-DnsServerResourceRecord"}

    error = made(windows_way(), OLD, NEW)

    assert isinstance(error, AccessDeniedError), error
    assert NAME in error.message
    assert "Nothing was changed" in error.message
    assert held(windows_way()) == OLD


def test_every_other_server_that_does_not_follow_is_named(
    windows_way: Callable[..., WindowsWay], lab: Lab
) -> None:
    second = lab.start_secondary("ns-2")
    lab.faults.on.add("dns-stale")
    way = windows_way(target=lab.target(lab.primary, second))
    made(way, OLD, NEW)

    (seen,) = way.verify([Edit(before=OLD, after=NEW)], timeout_s=0.05)

    assert [sight.status for sight in seen.sights] == [SightStatus.DONE, SightStatus.LAGGING]


def test_a_server_for_questions_that_is_away_is_only_a_warning(
    windows_way: Callable[..., WindowsWay], lab: Lab
) -> None:
    away = DnsServer(name="gone", address="127.0.0.1", port=1)
    target = lab.target()
    way = windows_way(target=type(target)(zone=target.zone, servers=(*target.servers, away)))

    findings = way.preflight([], timeout_s=S)

    assert [each.severity for each in findings] == [Severity.WARNING]
