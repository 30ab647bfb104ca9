"""DNS through whole failovers: what people do in between, limits, and what is shown beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from secondsite.cli.main import main
from secondsite.connectors.dns import RecordSet
from tests.campaign.names import a_world_of_names, begun, now, put, run, runs, until, zones
from tests.campaign.world import Case, World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world_of_names(tmp_path / "world") as world:
        yield world


def test_through_windows_cmdlets_dns_ends_the_same(world: World) -> None:
    estate = world.plans / "estate.yaml"
    by_cmdlets = "winrm: {name: dns-osaka, transport: ntlm, credential: osaka-operator}"
    estate.write_text(estate.read_text().replace("    key: dr-key\n", f"    {by_cmdlets}\n"))
    before = zones(world)

    run(world, "prepare-dns")
    run(world, "planned")
    away = zones(world)
    run(world, "planned", "back")

    assert away["dns-tokyo sql01.corp.example A"] == (30, "10.2.0.21")
    assert away["dns-osaka shop.corp.example A"][0] == 60
    assert "dns-osaka pay02.corp.example AAAA" not in away
    assert zones(world) == before
    changes = {
        event["dns"] for event in world.log() if event["kind"] == "change" and "dns" in event
    }
    assert changes == {"update", "cmdlet", "copy"}, "update: what the fixture put there"


def test_a_roll_back_spares_what_somebody_changed_since(world: World) -> None:
    before = zones(world)
    run(world, "unplanned")
    failover = runs(world)[-1]
    theirs = RecordSet(name="sql01.corp.example", type="A", ttl_s=77, values=("10.9.9.9",))
    put(world, theirs)

    outcome = world.carry_out(
        Case(operation="rollback-dns", plan="names", options={"of_run": failover})
    )

    assert outcome.state == "FAILED"
    assert "expected 10.2.0.21" in outcome.message
    assert "found 10.9.9.9" in outcome.message
    after = zones(world)
    assert now(world, "sql01.corp.example") == theirs
    assert {key for key in before if before[key] != after.get(key)} == {
        "dns-osaka sql01.corp.example A",
        "dns-tokyo sql01.corp.example A",
    }


def test_more_records_than_the_estate_allows_are_refused_before_anything_is_touched(
    world: World,
) -> None:
    estate = world.plans / "estate.yaml"
    estate.write_text(estate.read_text().replace("max_records: 500", "max_records: 5"))
    before = world.state()

    outcome = world.carry_out(Case(operation="planned", plan="names"))

    assert outcome.state == "FAILED"
    assert "the estate allows 5" in outcome.message
    assert world.state() == before


def test_a_vm_that_registers_itself_later_is_noticed(world: World) -> None:
    estate = world.plans / "estate.yaml"
    estate.write_text(estate.read_text().replace("settle_time: 20ms", "settle_time: 1500ms"))
    theirs = RecordSet(name="sql01.corp.example", type="A", ttl_s=1200, values=("10.1.0.21",))
    flow_run = str(uuid4())

    with ThreadPoolExecutor(1) as threads:
        failover = threads.submit(
            world.start, Case(operation="unplanned", plan="names"), flow_run=flow_run
        )
        until(lambda: "failover/settle" in begun(world))
        put(world, theirs)
        outcome = failover.result()

    assert outcome.state == "FAILED"
    assert "failover/settle" in outcome.message
    assert "10.1.0.21" in outcome.message
    assert now(world, "sql01.corp.example") == theirs


def test_the_diff_tells_what_a_failover_makes_of_dns_and_touches_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECONDSITE_HOME", str(world.home))
    monkeypatch.setenv("SECONDSITE_PLANS", str(world.plans))
    before = world.state()

    code = main(["show", "names", "--kind", "planned", "--dns"])

    told = capsys.readouterr().out
    assert code == 0
    for line in (
        "→ sql01: sql01.corp.example A (production): 10.1.0.21 (TTL 60 s) → 10.2.0.21 (TTL 30 s)",
        "→ sql01: 21.0.2.10.in-addr.arpa PTR (production): "
        "no record → sql01.corp.example. (TTL 30 s)",
        "→ web03: shop.corp.example A (production): "
        "10.1.0.109, 10.1.0.110, 10.1.0.111 (TTL 60 s) → what it gets there",
    ):
        assert line in told, told
    assert world.state() == before

    run(world, "planned")
    code = main(["show", "names", "--kind", "planned", "--direction", "back", "--dns"])

    told = capsys.readouterr().out
    assert code == 0
    for line in (
        "→ sql01: fresh.corp.example A (production): 10.2.0.21 (TTL 45 s) → no record",
        "→ sql01: 21.0.2.10.in-addr.arpa PTR (production): "
        "sql01.corp.example. (TTL 30 s) → no record",
        "(TTL 300 s) → without this VM, as before the failover",
    ):
        assert line in told, told
