"""VMs in failover clusters: replication is pointed at the broker, and moved VMs are found again.

The engine is killed as a step would begin, the VM is moved to another node, and the run resumed:
what its journal says of the VM's host is no longer so.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

PLANNED = Case(operation="planned")
BACK = Case(operation="planned", direction="back")
UNPLANNED = Case(operation="unplanned")
TEST = Case(operation="test")
SITES = ("tokyo", "osaka")
VMS = ("pay01", "pay02")


def with_clusters(text: str) -> str:
    for site in SITES:
        cluster = (
            f"    clouds: [{site}-gold]\n    clusters:\n      - name: cluster-{site}\n"
            f"        broker: broker-{site}\n        hosts: [hv-{site}-1, hv-{site}-2]\n"
        )
        text = text.replace(f"    clouds: [{site}-gold]\n", cluster)
    return text


def name_brokers(world: World) -> None:
    estate = world.plans / "estate.yaml"
    text = estate.read_text()
    for site in SITES:
        clouds = f"    clouds: [{site}-gold]\n"
        text = text.replace(clouds, f"{clouds}    replica_broker: broker-{site}\n")
    estate.write_text(text)


def where(world: World, vm: str) -> dict[str, tuple[str, str, str]]:
    """Per site: (host, power, replica server) of a VM."""
    return {
        site: (host["name"], each["state"], each["replication"][0]["replica_server"])
        for site, held in world.state()["sites"].items()
        for host in held["hosts"]
        for each in host["vms"]
        if each["name"] == vm
    }


def moved_at(world: World, case: Case, step: str, vm: str, host: str) -> Any:
    """Carry `case` out; `vm` is moved to `host` when `step` would begin."""
    flow_run = str(uuid4())
    first = world.start(case, flow_run=flow_run, instant=f"intent:{step}")
    assert first.state == "killed", f"{step} never began: {first.message}"
    world.move(vm, host)
    return world.start(case, flow_run=flow_run)


@pytest.mark.parametrize(
    ("case", "step", "host"),
    [
        (PLANNED, "payroll/pay01/prepare", "hv-tokyo-2"),
        (PLANNED, "payroll/pay01/failover", "hv-osaka-1"),
        (PLANNED, "payroll/pay01/start", "hv-osaka-1"),
        (PLANNED, "payroll/pay01/ready", "hv-osaka-1"),
        (UNPLANNED, "payroll/pay01/shutdown", "hv-tokyo-2"),
        (UNPLANNED, "payroll/pay01/failover", "hv-osaka-1"),
        (UNPLANNED, "payroll/pay01/start", "hv-osaka-1"),
    ],
)
def test_a_vm_that_was_moved_between_two_steps_goes_on_where_it_is(
    case: Case, step: str, host: str, tmp_path: Path
) -> None:
    with a_world(tmp_path / "world", change_lab=with_clusters) as world:
        name_brokers(world)

        outcome = moved_at(world, case, step, "pay01", host)

        assert outcome.state == "COMPLETED", outcome.message
        now = where(world, "pay01")
        assert now["osaka"][1] == "Running"
        assert now["tokyo"][1] == "Off"
        assert host in {now["osaka"][0], now["tokyo"][0]}
        assert where(world, "pay02")["osaka"][1] == "Running"
        once = Counter(
            (cmdlet, vm)
            for cmdlet, _, vm in world.done().elements()
            if cmdlet in {"Start-VM", "Stop-VM"}
        )
        assert once == Counter((cmdlet, vm) for cmdlet in ("Start-VM", "Stop-VM") for vm in VMS)


def test_a_test_vm_that_moved_with_its_replica_is_cleaned_up_where_it_is(tmp_path: Path) -> None:
    with a_world(tmp_path / "world", TEST, change_lab=with_clusters) as world:
        world.move("pay01", "hv-osaka-1")

        outcome = world.carry_out(Case(operation="cleanup"))

        assert outcome.state == "COMPLETED", outcome.message
        assert where(world, "pay01 - Test") == {}
        assert where(world, "pay01")["tokyo"][1] == "Running"


def test_a_twin_that_was_moved_and_runs_is_not_taken_for_gone(tmp_path: Path) -> None:
    case = Case(operation="unplanned")
    with a_world(tmp_path / "world", change_lab=with_clusters) as world:
        name_brokers(world)
        for host in ("hv-tokyo-1", "hv-tokyo-2"):
            world.arm(kind="cmdlet-fails", host=host, cmdlet="Stop-VM", times=100)

        outcome = moved_at(world, case, "payroll/pay01/start", "pay01", "hv-tokyo-2")

        assert outcome.state == "FAILED"
        assert "in tokyo (hv-tokyo-2) its state is Running" in outcome.message
        now = where(world, "pay01")
        assert (now["tokyo"][1], now["osaka"][1]) == ("Running", "Off")


def test_a_round_trip_between_two_clusters_leads_over_their_brokers(tmp_path: Path) -> None:
    with a_world(tmp_path / "world", change_lab=with_clusters) as world:
        name_brokers(world)
        before = where(world, "pay01")

        there = world.carry_out(PLANNED)
        away = where(world, "pay01")
        home = world.carry_out(BACK)

        assert (there.state, home.state) == ("COMPLETED", "COMPLETED"), home.message
        assert away["osaka"][2] == "broker-tokyo"
        assert where(world, "pay01") == before


def test_without_the_brokers_name_the_refusal_tells_it_and_where_to_write_it(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world", change_lab=with_clusters) as world:
        outcome = world.carry_out(PLANNED)

        assert outcome.state == "FAILED"
        assert "Replica Broker ('broker-tokyo')" in outcome.message
        assert "replica_broker" in outcome.message
        assert where(world, "pay01")["osaka"][1] == "Running"
