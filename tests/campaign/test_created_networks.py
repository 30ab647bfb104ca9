"""Networks that a test makes for itself in VMM: made, used, and gone again, on the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.campaign.comparison import unequal
from tests.campaign.test_addresses import grants, networks, newest, vm
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

TEST = Case(operation="test", options={"network": "created"})
CLEANUP = Case(operation="cleanup")

_PROD, _BACKUP = "(made of drill: 10.2.0.0/24, 2001:db8:2::/64)", "(made of drill: 10.2.9.0/24)"


def virtual(text: str) -> str:
    """The lab with logical networks of Windows Network Virtualization instead of VLANs."""
    for name, subnet in (("osaka-prod", "10.2.0.0"), ("osaka-backup", "10.2.9.0")):
        before, _, after = text.partition(f"      - name: {name}\n")
        after = after.replace("        vlan: 210\n", "        virtual: true\n", 1)
        after = after.replace("        vlan: 220\n", "        virtual: true\n", 1)
        shared, own = (f"switch: {each}\n        virtual" for each in ("vs-prod", f"vs-{name}"))
        after = after.replace(shared, own, 1)
        after = after.replace("        dhcp: {first: 10.2.0.100, last: 10.2.0.199}\n", "", 1)
        if name == "osaka-backup":
            pool = "        pools: [{name: backup-pool, first: 10.2.9.200, last: 10.2.9.239}]\n"
            line = f"        subnets: [{subnet}/24]\n"
            after = after.replace(line, line + pool, 1)
        text = f"{before}      - name: {name}\n{after}"
    return text


def without_drill(world: World) -> None:
    """The estate names no logical network for tests, and knows which networks are virtual."""
    estate = world.plans / "estate.yaml"
    text = estate.read_text().replace("    test_logical_network: drill\n", "")
    for name, vlan in (("osaka-prod", 210), ("osaka-backup", 220)):
        text = text.replace(
            f"      - name: {name}\n        switch: vs-prod\n        vlan: {vlan}\n",
            f"      - name: {name}\n        isolation: virtual\n",
        )
    estate.write_text(text)


def made(state: Any) -> list[str]:
    return [
        each["name"]
        for each in state["sites"]["osaka"]["networks"]
        if each["name"].startswith("(made")
    ]


def steps(world: World, *actions: str) -> dict[str, Any]:
    return {each.id: each for each in newest(world).steps if each.action in actions}


def test_free_vlans_of_the_logical_network_for_tests_take_the_place_of_the_mapped_networks(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "lab") as world:
        before = world.state()

        up = world.carry_out(TEST)
        state, done = world.state(), steps(world, "make-networks", "ready", "address")
        down = world.carry_out(CLEANUP)

        assert (up.state, down.state) == ("COMPLETED", "COMPLETED"), (up.message, down.message)
        assert networks(vm(state, "pay01 - Test")) == {"Network Adapter": _PROD, "Backup": _BACKUP}
        # Of another host, in the same network: they see each other.
        assert networks(vm(state, "pay02 - Test")) == {"Network Adapter": _PROD}
        assert vm(state, "pay01 - Test")["adapters"][0]["vlan"] == 300
        assert grants(state) == {"10.2.0.0/24": ["10.2.0.200 secondsite: test of pay02"]}
        # The engine reaches them through the logical network's masquerade.
        probes = done["payroll/pay01/ready"].evidence["probes"]
        assert probes == ["tcp 5432 on 10.2.0.41: open"]
        assert done["payroll/pay02/address"].evidence["addresses"] == ["10.2.0.200"]
        assert list(unequal(before, world.state())) == []


def test_virtual_networks_are_copied_with_subnets_and_pools(tmp_path: Path) -> None:
    with a_world(tmp_path / "lab", change_lab=virtual) as world:
        without_drill(world)
        before = world.state()

        up = world.carry_out(TEST)
        state, done = world.state(), steps(world, "make-networks", "ready", "address")
        down = world.carry_out(CLEANUP)

        assert (up.state, down.state) == ("COMPLETED", "COMPLETED"), (up.message, down.message)
        assert networks(vm(state, "pay01 - Test")) == {
            "Network Adapter": "(made of production: 10.2.0.0/24, 2001:db8:2::/64)",
            "Backup": "(made of backup: 10.2.9.0/24)",
        }
        assert done["payroll/pay01/address"].evidence["addresses"] == ["10.2.0.41"]
        assert done["payroll/pay02/address"].evidence["addresses"] == ["10.2.0.200"]
        # Nobody leads there, so that only heartbeats count.
        assert (
            "probes" not in done["payroll/pay01/ready"].evidence
            or not (done["payroll/pay01/ready"].evidence["probes"])
        )
        assert "nothing leads into" in done["payroll/pay01/ready"].evidence["not_probed"]
        assert list(unequal(before, world.state())) == []


def test_without_a_logical_network_for_tests_vlans_of_production_are_refused(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "lab") as world:
        estate = world.plans / "estate.yaml"
        text = estate.read_text()
        estate.write_text(text.replace("    test_logical_network: drill\n", ""))
        before = world.state()

        outcome = world.carry_out(TEST)

        assert outcome.state == "FAILED"
        assert (
            "osaka-prod is of the logical network production, whose VLANs lead into production"
        ) in outcome.message
        assert "test_logical_network" in outcome.message
        assert list(unequal(before, world.state())) == []


def test_a_clean_up_takes_over_when_the_engine_died_between_making_and_telling(
    tmp_path: Path,
) -> None:
    died = Case(operation="test", options={"network": "created"}, stops="outcome:failover/networks")
    with a_world(tmp_path / "lab") as world:
        before = world.state()

        world.carry_out(died)
        left = made(world.state())
        outcome = world.carry_out(CLEANUP)

        assert len(left) == 2
        assert outcome.state == "COMPLETED", outcome.message
        assert list(unequal(before, world.state())) == []
