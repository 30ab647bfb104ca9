from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from secondsite.lab.snapshot import snapshot
from secondsite.lab.world import LabRefusal
from secondsite.lab.world.timetable import Timetable
from secondsite.lab.world.values import SwitchType


def _note(happened: list[str], label: str, _: datetime) -> None:
    happened.append(label)


def test_what_is_due_happens_in_order_of_time_then_of_planning() -> None:
    timetable = Timetable()
    happened: list[str] = []
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for label, offset_s in (("late", 2), ("first", 1), ("second", 1), ("future", 9)):
        timetable.add(start + timedelta(seconds=offset_s), partial(_note, happened, label))

    timetable.settle(start + timedelta(seconds=5))

    assert happened == ["first", "second", "late"]
    assert timetable.next_due == start + timedelta(seconds=9)


def test_two_starts_of_one_lab_have_the_same_ids(new_stage: Callable[[], Any]) -> None:
    one, other = new_stage(), new_stage()
    for stage in (one, other):
        stage.recovery.start_vm_failover("web01", as_test=True)

    assert snapshot(one.world) == snapshot(other.world)


def test_the_stable_state_is_the_same_after_a_test_that_was_cleaned_up(stage: Any) -> None:
    before = snapshot(stage.world, stable=True)
    stage.recovery.start_vm_failover("sql01", as_test=True)
    stage.recovery.start_vm("sql01 - Test")
    stage.wait(minutes=2)
    during = snapshot(stage.world, stable=True)

    stage.recovery.stop_vm_failover("sql01")
    stage.wait(minutes=2)

    assert during != before
    assert snapshot(stage.world, stable=True) == before


def test_the_stable_state_does_not_tell_the_time(stage: Any) -> None:
    before = snapshot(stage.world, stable=True)

    stage.wait(hours=5)

    assert snapshot(stage.world, stable=True) == before
    assert snapshot(stage.world) != before


def test_the_state_tells_per_site_what_people_ask_for(stage: Any) -> None:
    state = snapshot(stage.world, dns={"osaka": {"ns": {"zones": []}}})

    vm = state["sites"]["tokyo"]["hosts"][0]["vms"][1]
    assert vm["name"] == "sql01"
    assert (vm["state"], vm["network"]) == ("Running", "tokyo-prod")
    assert vm["replication"][0]["mode"] == "Primary"
    assert vm["addresses"][0] == "10.1.0.21"
    assert state["sites"]["osaka"]["dns"] == {"ns": {"zones": []}}
    assert [network["name"] for network in state["sites"]["osaka"]["networks"]] == [
        "osaka-prod",
        "osaka-test",
    ]


def test_hosts_are_found_with_and_without_dns_suffix(stage: Any) -> None:
    assert stage.world.host("HV-OSAKA-1.corp.example") is stage.recovery
    assert stage.world.host("hv-osaka-9") is None
    assert stage.world.site_of("vmm-osaka") == "osaka"


def test_names_with_wildcards_find_none_one_or_many(stage: Any) -> None:
    assert [vm.name for vm in stage.primary.get_vm("*01")] == ["sql01", "web01", "hr01"]
    assert stage.primary.get_vm("x*") == []
    with pytest.raises(LabRefusal):
        stage.primary.get_vm("x")
    with pytest.raises(LabRefusal):
        stage.primary.get_vm(vm_id="00000000-0000-0000-0000-000000000000")


def test_a_switch_that_is_removed_leaves_its_adapters_without_connection(stage: Any) -> None:
    stage.recovery.new_vm_switch("bubble", kind=SwitchType.Private, notes="ours")
    vm = stage.recovery.start_vm_failover("web01", as_test=True).vm
    stage.recovery.connect_vm_network_adapter(vm.id, switch="BUBBLE")

    stage.recovery.remove_vm_switch("bubble")

    assert vm.adapters[0].switch is None
    assert stage.recovery.get_vm_switch("bubble") == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda host: host.connect_vm_network_adapter("sql01", switch="vs-none"),
        lambda host: host.connect_vm_network_adapter("sql01", switch="vs-test", name="Second"),
        lambda host: host.connect_vm_network_adapter("sql99", switch="vs-test"),
        lambda host: host.set_vm_network_adapter_vlan("sql01", access_vlan=4095),
        lambda host: host.new_vm_switch("vs-test", kind=SwitchType.Private),
        lambda host: host.remove_vm_switch("vs-none"),
        lambda host: host.remove_vm("sql01"),
    ],
)
def test_a_refusal_changes_nothing(stage: Any, ask: Callable[[Any], object]) -> None:
    before, told = snapshot(stage.world), len(stage.changes)

    with pytest.raises(LabRefusal):
        ask(stage.recovery)

    assert snapshot(stage.world) == before
    assert len(stage.changes) == told


def test_only_one_of_many_threads_gets_the_test_failover(stage: Any) -> None:
    outcomes: list[str] = []

    def try_it() -> None:
        try:
            stage.recovery.start_vm_failover("sql01", as_test=True)
            outcomes.append("made")
        except LabRefusal:
            outcomes.append("refused")

    threads = [threading.Thread(target=try_it) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["made"] + ["refused"] * 15
