from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

import pytest

from secondsite.lab.faults import Fault, FaultKind
from secondsite.lab.world import LabRefusal
from secondsite.lab.world.values import Heartbeat, SwitchType, VmState


def _test_vm(stage: Any, name: str = "sql01") -> Any:
    return stage.recovery.start_vm_failover(name, as_test=True).vm


def _connect_to_test_network(stage: Any, vm: Any) -> None:
    stage.recovery.connect_vm_network_adapter(vm.id, switch="vs-test")
    stage.recovery.set_vm_network_adapter_vlan(vm.id, access_vlan=290)


def test_a_guest_beats_after_its_boot_time_and_not_before(stage: Any) -> None:
    vm = _test_vm(stage)
    stage.recovery.start_vm(vm.name)

    stage.wait(seconds=3 + 59.9)
    before = stage.recovery.heartbeat(vm)
    stage.wait(seconds=0.2)

    assert before is Heartbeat.NoContact
    assert stage.recovery.heartbeat(vm) is Heartbeat.OkApplicationsUnknown


def test_a_vm_is_starting_before_it_runs(stage: Any) -> None:
    vm = _test_vm(stage)

    done = stage.recovery.start_vm(vm.name)

    at_once = vm.state
    stage.wait(seconds=3)
    assert done.takes_s == 3
    assert at_once is VmState.Starting
    assert vm.state is VmState.Running
    assert vm.running_since == datetime(2026, 3, 1, 0, 0, 3, tzinfo=UTC)


def test_time_that_passed_unwatched_is_caught_up_exactly(stage: Any) -> None:
    vm = _test_vm(stage)
    stage.recovery.start_vm(vm.name)

    stage.wait(hours=1)

    assert vm.running_since == datetime(2026, 3, 1, 0, 0, 3, tzinfo=UTC)
    assert vm.guest.open_ports == {1433, 8080}


def test_addresses_are_reported_after_the_heartbeat_and_services_open_in_their_own_time(
    stage: Any,
) -> None:
    vm = _test_vm(stage)
    _connect_to_test_network(stage, vm)
    stage.recovery.start_vm(vm.name)

    stage.wait(seconds=3 + 60)
    at_heartbeat = (vm.addresses, vm.guest.open_ports)
    stage.wait(seconds=5)
    reported = vm.addresses
    stage.wait(seconds=5)

    assert at_heartbeat == ((), {8080})
    assert reported[0] == "10.1.0.21"
    assert reported[1].startswith("fe80::")
    assert vm.guest.open_ports == {1433, 8080}


def test_an_injected_address_goes_before_the_guests_own(stage: Any) -> None:
    stage.recovery.set_vm_network_adapter_failover_configuration(
        "sql01", ipv4=IPv4Interface("10.2.0.21/24"), ipv4_gateway=IPv4Address("10.2.0.1")
    )
    vm = _test_vm(stage)
    _connect_to_test_network(stage, vm)
    stage.recovery.start_vm(vm.name)

    stage.wait(minutes=2)

    assert vm.addresses[0] == "10.2.0.21"


def test_a_guest_without_static_address_gets_the_same_lease_every_time(stage: Any) -> None:
    found = []
    for _ in range(2):
        vm = _test_vm(stage, "web01")
        _connect_to_test_network(stage, vm)
        stage.recovery.start_vm(vm.name)
        stage.wait(minutes=2)
        found.append(vm.addresses[0])
        stage.recovery.stop_vm_failover("web01")

    assert found == ["10.2.0.101"] * 2


def test_a_guest_that_is_not_connected_has_only_link_local_addresses(stage: Any) -> None:
    vm = _test_vm(stage, "web01")
    stage.recovery.start_vm(vm.name)

    stage.wait(minutes=2)

    assert vm.addresses[0].startswith("169.254.")
    assert vm.addresses[1].startswith("fe80::")


def test_a_guest_on_a_switch_without_network_gets_no_address_by_dhcp(stage: Any) -> None:
    stage.recovery.new_vm_switch("bubble", kind=SwitchType.Private)
    vm = _test_vm(stage, "web01")
    stage.recovery.connect_vm_network_adapter(vm.id, switch="bubble")
    stage.recovery.start_vm(vm.name)

    stage.wait(minutes=2)

    assert vm.addresses[0].startswith("169.254.")


def test_the_second_guest_with_an_address_in_one_network_does_without(stage: Any) -> None:
    for name in ("sql01", "web01"):
        stage.recovery.set_vm_network_adapter_failover_configuration(
            name, ipv4=IPv4Interface("10.2.0.50/24")
        )
    machines = [_test_vm(stage, name) for name in ("sql01", "web01")]
    for vm in machines:
        _connect_to_test_network(stage, vm)
        stage.recovery.start_vm(vm.name)
        stage.wait(minutes=2)

    assert machines[0].addresses[0] == "10.2.0.50"
    assert machines[1].addresses[0].startswith("169.254.")


def test_a_guest_that_is_connected_while_it_runs_takes_an_address(stage: Any) -> None:
    vm = _test_vm(stage, "web01")
    stage.recovery.start_vm(vm.name)
    stage.wait(minutes=2)

    _connect_to_test_network(stage, vm)
    stage.wait(seconds=6)

    assert vm.addresses[0] == "10.2.0.101"


def test_a_stopping_guest_closes_its_ports_at_once_and_is_off_after_its_time(stage: Any) -> None:
    vm = stage.vm(stage.primary, "sql01")

    done = stage.primary.stop_vm("sql01")
    at_once = (vm.state, vm.guest.open_ports, vm.addresses)
    stage.wait(seconds=20)

    assert done.takes_s == 20
    assert at_once == (VmState.Stopping, frozenset(), ())
    assert vm.state is VmState.Off
    assert IPv4Address("10.1.0.21") not in stage.world.sites["tokyo"].networks["tokyo-prod"].holders


def test_turning_off_needs_no_guest_and_no_time(stage: Any) -> None:
    done = stage.primary.stop_vm("sql01", turn_off=True)

    assert done.takes_s == 0
    assert stage.vm(stage.primary, "sql01").state is VmState.Off


def test_a_boot_that_was_interrupted_never_finishes(stage: Any) -> None:
    vm = _test_vm(stage)
    stage.recovery.start_vm(vm.name)
    stage.wait(seconds=30)

    stage.recovery.stop_vm(vm.name, turn_off=True)
    stage.wait(hours=1)

    assert vm.state is VmState.Off
    assert stage.recovery.heartbeat(vm) is Heartbeat.NoContact


def test_a_guest_that_does_not_beat_cannot_be_shut_down(stage: Any) -> None:
    vm = _test_vm(stage)
    stage.recovery.start_vm(vm.name)
    stage.wait(seconds=10)

    with pytest.raises(LabRefusal, match="failed to shut down"):
        stage.recovery.stop_vm(vm.name)

    assert vm.state is VmState.Running


def test_starting_or_stopping_twice_only_warns(stage: Any) -> None:
    again = stage.primary.start_vm("sql01")
    stage.primary.stop_vm("sql01", turn_off=True)
    off_again = stage.primary.stop_vm("sql01")

    assert "already in the specified state" in again.warning
    assert "already in the specified state" in off_again.warning


def test_a_vm_without_memory_for_it_is_refused_and_stays_off(stage: Any) -> None:
    for name in ("sql01", "web01"):
        stage.recovery.start_vm(_test_vm(stage, name).name)
    free = stage.recovery.get_vm_host().free_memory_mib
    vm = stage.vm(stage.recovery, "sql01 - Test")
    stage.recovery.stop_vm(vm.name, turn_off=True)
    vm.memory_mib = free + 4096 + 1

    with pytest.raises(LabRefusal, match="Not enough memory") as caught:
        stage.recovery.start_vm(vm.name)

    assert caught.value.reason == "OutOfMemory"
    assert vm.state is VmState.Off
    assert free == (16 - 2 - 8) * 1024


@pytest.mark.parametrize("selected", ["sql01", "sql01 - Test", None])
def test_a_vm_that_never_boots_may_be_named_by_its_replica(stage: Any, selected: str) -> None:
    stage.faults.add(Fault(kind=FaultKind.VM_NEVER_BOOTS, vm=selected))
    vm = _test_vm(stage)
    stage.recovery.start_vm(vm.name)

    stage.wait(hours=1)

    assert vm.state is VmState.Running
    assert stage.recovery.heartbeat(vm) is Heartbeat.NoContact
    assert vm.guest.open_ports == frozenset()


def test_a_slow_boot_takes_that_much_longer(stage: Any) -> None:
    stage.faults.add(Fault(kind=FaultKind.VM_SLOW_BOOT, vm="sql01", seconds=120))
    vm = _test_vm(stage)
    stage.recovery.start_vm(vm.name)

    stage.wait(seconds=3 + 60 + 119)
    before = stage.recovery.heartbeat(vm)
    stage.wait(seconds=1)

    assert before is Heartbeat.NoContact
    assert stage.recovery.heartbeat(vm) is Heartbeat.OkApplicationsUnknown


def test_a_lost_heartbeat_comes_back_when_it_is_mended(stage: Any) -> None:
    vm = stage.vm(stage.primary, "sql01")
    fault = stage.faults.add(Fault(kind=FaultKind.HEARTBEAT_LOST, vm="sql01"))

    lost = stage.primary.heartbeat(vm)
    stage.faults.remove(fault.id)

    assert lost is Heartbeat.LostCommunication
    assert stage.primary.heartbeat(vm) is Heartbeat.OkApplicationsUnknown


def test_the_scale_shortens_everything_by_one_factor(stage: Any) -> None:
    stage.world.clock.scale = 0.1
    vm = _test_vm(stage)

    done = stage.recovery.start_vm(vm.name)
    stage.wait(seconds=6.3)

    assert done.takes_s == pytest.approx(0.3)
    assert stage.recovery.heartbeat(vm) is Heartbeat.OkApplicationsUnknown


def test_restarting_boots_again(stage: Any) -> None:
    vm = stage.vm(stage.primary, "sql01")

    stage.primary.restart_vm("sql01")
    stage.wait(seconds=30)
    booting = stage.primary.heartbeat(vm)
    stage.wait(seconds=60)

    assert booting is Heartbeat.NoContact
    assert stage.primary.heartbeat(vm) is Heartbeat.OkApplicationsUnknown
    assert vm.uptime_s(stage.moment) == pytest.approx(87)


def test_every_power_change_is_recorded_with_host_and_machine(stage: Any) -> None:
    stage.primary.stop_vm("sql01", turn_off=True)

    change = stage.changes[-1]

    assert (change["kind"], change["site"], change["host"]) == ("change", "tokyo", "hv-tokyo-1")
    assert (change["cmdlet"], change["vm"]) == ("Stop-VM", "sql01")
    assert datetime.fromisoformat(change["at"]) - stage.moment == timedelta(0)
