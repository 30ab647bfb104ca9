"""Addresses and networks, operation by operation, on the lab: taken, found, doubted, given back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from tests.campaign.comparison import unequal
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

PLANNED = Case(operation="planned")
BACK = Case(operation="planned", direction="back")
UNPLANNED = Case(operation="unplanned")
TEST = Case(operation="test")
CLEANUP = Case(operation="cleanup")


def vm(state: Any, name: str, site: str = "osaka") -> Any:
    """The VM of that name in the lab's state."""
    found = [
        each
        for host in state["sites"][site]["hosts"]
        for each in host["vms"]
        if each["name"] == name
    ]
    assert len(found) == 1, name
    return found[0]


def machines(state: Any) -> Any:
    """Everything but DNS, which has stories of its own."""
    return {
        name: {"hosts": site["hosts"], "networks": site["networks"]}
        for name, site in state["sites"].items()
    }


def networks(machine: Any) -> dict[str, str | None]:
    return {each["name"]: each["network"] for each in machine["adapters"]}


def switches(machine: Any) -> dict[str, str | None]:
    return {each["name"]: each["switch"] for each in machine["adapters"]}


def grants(state: Any) -> dict[str, list[str]]:
    """What each pool has granted."""
    return {
        pool["name"]: [f"{each['address']} {each['description']}" for each in pool["grants"]]
        for site in state["sites"].values()
        for network in site["networks"]
        for pool in network["pools"]
        if pool["grants"]
    }


def newest(world: World) -> RunRecord:
    with closing(Journal.open(f"sqlite:///{world.home / 'journal.db'}")) as journal:
        (run,) = journal.runs(limit=1)
        return replay(entry.event for entry in journal.read(run.run_id))


def carried_out(world: World, *cases: Case) -> None:
    for case in cases:
        outcome = world.carry_out(case)
        assert outcome.state == "COMPLETED", f"{case.name}: {outcome.message}"


def test_a_round_trip_leaves_the_estate_as_it_began(tmp_path: Path) -> None:
    with a_world(tmp_path / "lab") as world:
        before = world.state()

        carried_out(world, PLANNED)
        away = world.state()
        carried_out(world, BACK)

        after = world.state()
    assert networks(vm(away, "pay01")) == {
        "Network Adapter": "osaka-prod",
        "Backup": "osaka-backup",
    }
    assert {*vm(away, "pay01")["addresses"]} >= {"10.2.0.41", "10.2.9.41"}
    assert grants(away) == {"osaka-prod-pool": ["10.2.0.200 secondsite: failover of pay02"]}
    assert "10.2.0.200" in vm(away, "pay02")["addresses"]
    assert list(unequal(machines(before), machines(after))) == []


def test_undo_gives_back_what_an_unplanned_failover_took(tmp_path: Path) -> None:
    with a_world(tmp_path / "lab", UNPLANNED) as world:
        away = world.state()

        carried_out(world, Case(operation="undo"))

        after = world.state()
    assert grants(away)
    assert grants(after) == {}
    for name in ("pay01", "pay02"):
        replica = vm(after, name)
        assert replica["state"] == "Off"
        for adapter in replica["adapters"]:
            assert (adapter["network"], adapter["failover_ipv4"]) == (None, None)


def test_a_test_puts_each_adapter_where_it_belongs_and_clean_up_leaves_nothing(
    tmp_path: Path,
) -> None:
    tested: dict[str, Any] = {}
    with a_world(tmp_path / "lab") as world:
        before = world.state()

        for network in ("as the estate says", "none"):
            carried_out(world, Case(operation="test", options={"network": network}))
            tested[network] = world.state()
            carried_out(world, CLEANUP)

            assert list(unequal(machines(before), machines(world.state()))) == [], network
    usual = vm(tested["as the estate says"], "pay01 - Test")
    assert networks(usual) == {
        "Network Adapter": "osaka-test",
        "Backup": "osaka-backup-test",
    }
    assert grants(tested["as the estate says"]) == {
        "osaka-test-pool": ["10.2.0.200 secondsite: test of pay02"]
    }
    assert switches(vm(tested["none"], "pay01 - Test")) == {"Network Adapter": None, "Backup": None}


@pytest.mark.parametrize("counts", ["guest", "vmm"])
def test_stale_addresses_do_not_count_and_a_disagreement_is_told(
    counts: str, tmp_path: Path
) -> None:
    with a_world(tmp_path / "lab") as world:
        estate = world.plans / "estate.yaml"
        estate.write_text(estate.read_text() + f"\naddresses_from: {counts}\n")
        world.arm(kind="stale-address", vm="pay01", text="10.1.0.41")
        if counts == "guest":
            world.arm(kind="vmm-stale-address", vm="pay01", text="10.1.0.99")

        carried_out(world, TEST)

        record = newest(world)
    found = record.vm("pay01")
    assert found is not None
    assert found.addresses == ("10.2.0.41", "10.2.9.41")
    (step,) = (each for each in record.steps if each.id == "payroll/pay01/address")
    assert [each["addresses"] for each in step.evidence["adapters"]] == [
        ["10.2.0.41"],
        ["10.2.9.41"],
    ]
    told = [note.text for note in record.notes if note.step == step.id]
    if counts == "guest":
        assert len(told) == 1
        assert "10.1.0.99" in told[0]
        assert step.evidence["disagreement"] == told[0]
    else:
        assert not told, "the guest's stale address counts nowhere, and VMM shows the right ones"


def test_with_the_site_gone_what_a_rehearsal_has_seen_counts(tmp_path: Path) -> None:
    gone = {"primary_side": "skip", "other_site_is_gone": "the test says so"}
    with a_world(tmp_path / "lab", TEST, CLEANUP) as world:
        world.arm(kind="partition", site="tokyo")

        carried_out(world, Case(operation="unplanned", options=gone))

        away = world.state()
    assert networks(vm(away, "pay01")) == {
        "Network Adapter": "osaka-prod",
        "Backup": "osaka-backup",
    }
    assert "10.2.9.41" in vm(away, "pay01")["addresses"]


def test_a_full_pool_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    def one_address(text: str) -> str:
        return text.replace(
            "first: 10.2.0.200, last: 10.2.0.239", "first: 10.2.0.99, last: 10.2.0.99"
        )

    with a_world(tmp_path / "lab", change_lab=one_address) as world:
        before = world.state()
        plan = (world.plans / "payroll.yaml").read_text()
        both = plan.replace(
            "        # Its second", "        adapters: {Backup: keep}\n        # Its second"
        )
        (world.plans / "both.yaml").write_text(
            both.replace("name: payroll\n", "name: both\n", 1).replace(
                "address: {ipv4: 10.2.0.41/24, gateway: 10.2.0.1, dns: [10.2.0.10]}",
                "address: pool",
            )
        )

        outcome = world.carry_out(Case(operation="planned", plan="both"))

        assert world.state() == before
    assert outcome.state == "FAILED"
    assert "the static IP address pools of osaka-prod have 1 IPv4 addresses free" in outcome.message
