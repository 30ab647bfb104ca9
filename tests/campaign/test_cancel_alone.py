"""The recovery site dies in the middle of a planned failover: VMs start again where they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from secondsite.cli.main import main
from tests.campaign.comparison import unequal
from tests.campaign.names import newest
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

SAID = "the fire brigade has closed the building"
VMS = ("pay01", "pay02")
OSAKA = ("hv-osaka-1", "hv-osaka-2", "vmm-osaka")


def cancel(said: str = "") -> Case:
    return Case(operation="cancel", options={"other_site_is_gone": said})


def failed_over(world: World, *, until: str) -> None:
    """A planned failover whose engine dies at `until`, and the site that it led to with it."""
    estate = world.plans / "estate.yaml"
    estate.write_text(estate.read_text().replace("connect_timeout: 10s", "connect_timeout: 2s"))
    killed = world.start(Case(operation="planned"), flow_run=str(uuid4()), instant=until)
    assert killed.state == "killed", killed.message
    world.arm(kind="partition", site="osaka")


def status(capsys: pytest.CaptureFixture[str]) -> Any:
    """What `secondsite status payroll --json` prints."""
    capsys.readouterr()
    assert main(["status", "payroll", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def offered(shown: Any) -> list[str]:
    return [each["command"] for each in shown["offered"]]


def power(state: Any, site: str) -> Mapping[str, str]:
    return {
        vm["name"]: vm["state"]
        for host in state["sites"][site]["hosts"]
        for vm in host["vms"]
        if vm["name"] in VMS
    }


def names(state: Any) -> Any:
    """What the DNS servers of both sites hold."""
    return [site["dns"] for site in state["sites"].values()]


def test_one_that_has_only_prepared_is_cancelled_without_the_other_site(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with a_world(here) as world:
        before = world.state()
        failed_over(world, until="intent:failover")
        shown = status(capsys)

        unsaid = world.carry_out(cancel())
        untouched = world.state()
        said = world.carry_out(cancel(SAID))

        alone = world.state()
        world.mend()
        returned = status(capsys)
        again = world.carry_out(Case(operation="undo"))
        after = world.state()
    assert "secondsite cancel payroll" in offered(shown)
    assert unsaid.state == "FAILED"
    assert "nobody knows whether pay01, pay02 run in osaka" in unsaid.message
    assert power(untouched, "tokyo") == {"pay01": "Off", "pay02": "Off"}
    assert said.state == "COMPLETED", said.message
    assert power(alone, "tokyo") == {"pay01": "Running", "pay02": "Running"}
    assert returned["state"] == "protected; addresses in osaka are still taken for pay02"
    assert "secondsite undo payroll" in offered(returned)
    assert again.state == "COMPLETED", again.message
    assert list(unequal(before, after)) == []


@pytest.mark.parametrize("dns_lives", [True, False])
def test_names_that_the_failover_has_moved_go_back_as_soon_as_somebody_takes_the_change(
    here: Path, capsys: pytest.CaptureFixture[str], dns_lives: bool
) -> None:
    with a_world(here) as world:
        before = world.state()
        failed_over(world, until="intent:reverse")
        moved = world.state()
        if dns_lives:
            world.mend()
            for server in OSAKA:
                world.arm(kind="host-refuses", host=server)

        said = world.carry_out(cancel(SAID))

        alone = world.state()
        notes = [note.text for note in newest(world, "payroll").notes]
        world.mend()
        returned = status(capsys)
        undone = world.carry_out(Case(operation="undo"))
        after = world.state()
    assert said.state == "COMPLETED", said.message
    assert power(alone, "tokyo") == {"pay01": "Running", "pay02": "Running"}
    assert list(unequal(names(before), names(moved)))
    assert list(unequal(names(before if dns_lives else moved), names(alone))) == []
    left = [note for note in notes if note.startswith("pay02: not put back, because who takes")]
    assert dns_lives or "payroll.corp.example A (dns-osaka)" in left[0]
    assert bool(left) != dns_lives
    assert returned["state"].startswith("split: pay01, pay02 run in both sites")
    assert undone.state == "COMPLETED", undone.message
    assert list(unequal(before, after)) == []


def test_a_site_that_answers_after_all_is_believed_more_than_what_people_say(here: Path) -> None:
    with a_world(here) as world:
        failed_over(world, until="intent:reverse")
        world.mend()
        before = world.state()

        refused = world.carry_out(cancel(SAID))

        after = world.state()
    assert refused.state == "FAILED"
    assert "pay01 is failed over, commit pending, in osaka" in refused.message
    assert list(unequal(before, after)) == []
