"""Existing networks of Windows Network Virtualization: VMM connects to them, in every operation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.campaign.comparison import unequal
from tests.campaign.test_addresses import grants, machines, networks, vm
from tests.campaign.test_created_networks import steps
from tests.campaign.virtual import virtual_estate, virtual_lab
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

PLANNED = Case(operation="planned")
BACK = Case(operation="planned", direction="back")
UNPLANNED = Case(operation="unplanned")
UNDO = Case(operation="undo")
TEST = Case(operation="test")
CLEANUP = Case(operation="cleanup")
GONE = {"primary_side": "attempt", "other_site_is_gone": "the duty manager stands in front of it"}

AWAY = {"Network Adapter": "osaka-prod", "Backup": "osaka-backup"}
TESTED = {"Network Adapter": "osaka-test", "Backup": "osaka-backup-test"}


def by_dhcp(world: World) -> None:
    """`pay02` has its address of VMM, which is the DHCP server of a virtual network."""
    plan = world.plans / "payroll.yaml"
    plan.write_text(plan.read_text().replace("address: pool ", "address: dhcp "))


def ours(state: Any) -> dict[str, list[str]]:
    """What is granted in Osaka, whoever it was granted to."""
    return {name: held for name, held in grants(state).items() if name.startswith("osaka")}


def done(world: World, *cases: Case) -> None:
    for case in cases:
        outcome = world.carry_out(case)
        assert outcome.state == "COMPLETED", f"{case.name}: {outcome.message}"


def changes(world: World, name: str) -> list[str]:
    """What was done to that VM, in order."""
    return [
        event["cmdlet"]
        for event in world.log()
        if event["kind"] == "change" and event["vm"] == name
    ]


def asked(world: World, server: str) -> int:
    """How many requests that server has got."""
    return sum(event["kind"] == "request" and server in event["host"] for event in world.log())


def test_a_round_trip_goes_by_vmm_alone_and_leaves_the_estate_as_it_began(tmp_path: Path) -> None:
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans)
        before = world.state()

        done(world, PLANNED)
        away, log = world.state(), changes(world, "pay01")
        done(world, BACK)
        home = world.state()

    assert networks(vm(away, "pay01")) == AWAY
    assert {*vm(away, "pay01")["addresses"]} >= {"10.2.0.41", "10.2.9.41"}
    assert networks(vm(away, "pay02")) == {"Network Adapter": "osaka-prod"}
    assert [each for each in log if each.endswith("NetworkAdapter") or each == "Start-VM"] == [
        *("Set-SCVirtualNetworkAdapter", "Set-SCVirtualNetworkAdapter", "Start-VM")
    ]
    assert list(unequal(machines(before), machines(home))) == []


def test_test_vms_are_connected_by_vmm_and_a_clean_up_gives_back_what_vmm_gave_them(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans)
        by_dhcp(world)
        before = world.state()

        done(world, TEST)
        tested, address = world.state(), steps(world, "address")["payroll/pay02/address"]
        done(world, CLEANUP)
        after = world.state()

    assert networks(vm(tested, "pay01 - Test")) == TESTED
    assert networks(vm(tested, "pay02 - Test")) == {"Network Adapter": "osaka-test"}
    (given,) = ours(tested)["osaka-test-pool"]
    assert address.evidence["addresses"] == [given.strip()]
    assert list(unequal(machines(before), machines(after))) == []


@pytest.mark.parametrize("number", [1, 2])
def test_a_clean_up_follows_an_engine_that_died_while_vmm_connected(
    number: int, tmp_path: Path
) -> None:
    died = Case(operation="test", stops=f"outcome:payroll/pay0{number}/connect")
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans)
        by_dhcp(world)
        before = world.state()

        killed = world.carry_out(died)
        left = vm(world.state(), f"pay0{number} - Test")
        done(world, CLEANUP)
        after = world.state()

    assert killed.state == "killed"
    assert networks(left)["Network Adapter"] == "osaka-test"
    assert list(unequal(machines(before), machines(after))) == []


def test_undo_takes_replicas_off_their_virtual_networks(tmp_path: Path) -> None:
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans)
        by_dhcp(world)
        before = world.state()

        done(world, UNPLANNED)
        away = world.state()
        done(world, UNDO)
        after = world.state()

    assert networks(vm(away, "pay01")) == AWAY
    (given,) = ours(away)["osaka-prod-pool"]
    assert given.strip() in vm(away, "pay02")["addresses"]
    assert ours(after) == {}
    for name in ("pay01", "pay02"):
        assert vm(after, name) == vm(before, name)


def test_undoing_a_failover_home_leaves_the_copy_at_home_on_its_virtual_network(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans)
        done(world, PLANNED)
        before = world.state()

        done(world, Case(operation="unplanned", direction="back"))
        home = world.state()
        done(world, Case(operation="undo", direction="back"))
        after = world.state()

    assert vm(home, "pay01", "tokyo")["state"] == "Running"
    copy = vm(after, "pay01", "tokyo")
    assert networks(copy) == {"Network Adapter": "tokyo-prod", "Backup": "tokyo-backup"}
    assert copy == vm(before, "pay01", "tokyo")


def test_a_lost_site_is_not_waited_for_and_all_is_as_before_when_it_has_come_back(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans)
        before = world.state()
        done(world, TEST, CLEANUP)  # it has seen the networks in Tokyo
        world.arm(kind="partition", site="tokyo")

        done(world, Case(operation="unplanned", options=GONE))
        away = world.state()
        world.mend()
        done(world, *(Case(operation=each) for each in ("commit", "reverse")), BACK)
        home = world.state()

    assert networks(vm(away, "pay01")) == AWAY
    assert networks(vm(away, "pay02")) == {"Network Adapter": "osaka-prod"}
    for name, site in (("pay01", "tokyo"), ("pay02", "tokyo"), ("pay01", "osaka")):
        assert vm(home, name, site)["adapters"] == vm(before, name, site)["adapters"]
    assert ours(home) == {}


def test_cancelling_leaves_the_vms_on_the_virtual_networks_where_they_ran(tmp_path: Path) -> None:
    down = Case(operation="planned", stops="intent:failover")
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans)
        before = world.state()

        world.carry_out(down)
        stopped = vm(world.state(), "pay01", "tokyo")["state"]
        done(world, Case(operation="cancel"))
        after, ready = world.state(), steps(world, "ready")

    assert stopped == "Off"
    assert list(unequal(machines(before), machines(after))) == []
    # Only who knows the network that it is on reaches it: VMM told.
    assert ready["payroll/pay01/ready"].evidence["probes"] == ["tcp 5432 on 10.1.0.41: open"]


def test_without_vmm_in_the_left_site_a_planned_failover_needs_what_a_run_has_seen(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans, survey_timeout="10s")
        world.arm(kind="host-refuses", host="vmm-tokyo")
        before = world.state()

        unknown = world.carry_out(PLANNED)
        untouched = world.state()
        world.mend()
        done(world, TEST, CLEANUP)
        world.arm(kind="host-silent", host="vmm-tokyo")
        done(world, PLANNED)
        away = world.state()

    assert unknown.state == "FAILED"
    assert "only VMM knows the networks of pay01, pay02 in tokyo" in unknown.message
    assert list(unequal(before, untouched)) == []
    assert networks(vm(away, "pay01")) == AWAY


def test_what_vmm_and_the_estate_call_differently_is_refused(tmp_path: Path) -> None:
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans, except_for=frozenset({"osaka-test"}))
        before = world.state()

        unsaid = world.carry_out(TEST)

        assert unsaid.state == "FAILED"
        assert "vmm-osaka shows osaka-test as a network of Windows Network" in unsaid.message
        assert "write `virtual` as the `isolation` of osaka-test" in unsaid.message
        assert list(unequal(before, world.state())) == []
    with a_world(tmp_path / "lab") as world:
        virtual_estate(world.plans)

        untrue = world.carry_out(TEST)

    assert untrue.state == "FAILED"
    assert "the estate calls osaka-prod virtual, and vmm-osaka shows it as VLAN" in untrue.message


def test_an_answer_of_vmm_that_is_lost_is_settled_by_looking(tmp_path: Path) -> None:
    with a_world(tmp_path / "lab", change_lab=virtual_lab) as world:
        virtual_estate(world.plans)
        world.arm(kind="lose-reply", host="vmm-osaka", cmdlet="Set-SCVirtualNetworkAdapter")

        done(world, UNPLANNED)
        away, log = world.state(), changes(world, "pay01")

    assert networks(vm(away, "pay01")) == AWAY
    assert log.count("Set-SCVirtualNetworkAdapter") == 2


def test_where_nothing_is_virtual_no_vmm_is_asked_for_it(tmp_path: Path) -> None:
    with a_world(tmp_path / "lab") as world:
        done(world, PLANNED)

        assert asked(world, "vmm-tokyo") == 0
        assert asked(world, "hv-tokyo-1") > 0
