"""DNS through whole failovers, there and back: it ends where it should, TTLs included."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from secondsite.cli.main import main
from secondsite.connectors.dns import (
    DnsServer,
    DnsTarget,
    RecordSet,
    TsigKey,
    compare_and_set,
    read,
)
from secondsite.run.events import StepIntent
from secondsite.run.journal import Journal
from tests.campaign.world import Case, Outcome, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

PLAN = """
name: names
protection: tokyo-osaka
objectives: {rto: 45m}
groups:
  - name: g
    vms:
      - name: sql01
        address: {ipv4: 10.2.0.21/24, gateway: 10.2.0.1}
        dns:
          - {name: sql01.corp.example, zone: corp.example, ttl: 30s, ptr: true}
      - {name: web01, address: dhcp, dns: [{name: shop.corp.example, zone: corp.example}]}
      - {name: web02, address: dhcp, dns: [{name: shop.corp.example, zone: corp.example}]}
      - name: web03
        address: dhcp
        dns: [{name: www.corp.example, zone: corp.example, shared: true}]
      - name: pay02
        address: dhcp
"""
POLICY = """
dns_policy:
  max_records: 500
  settle_time: 20ms
  prepared_ttl: 20s
  rules: [{name: "{vm}.corp.example", zone: corp.example, ttl: 2m}]
"""
ZONES = ("corp.example", "1.10.in-addr.arpa", "2.10.in-addr.arpa")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path / "world") as world:
        (world.plans / "names.yaml").write_text(PLAN)
        estate = world.plans / "estate.yaml"
        text = estate.read_text()
        begin, end = text.index("dns_policy:"), text.index("protections:")
        estate.write_text(f"{text[:begin]}{POLICY.lstrip()}\n{text[end:]}")
        put(
            world, RecordSet(name="pay02.corp.example", type="A", ttl_s=900, values=("10.1.0.113",))
        )
        put(
            world,
            RecordSet(
                name="pay02.corp.example", type="AAAA", ttl_s=900, values=("2001:db8:1::113",)
            ),
        )
        until(lambda: "dns-tokyo pay02.corp.example AAAA" in zones(world))  # copied to the other
        yield world


def target(world: World, zone: str = "corp.example") -> DnsTarget:
    endpoints = json.loads((world.home / "lab" / "endpoints.json").read_text())["dns"]
    secret = (world.home / "lab" / "secrets" / "dr-key").read_text().strip()
    server = DnsServer(name="dns-osaka", **endpoints["dns-osaka"])
    return DnsTarget(
        zone=zone, servers=(server,), key=TsigKey(name="dr-key", secret=SecretStr(secret))
    )


def now(world: World, name: str, kind: str = "A") -> RecordSet | None:
    return read(target(world), name=name, type=kind, timeout_s=5)


def put(world: World, wanted: RecordSet) -> None:
    """As a person would, at the server."""
    found = now(world, wanted.name, wanted.type)
    compare_and_set(target(world), expected=found, desired=wanted, timeout_s=5)


def zones(world: World) -> dict[str, Any]:
    """Every record of production, on each of its servers, when the secondary has caught up."""
    seen: dict[str, Any] = {}

    def agree() -> bool:
        nonlocal seen
        seen = _records(world.state())
        sides = [
            {key.partition(" ")[2]: value for key, value in seen.items() if key.startswith(server)}
            for server in ("dns-osaka ", "dns-tokyo ")
        ]
        return sides[0] == sides[1]

    until(agree)
    return seen


def _records(state: Any) -> dict[str, Any]:
    return {
        f"{server} {record['name']} {record['type']}": (record["ttl_s"], *record["values"])
        for site in state["sites"].values()
        for server, held in site["dns"].items()
        if server != "dns-osaka-test"
        for zone in held["zones"]
        for record in zone["records"]
        if record["type"] != "NS"
    }


def run(world: World, operation: str, direction: str = "forward", **options: Any) -> Outcome:
    outcome = world.carry_out(
        Case(operation=operation, plan="names", direction=direction, options=options)
    )
    assert outcome.state == "COMPLETED", outcome.message
    return outcome


def test_there_and_back_dns_is_as_it_was(world: World) -> None:
    before = zones(world)

    run(world, "planned")
    away = zones(world)
    run(world, "planned", "back")

    assert zones(world) == before
    osaka = {key.removeprefix("dns-osaka "): value for key, value in away.items() if "osaka" in key}
    assert osaka["sql01.corp.example A"] == (30, "10.2.0.21")
    assert osaka["21.0.2.10.in-addr.arpa PTR"] == (30, "sql01.corp.example.")
    assert "21.0.1.10.in-addr.arpa PTR" not in osaka
    ttl_s, *shop = osaka["shop.corp.example A"]
    assert ttl_s == 60
    assert len(shop) == 3
    assert all(address.startswith("10.2.0.") for address in shop)
    assert osaka["www.corp.example CNAME"] == (60, "shop.corp.example.")
    assert osaka["pay02.corp.example A"][0] == 120
    assert "pay02.corp.example AAAA" not in osaka


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


def test_ttls_are_lowered_ahead_and_raised_by_the_commit(world: World) -> None:
    before = zones(world)

    run(world, "prepare-dns")
    prepared = zones(world)
    again = run(world, "prepare-dns")
    run(world, "planned")
    away = zones(world)
    run(world, "planned", "back")

    changed = {key for key in before if prepared[key] != before[key]}
    assert {key.partition(" ")[2] for key in changed} == {
        "pay02.corp.example A",
        "pay02.corp.example AAAA",
        "shop.corp.example A",
        "sql01.corp.example A",
    }
    assert all(prepared[key] == (20, *before[key][1:]) for key in changed)
    assert again.state == "COMPLETED"
    assert away["dns-osaka sql01.corp.example A"] == (30, "10.2.0.21"), "not the plan's TTL"
    assert away["dns-osaka shop.corp.example A"][0] == 60
    assert zones(world) == before


def test_an_undone_failover_leaves_no_trace_in_dns(world: World) -> None:
    before = zones(world)
    run(world, "prepare-dns")

    run(world, "unplanned")
    away = zones(world)
    run(world, "undo")

    assert away["dns-osaka shop.corp.example A"][0] == 20, "raised before the commit"
    assert zones(world) == before


def test_a_commit_after_a_disaster_raises_the_ttls_that_were_lowered(world: World) -> None:
    run(world, "prepare-dns")
    run(world, "unplanned")

    run(world, "commit")

    after = zones(world)
    assert after["dns-osaka shop.corp.example A"][0] == 60
    assert after["dns-osaka sql01.corp.example A"] == (30, "10.2.0.21")


def test_a_test_and_its_clean_up_touch_no_name_of_production(world: World) -> None:
    before, state = zones(world), world.state()

    run(world, "test", clean_up=True)

    assert zones(world) == before
    assert world.state()["sites"]["osaka"]["dns"] == state["sites"]["osaka"]["dns"]
    changed = {event["host"] for event in world.log() if event.get("dns") == "update"}
    assert "dns-osaka-test" in changed


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


def test_a_lowered_ttl_is_rolled_back_without_a_failover(world: World) -> None:
    before = zones(world)
    run(world, "prepare-dns")

    run(world, "rollback-dns", of_run=runs(world)[-1])

    assert zones(world) == before


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


def runs(world: World) -> list[str]:
    """Ids of the runs of the plan, oldest first."""
    with closing(Journal.open(f"sqlite:///{world.home / 'journal.db'}")) as journal:
        return [each.run_id for each in reversed(journal.runs(plan="names", limit=50))]


def begun(world: World) -> set[str]:
    """The steps that the newest run has begun."""
    if not (world.home / "journal.db").exists() or not (known := runs(world)):
        return set()
    with closing(Journal.open(f"sqlite:///{world.home / 'journal.db'}")) as journal:
        return {
            entry.event.step
            for entry in journal.read(known[-1])
            if isinstance(entry.event, StepIntent)
        }


def until(holds: Callable[[], bool]) -> None:
    """Wait for it, for a generous while."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


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
