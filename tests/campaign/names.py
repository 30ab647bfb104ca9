"""A plan with every kind of name, and what can be asked of the lab's DNS servers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from secondsite.connectors.dns import (
    DnsServer,
    DnsTarget,
    RecordSet,
    TsigKey,
    compare_and_set,
    read,
)
from secondsite.run.events import StepIntent
from secondsite.run.following import Following
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord
from tests.campaign.world import Case, Outcome, World, a_world

__all__ = [
    "a_world_of_names",
    "begun",
    "newest",
    "now",
    "put",
    "run",
    "runs",
    "until",
    "zones",
]

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
          - {name: fresh.corp.example, zone: corp.example, ttl: 45s}
      - name: web01
        address: dhcp
        dns: &web
          - {name: shop.corp.example, zone: corp.example}
          - {name: pool.corp.example, zone: corp.example, ptr: true}
      - {name: web02, address: dhcp, dns: *web}
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


@contextmanager
def a_world_of_names(folder: Path) -> Iterator[World]:
    """The lab, with that plan and a name of both kinds of address.

    Of the plan's names `fresh` and `pool` do not exist; PTRs exist for `sql01` alone.
    """
    with a_world(folder) as world:
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


def runs(world: World, plan: str = "names") -> list[str]:
    """Ids of the runs of the plan, oldest first."""
    with closing(Journal.open(f"sqlite:///{world.home / 'journal.db'}")) as journal:
        return [each.run_id for each in reversed(journal.runs(plan=plan, limit=50))]


def newest(world: World, plan: str = "names") -> RunRecord:
    """The newest run of the plan, as its journal tells it."""
    with closing(Journal.open(f"sqlite:///{world.home / 'journal.db'}")) as journal:
        return Following(journal, runs(world, plan)[-1]).record


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
