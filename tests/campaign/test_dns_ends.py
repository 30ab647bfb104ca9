"""DNS ends exactly where it should, TTLs included, whatever failovers there were in between."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.comparison import unequal
from tests.campaign.names import a_world_of_names, run, runs, zones
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

Records = Mapping[str, Any]
SERVERS = ("dns-osaka", "dns-tokyo")
GONE = {"primary_side": "skip", "other_site_is_gone": "the duty manager stands in front of it"}
LOWERED_S = 20
OURS = {
    *("sql01.corp.example", "fresh.corp.example", "pool.corp.example", "shop.corp.example"),
    "pay02.corp.example",
}
"""What the plan's names lead to; PTRs beside them."""

STORIES: Mapping[str, tuple[str, ...]] = {
    "prepared, there and back, prepared too": (
        *("prepare-dns", "LOWERED", "prepare-dns", "LOWERED", "planned", "AWAY"),
        *("prepare-dns back", "planned back", "HOME"),
    ),
    "lost, undone, lost again, committed, home": (
        *("prepare-dns", "unplanned", "AWAY-LOWERED", "undo", "HOME"),
        *("lose", "gone", "commit", "mend", "reverse", "planned back", "HOME"),
    ),
    "lost and committed after a preparation": (
        *("prepare-dns", "unplanned", "AWAY-LOWERED", "commit", "AWAY"),
    ),
    "there, back undone, back": (
        *("planned", "unplanned back", "HOME", "undo back", "AWAY", "planned back", "HOME"),
    ),
    "DNS alone goes back": (
        *("prepare-dns", "LOWERED", "rollback", "HOME", "unplanned", "AWAY", "rollback", "HOME"),
    ),
    "tested": ("test", "cleanup", "HOME", "tested"),
}


@pytest.mark.parametrize("story", STORIES)
def test_every_record_set_ends_where_it_should(story: str, tmp_path: Path) -> None:
    with a_world_of_names(tmp_path / "world") as world:
        before = zones(world)
        first = len(world.log())
        bubble = world.state()["sites"]["osaka"]["dns"]["dns-osaka-test"]

        met: dict[str, str] = {}

        for number, word in enumerate(STORIES[story]):
            if word.partition("-")[0] in {"HOME", "AWAY", "LOWERED"}:
                expected = records(word, before, met)
                assert zones(world) == expected, f"{number}: {word}"
            else:
                carry_out(world, word)
                met |= addresses(world)

        log = world.log()[first:]
        assert world.state()["sites"]["osaka"]["dns"]["dns-osaka-test"] == bubble
        assert {name for name in changed(log) if not name.endswith(".arpa")} <= OURS
        if "test" in STORIES[story]:
            assert changed(log) == set(), "a test writes to no name of production"
            assert any(event.get("dns") == "update" for event in log), "nor anywhere else?"


def test_undo_leaves_the_names_of_a_vm_alone_to_which_the_failover_did_not_come(
    tmp_path: Path,
) -> None:
    there_and_back = (Case(operation="planned"), Case(operation="planned", direction="back"))
    with a_world(tmp_path / "world", *there_and_back) as world:
        before = world.state()
        world.arm(kind="cmdlet-fails", cmdlet="Start-VMFailover", vm="pay02", text="Not today")
        assert world.carry_out(Case(operation="unplanned", options=GONE)).state == "FAILED"
        world.mend()

        outcome = world.carry_out(Case(operation="undo"))

        after = world.state()
    assert outcome.state == "COMPLETED", outcome.message
    for site in ("tokyo", "osaka"):
        assert list(unequal(before["sites"][site]["dns"], after["sites"][site]["dns"])) == []


def carry_out(world: World, word: str) -> None:
    operation, _, direction = word.partition(" ")
    match operation:
        case "lose":
            world.arm(kind="partition", site="tokyo")
        case "mend":
            world.mend()
        case "gone":
            run(world, "unplanned", **GONE)
        case "rollback":
            run(world, "rollback-dns", of_run=runs(world)[-1])
        case "tested":
            run(world, "test", clean_up=True)
        case _:
            run(world, operation, direction or "forward")


def changed(log: list[Any]) -> set[str]:
    """The names that somebody changed on the servers of production."""
    return {
        event["detail"]["name"]
        for event in log
        if event["kind"] == "change" and event.get("dns") and event["host"] in SERVERS
    }


def records(word: str, before: Records, at: Mapping[str, str]) -> Records:
    """Every record set of production as it must be now."""
    if word == "HOME":
        return before
    if word == "LOWERED":
        slow = {key for key in before if before[key][0] > LOWERED_S and is_ours(key)}
        return {
            key: (LOWERED_S, *found[1:]) if key in slow else found for key, found in before.items()
        }
    away = {server: away_of(at, is_lowered=word == "AWAY-LOWERED") for server in SERVERS}
    untouched = {
        key: found
        for key, found in before.items()
        if not is_ours(key) and not key.endswith(" 21.0.1.10.in-addr.arpa PTR")
    }
    return untouched | {
        f"{server} {name}": found for server, held in away.items() for name, found in held.items()
    }


def is_ours(key: str) -> bool:
    _, name, kind = key.split()
    return name in OURS and kind in {"A", "AAAA"}


def addresses(world: World) -> dict[str, str]:
    """Where the VMs are in Osaka that run there."""
    return {
        vm["name"]: vm["addresses"][0]
        for host in world.state()["sites"]["osaka"]["hosts"]
        for vm in host["vms"]
        if vm["addresses"]
    }


def away_of(at: Mapping[str, str], *, is_lowered: bool) -> Records:
    """What the plan's names are in Osaka; a lowered TTL stays until the commit."""
    pointers = {
        f"{at[vm].split('.')[3]}.0.2.10.in-addr.arpa PTR": (300, "pool.corp.example.")
        for vm in ("web01", "web02")
    }

    def ttl_s(own: int) -> int:
        return LOWERED_S if is_lowered else own

    return {
        "sql01.corp.example A": (ttl_s(30), "10.2.0.21"),
        "fresh.corp.example A": (45, "10.2.0.21"),
        "21.0.2.10.in-addr.arpa PTR": (30, "sql01.corp.example."),
        "shop.corp.example A": (ttl_s(60), *sorted(at[vm] for vm in ("web01", "web02", "web03"))),
        "pool.corp.example A": (300, *sorted(at[vm] for vm in ("web01", "web02"))),
        "pay02.corp.example A": (ttl_s(120), at["pay02"]),
        **pointers,
    }
