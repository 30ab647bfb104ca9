"""What befalls DNS in the middle of whole runs: the right end, the right words, no update lost."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from secondsite.connectors.dns import RecordSet
from tests.campaign.names import a_world_of_names, newest, now, put, run, runs, zones
from tests.campaign.world import Case, World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SQL = "dns-osaka sql01.corp.example A"
OVER_THERE = (30, "10.2.0.21")
SERVERS = ("dns-osaka", "dns-tokyo")
ATTENDED = {"unattended": False}
UNPLANNED = Case(operation="unplanned", plan="one", options=ATTENDED)
PLANNED = Case(operation="planned", plan="one", options=ATTENDED)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world_of_names(tmp_path / "world") as world:
        text = (world.plans / "names.yaml").read_text().replace("name: names", "name: one")
        (world.plans / "one.yaml").write_text(text[: text.index("      - name: web01")])
        yield world


def wait_briefly(world: World) -> None:
    estate = world.plans / "estate.yaml"
    text = estate.read_text()
    assert text.count("dns_verify_timeout: 60s") == 1
    estate.write_text(text.replace("dns_verify_timeout: 60s", "dns_verify_timeout: 1s"))


def test_a_wrong_key_a_wrong_clock_and_a_refused_zone_are_told_before_anything_is_touched(
    world: World,
) -> None:
    before, names = world.state(), zones(world)
    secret = world.home / "lab" / "secrets" / "dr-key"
    right = secret.read_text()

    secret.write_text(base64.b64encode(b"not the key of this server at all").decode())
    wrong_key = world.carry_out(Case(operation="planned", plan="names"))
    secret.write_text(right)
    wrong_clock = world.start(
        Case(operation="planned", plan="names"), flow_run=str(uuid4()), signs_ahead_s=3600
    )
    world.arm(kind="dns-refuses", host="dns-osaka")
    refused = world.carry_out(Case(operation="planned", plan="names"))
    world.mend()

    for outcome, words in (
        (wrong_key, "dr-key"),
        (wrong_clock, "behind this machine"),
        (refused, "dns-osaka"),
    ):
        assert outcome.state == "FAILED"
        assert words in outcome.message
        assert "Nothing was touched" in outcome.message
        assert right not in outcome.message
    assert (world.state(), zones(world)) == (before, names)


def test_a_zone_that_refuses_in_the_middle_stops_the_step_and_a_retry_ends_right(
    world: World,
) -> None:
    flow_run = str(uuid4())
    before = zones(world)
    world.start(UNPLANNED, flow_run=flow_run, instant="begun:g/sql01/dns")
    world.arm(kind="dns-refuses", host="dns-osaka")

    waiting = world.start(UNPLANNED, flow_run=flow_run)
    meanwhile = zones(world)
    world.mend()
    done = world.start(UNPLANNED, flow_run=flow_run, answers=True)

    assert waiting.state == "waiting"
    assert "dns-osaka" in waiting.message
    assert "does not let key dr-key change sql01.corp.example" in waiting.message
    assert meanwhile == before, "an update was applied"
    assert done.state == "COMPLETED", done.message
    assert zones(world)[SQL] == OVER_THERE


def test_replies_lost_after_applying_change_nothing_in_how_it_ends(world: World) -> None:
    flow_run = str(uuid4())
    world.start(UNPLANNED, flow_run=flow_run, instant="begun:g/sql01/dns")
    world.arm(kind="dns-drops-reply", host="dns-osaka", times=3)

    done = world.start(UNPLANNED, flow_run=flow_run)

    made = updates(world, "sql01.corp.example")
    assert done.state == "COMPLETED", done.message
    assert zones(world)[SQL] == OVER_THERE
    assert made == [("10.1.0.21",), ("10.2.0.21",)], "it was written more than once"
    assert sum(event["kind"] == "fault" for event in world.log()) >= 1


def test_a_server_dead_between_writing_and_reading_back_stops_the_step_and_loses_nothing(
    world: World,
) -> None:
    wait_briefly(world)
    flow_run = str(uuid4())
    world.start(UNPLANNED, flow_run=flow_run, instant="intent:g/sql01/verify")
    written = now(world, "sql01.corp.example")
    world.arm(kind="dns-silent", host="dns-tokyo")
    world.arm(kind="dns-silent", host="dns-osaka")

    waiting = world.start(UNPLANNED, flow_run=flow_run)
    world.mend()
    done = world.start(UNPLANNED, flow_run=flow_run, answers=True)

    assert written is not None
    assert written.values == ("10.2.0.21",)
    assert waiting.state == "waiting"
    assert "dns-osaka" in waiting.message
    assert done.state == "COMPLETED", done.message
    assert zones(world)[SQL] == OVER_THERE
    assert updates(world, "sql01.corp.example") == [("10.1.0.21",), ("10.2.0.21",)]


def test_a_person_who_changes_a_record_between_reading_and_writing_wins(world: World) -> None:
    flow_run = str(uuid4())
    theirs = RecordSet(name="sql01.corp.example", type="A", ttl_s=77, values=("10.9.9.9",))
    # What it has read is in the journal; what it writes has not left.
    world.start(UNPLANNED, flow_run=flow_run, instant="noted:g/sql01/dns")
    put(world, theirs)

    waiting = world.start(UNPLANNED, flow_run=flow_run)

    assert waiting.state == "waiting"
    assert "10.9.9.9" in waiting.message
    assert now(world, "sql01.corp.example") == theirs


def test_a_secondary_that_stays_behind_is_named_with_what_it_still_shows(world: World) -> None:
    wait_briefly(world)
    flow_run = str(uuid4())
    world.arm(kind="dns-stale", host="dns-tokyo")

    waiting = world.start(PLANNED, flow_run=flow_run)
    world.mend()
    done = world.start(PLANNED, flow_run=flow_run, answers=True)

    assert waiting.state == "waiting"
    assert "dns-tokyo" in waiting.message
    assert "10.1.0.21" in waiting.message
    assert done.state == "COMPLETED", done.message
    assert zones(world)["dns-tokyo sql01.corp.example A"] == OVER_THERE


def test_a_dns_server_that_takes_nothing_at_the_commit_holds_nothing_up(world: World) -> None:
    run(world, "prepare-dns")
    prepared = runs(world)[-1]
    run(world, "unplanned")
    lowered = zones(world)
    world.arm(kind="dns-refuses", host="dns-osaka")

    run(world, "commit")
    record = newest(world)
    still = zones(world)
    world.mend()
    run(world, "rollback-dns", of_run=prepared)

    warnings = [note.text for note in record.notes if note.level == "warning"]
    assert any(
        "sql01.corp.example A (20 s, was 60 s)" in text
        and f"secondsite dns rollback {prepared}" in text
        for text in warnings
    ), warnings
    assert still == lowered
    after = zones(world)
    assert after[SQL] == OVER_THERE, "the plan's TTL, not the one of before"
    assert after["dns-osaka shop.corp.example A"][0] == 60
    assert {ttl_s for ttl_s, *_ in after.values()}.isdisjoint({20})


def test_what_the_failover_made_and_somebody_changed_since_stays_on_the_way_back(
    world: World,
) -> None:
    theirs = RecordSet(name="fresh.corp.example", type="A", ttl_s=77, values=("10.2.0.99",))
    before = zones(world)
    there = world.carry_out(Case(operation="planned", plan="one"))
    put(world, theirs)

    home = world.carry_out(Case(operation="planned", plan="one", direction="back"))

    assert (there.state, home.state) == ("COMPLETED", "COMPLETED"), home.message
    ours = {f"{server} fresh.corp.example A": (77, "10.2.0.99") for server in SERVERS}
    assert zones(world) == before | ours
    warnings = [note.text for note in newest(world, "one").notes if note.level == "warning"]
    assert any("10.2.0.99" in text and "It stays." in text for text in warnings), warnings


def updates(world: World, name: str) -> list[tuple[str, ...]]:
    """The values of the A records of `name`, from the first update to the last."""
    changes: list[Mapping[str, Any]] = [
        event["detail"]
        for event in world.log()
        if event["kind"] == "change"
        and event.get("dns") == "update"
        and (event["detail"]["name"], event["detail"]["type"]) == (name, "A")
    ]
    sides = [changes[0]["before"], *(each["after"] for each in changes)]
    return [tuple(side["values"]) if side else () for side in sides]
