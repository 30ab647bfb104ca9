"""A failover that is over before it came to a VM for which VMM had granted an address already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from secondsite.cli.main import main
from tests.campaign.comparison import unequal
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

ALONE = """\
name: alone
description: One VM with an address out of a pool.
protection: tokyo-osaka
groups:
  - name: alone
    vms:
      - {name: pay02, ready: [heartbeat], address: pool}
"""
GONE = {"primary_side": "skip", "other_site_is_gone": "the test says so"}
GRANTED = {"pay02": "10.2.0.200"}


def grants(state: Any) -> Mapping[str, str]:
    """VM → address, as the pools of both sites know it."""
    return {
        each["description"].rpartition(" ")[2]: each["address"]
        for site in state["sites"].values()
        for network in site["networks"]
        for pool in network["pools"]
        for each in pool["grants"]
    }


def alone(operation: str, *, stops: str = "", **options: str) -> Case:
    return Case(operation=operation, plan="alone", stops=stops, options=options)


def begun(world: World, case: Case) -> Mapping[str, int]:
    """Kill the engine where the case stops; gives what had passed each door."""
    killed = world.start(case, flow_run=str(uuid4()), instant=case.stops)
    assert killed.state == "killed", killed.message
    return killed.passed


def status(capsys: pytest.CaptureFixture[str]) -> Any:
    """What `secondsite status alone --json` prints."""
    assert main(["status", "alone", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def carried_out(world: World, *cases: Case) -> None:
    for case in cases:
        outcome = world.carry_out(case)
        assert outcome.state == "COMPLETED", f"{case.name}: {outcome.message}"


def test_undo_gives_back_what_was_granted_for_a_failover_that_came_to_no_vm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with a_world(tmp_path / "world") as world:
        monkeypatch.setenv("SECONDSITE_HOME", str(world.home))
        monkeypatch.setenv("SECONDSITE_PLANS", str(world.plans))
        monkeypatch.delenv("SECONDSITE_JOURNAL", raising=False)
        (world.plans / "alone.yaml").write_text(ALONE)
        before = world.state()
        writes = begun(world, alone("unplanned", stops="intent:failover", **GONE))["write"]
        assert grants(world.state()) == GRANTED
        shown = status(capsys)

        carried_out(world, alone("undo"))
        told = world.state()

        # Its outcome was not written yet: nobody knows whether the address was granted.
        begun(world, alone("unplanned", stops=f"before-write:{writes}", **GONE))
        assert grants(world.state()) == GRANTED

        carried_out(world, alone("undo"))
        untold = world.state()

        nothing = world.carry_out(alone("undo"))
        afterwards = status(capsys)
    assert shown["state"] == "protected; addresses in osaka are still taken for pay02"
    assert "secondsite undo alone" in [each["command"] for each in shown["offered"]]
    assert afterwards["state"] == "protected"
    assert "secondsite undo alone" not in [each["command"] for each in afterwards["offered"]]
    assert list(unequal(before, told)) == []
    assert list(unequal(before, untold)) == []
    assert (nothing.state, "nothing is left to do" in nothing.message) == ("FAILED", True)


@pytest.mark.parametrize("kind", ["planned", "unplanned"])
def test_cancel_gives_back_what_was_granted_for_a_failover_that_has_only_prepared(
    kind: str, tmp_path: Path
) -> None:
    with a_world(tmp_path / "world") as world:
        (world.plans / "alone.yaml").write_text(ALONE)
        before = world.state()
        begun(world, alone(kind, stops="intent:failover"))
        assert grants(world.state()) == GRANTED

        carried_out(world, alone("cancel"))

        after = world.state()
        nothing = world.carry_out(alone("cancel"))
    assert grants(after) == {}
    assert list(unequal(vms(before), vms(after))) == []
    assert (nothing.state, "there is nothing to cancel" in nothing.message) == ("FAILED", True)


def test_cancel_ends_a_planned_failover_that_has_only_taken_addresses(tmp_path: Path) -> None:
    with a_world(tmp_path / "world") as world:
        (world.plans / "alone.yaml").write_text(ALONE)
        before = world.state()
        begun(world, alone("planned", stops="intent:shutdown"))
        assert grants(world.state()) == GRANTED

        carried_out(world, alone("cancel"))

        after = world.state()
    assert list(unequal(before, after)) == []


def test_a_vm_whose_failover_failed_is_given_its_address_back_when_the_others_are_undone(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world") as world:
        before = world.state()
        world.arm(kind="cmdlet-fails", cmdlet="Start-VMFailover", vm="pay02", text="Not today")
        failed = world.carry_out(Case(operation="unplanned", options=GONE))
        assert failed.state == "FAILED"
        assert grants(world.state()) == GRANTED
        world.mend()

        carried_out(world, Case(operation="undo"))

        after = world.state()
    assert grants(after) == {}
    assert list(unequal(vms(before), vms(after))) == []


def vms(state: Any) -> Any:
    """Both VMs in both sites: power, replication, adapters."""
    return [
        (host["name"], vm["name"], vm["state"], vm["replication"], vm["adapters"])
        for site in state["sites"].values()
        for host in site["hosts"]
        for vm in host["vms"]
        if vm["name"] in {"pay01", "pay02"}
    ]
