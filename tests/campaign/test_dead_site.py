"""An unplanned failover needs nothing of the site that it leaves, its DNS servers included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SAID = "the duty manager stands in front of it"
VMS = {"pay01", "pay02"}


def leave(primary_side: str) -> Case:
    options = {"primary_side": primary_side, "other_site_is_gone": SAID}
    return Case(operation="unplanned", options=options)


_SCRIPTS = """\
shutdown: {before: [{script: scripts/mark.ps1, on: "host:pay01", arguments: {Vm: pay01}}]}
failover: {before: [{script: scripts/mark.ps1, on: primary, arguments: {Vm: pay01}}]}
groups:
"""


def write_scripts_over_there(world: World) -> None:
    """Scripts of the plan that are to run in the site that is left."""
    plan = world.plans / "payroll.yaml"
    plan.write_text(plan.read_text().replace("groups:\n", _SCRIPTS, 1))


def asked(log: list[Any]) -> set[str]:
    """The servers of Tokyo that anything was asked of."""
    return {
        event["host"]
        for event in log
        if event["kind"] == "request" and event["host"].partition("-")[2].startswith("tokyo")
    }


def names(world: World, server: str) -> set[str]:
    """What that DNS server says of payroll."""
    held = next(
        site["dns"][server] for site in world.state()["sites"].values() if server in site["dns"]
    )
    return {
        value
        for zone in held["zones"]
        for record in zone["records"]
        if record["name"].startswith("payroll.")
        for value in record["values"]
    }


def running(world: World) -> set[tuple[str, str]]:
    return {
        (vm["name"], host["name"])
        for host in world.state()["sites"]["osaka"]["hosts"]
        for vm in host["vms"]
        if vm["state"] == "Running" and vm["name"] in VMS
    }


def test_with_skip_nothing_at_all_is_asked_of_a_site_that_would_answer(tmp_path: Path) -> None:
    with a_world(tmp_path / "world") as world:
        write_scripts_over_there(world)

        outcome = world.carry_out(leave("skip"))

        log = world.log()
        assert outcome.state == "COMPLETED", outcome.message
        assert asked(log) == set()
        assert {name for name, _ in running(world)} == VMS


@pytest.mark.parametrize("primary_side", ["skip", "attempt"])
def test_a_site_that_is_cut_off_holds_nothing_up_and_its_names_follow_later(
    primary_side: str, tmp_path: Path
) -> None:
    with a_world(tmp_path / "world") as world:
        write_scripts_over_there(world)
        world.arm(kind="partition", site="tokyo")

        outcome = world.carry_out(leave(primary_side))

        assert outcome.state == "COMPLETED", outcome.message
        assert {name for name, _ in running(world)} == VMS
        assert all(value.startswith("10.2.") for value in names(world, "dns-osaka"))
        assert all(value.startswith("10.1.") for value in names(world, "dns-tokyo"))


def test_hosts_that_die_when_the_shutdown_has_begun_are_waited_for_only_so_long(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world") as world:
        estate = world.plans / "estate.yaml"
        limits = "limits:\n  source_site_timeout: 2s\n"
        estate.write_text(estate.read_text().replace("limits:\n", limits))
        world.arm(kind="hung-cmdlet", site="tokyo", cmdlet="Stop-VM", times=100)

        outcome = world.carry_out(leave("attempt"))  # it has 90 s

        assert outcome.state == "COMPLETED", outcome.message
        assert {name for name, _ in running(world)} == VMS
