from __future__ import annotations

from ipaddress import IPv4Interface
from typing import Any

import pytest

from secondsite.lab.faults import Fault, FaultKind
from secondsite.lab.world import LabRefusal, VirtualMachine
from secondsite.lab.world.values import (
    Health,
    ReplicationMode,
    ReplicationState,
    ReplicationType,
    VmState,
)

S, M = ReplicationState, ReplicationMode


def _sides(stage: Any, name: str = "sql01") -> tuple[VirtualMachine, VirtualMachine]:
    return stage.vm(stage.primary, name), stage.vm(stage.recovery, name)


def _states(stage: Any, name: str = "sql01") -> list[tuple[str, str]]:
    return [(vm.mode.label, vm.replication_state.name) for vm in _sides(stage, name)]


def _prepare(stage: Any) -> None:
    stage.primary.stop_vm("sql01", turn_off=True)
    stage.primary.start_vm_failover("sql01", prepare=True)
    stage.wait(seconds=20)


def _fail_over_planned(stage: Any) -> None:
    _prepare(stage)
    stage.recovery.start_vm_failover("sql01")


# Test failover


def test_a_test_vm_appears_beside_its_replica_off_and_not_connected(stage: Any) -> None:
    done = stage.recovery.start_vm_failover("sql01", as_test=True)

    test_vm = done.vm
    assert test_vm.name == "sql01 - Test"
    assert (test_vm.state, test_vm.mode) == (VmState.Off, M.TestReplica)
    assert test_vm.adapters[0].switch is None
    assert test_vm.id != stage.vm(stage.recovery, "sql01").id
    assert stage.vm(stage.recovery, "sql01").replication.test_vm_id == test_vm.id
    assert _states(stage) == [("Primary", "Replicating"), ("Replica", "Replicating")]
    assert stage.vm(stage.primary, "sql01").state is VmState.Running


def test_only_one_test_failover_of_a_vm_at_a_time(stage: Any) -> None:
    stage.recovery.start_vm_failover("sql01", as_test=True)

    with pytest.raises(LabRefusal, match="Only one test failover") as caught:
        stage.recovery.start_vm_failover("sql01", as_test=True)

    assert caught.value.reason == "InvalidState"
    assert len([vm for vm in stage.recovery.get_vm() if vm.is_test]) == 1


def test_ending_a_test_removes_its_vm_even_while_it_runs_and_nothing_else(stage: Any) -> None:
    before = {vm.id for vm in stage.recovery.get_vm()}
    stage.recovery.start_vm_failover("sql01", as_test=True)
    stage.recovery.start_vm("sql01 - Test")
    stage.wait(minutes=2)

    stage.recovery.stop_vm_failover("sql01")

    assert {vm.id for vm in stage.recovery.get_vm()} == before
    assert stage.vm(stage.recovery, "sql01").replication.test_vm_id == ""
    assert _states(stage) == [("Primary", "Replicating"), ("Replica", "Replicating")]


def test_a_test_is_ended_by_the_replicas_name_not_by_its_own(stage: Any) -> None:
    stage.recovery.start_vm_failover("sql01", as_test=True)

    with pytest.raises(LabRefusal):
        stage.recovery.stop_vm_failover("sql01 - Test")

    assert stage.recovery.find("sql01 - Test") is not None


def test_there_is_nothing_to_end_without_a_failover(stage: Any) -> None:
    with pytest.raises(LabRefusal, match="cancel the failover"):
        stage.recovery.stop_vm_failover("sql01")


def test_the_test_switch_of_the_replica_connects_its_test_vm(stage: Any) -> None:
    stage.recovery.set_vm_network_adapter("sql01", test_replica_switch="vs-test")

    vm = stage.recovery.start_vm_failover("sql01", as_test=True).vm

    assert vm.adapters[0].switch == "vs-test"


def test_a_recovery_point_must_be_one_of_the_vm(stage: Any) -> None:
    other = stage.vm(stage.recovery, "web01").recovery_points[0]
    own = stage.vm(stage.recovery, "sql01").recovery_points[1]

    with pytest.raises(LabRefusal, match="not found") as caught:
        stage.recovery.start_vm_failover("sql01", as_test=True, snapshot_id=other.id)
    stage.recovery.start_vm_failover("sql01", as_test=True, snapshot_id=own.id.upper())

    assert caught.value.reason == "ObjectNotFound"
    assert stage.changes[-1]["detail"]["recovery_point"] == own.id


def test_a_vm_without_replication_cannot_be_failed_over(stage: Any) -> None:
    with pytest.raises(LabRefusal, match="not enabled for replication"):
        stage.primary.start_vm_failover("hr01", as_test=True)


def test_a_primary_cannot_be_tested(stage: Any) -> None:
    with pytest.raises(LabRefusal, match="start the test failover"):
        stage.primary.start_vm_failover("sql01", as_test=True)


def test_an_unknown_vm_is_told_in_windows_words(stage: Any) -> None:
    with pytest.raises(LabRefusal) as caught:
        stage.recovery.start_vm_failover("sql99", as_test=True)

    assert caught.value.message == (
        'Hyper-V was unable to find a virtual machine with name "sql99".'
    )
    assert (caught.value.reason, caught.value.category) == ("InvalidParameter", "InvalidArgument")


# Planned failover


def test_preparing_takes_its_time_and_both_sides_know(stage: Any) -> None:
    stage.primary.stop_vm("sql01", turn_off=True)
    stage.primary.start_vm_failover("sql01", prepare=True)

    stage.wait(seconds=19)
    before = _states(stage)[0]
    stage.wait(seconds=1)

    assert before == ("Primary", "Replicating")
    assert _states(stage) == [("Primary", "PreparedForFailover"), ("Replica", "Replicating")]
    assert stage.vm(stage.recovery, "sql01").replication.planned


def test_a_running_primary_cannot_be_prepared(stage: Any) -> None:
    with pytest.raises(LabRefusal, match="not in a valid state"):
        stage.primary.start_vm_failover("sql01", prepare=True)


@pytest.mark.parametrize("seconds", [5, 25])
def test_a_primary_that_is_prepared_or_being_prepared_does_not_start(
    stage: Any, seconds: float
) -> None:
    stage.primary.stop_vm("sql01", turn_off=True)
    stage.primary.start_vm_failover("sql01", prepare=True)
    stage.wait(seconds=seconds)

    with pytest.raises(LabRefusal):
        stage.primary.start_vm("sql01")


def test_preparing_needs_the_other_side(stage: Any) -> None:
    stage.primary.stop_vm("sql01", turn_off=True)
    stage.faults.add(Fault(kind=FaultKind.PARTITION, site="osaka"))

    with pytest.raises(LabRefusal, match="failed to reach replica server"):
        stage.primary.start_vm_failover("sql01", prepare=True)


def test_a_cancelled_preparation_lets_the_primary_start_again(stage: Any) -> None:
    _prepare(stage)

    stage.primary.stop_vm_failover("sql01")
    stage.primary.start_vm("sql01")

    assert _states(stage) == [("Primary", "Replicating"), ("Replica", "Replicating")]
    assert not stage.vm(stage.recovery, "sql01").replication.planned


def test_a_replica_does_not_start_before_it_is_failed_over(stage: Any) -> None:
    with pytest.raises(LabRefusal, match="not in a valid replication state"):
        stage.recovery.start_vm("sql01")


def test_a_planned_failover_loses_nothing_and_takes_no_recovery_point(stage: Any) -> None:
    _prepare(stage)
    point = stage.vm(stage.recovery, "sql01").recovery_points[0]

    with pytest.raises(LabRefusal, match="takes no recovery point"):
        stage.recovery.start_vm_failover("sql01", snapshot_id=point.id)
    stage.recovery.start_vm_failover("sql01")

    replica = stage.vm(stage.recovery, "sql01")
    assert replica.replication_state is S.FailedOverWaitingCompletion
    assert replica.replication.failed_over_type is ReplicationType.Planned
    assert stage.recovery.last_replication_at(replica.replication) == stage.moment


def test_the_round_trip_of_a_planned_failover(stage: Any) -> None:
    _fail_over_planned(stage)
    stage.recovery.set_vm_replication("sql01", reverse=True)
    reversed_states = _states(stage)
    stage.recovery.start_vm("sql01")
    stage.wait(minutes=2)

    stage.recovery.stop_vm("sql01", turn_off=True)
    stage.recovery.start_vm_failover("sql01", prepare=True)
    stage.wait(seconds=20)
    stage.primary.start_vm_failover("sql01")
    stage.primary.set_vm_replication("sql01", reverse=True)
    stage.primary.start_vm("sql01")
    stage.wait(minutes=2)

    assert reversed_states == [("Replica", "Replicating"), ("Primary", "Replicating")]
    assert _states(stage) == [("Primary", "Replicating"), ("Replica", "Replicating")]
    primary, replica = _sides(stage)
    assert (primary.state, replica.state) == (VmState.Running, VmState.Off)
    assert primary.addresses[0] == "10.1.0.21"
    assert primary.replication is not None
    assert primary.replication.primary_server == "hv-tokyo-1"
    assert replica.replication is not None
    assert replica.replication.replica_server == "hv-osaka-1"


def test_completing_a_planned_failover_before_reversing_is_possible_too(stage: Any) -> None:
    _fail_over_planned(stage)

    stage.recovery.complete_vm_failover("sql01")
    stage.recovery.set_vm_replication("sql01", reverse=True)

    assert _states(stage) == [("Replica", "Replicating"), ("Primary", "Replicating")]


def test_a_replica_that_ran_before_the_reversal_may_need_a_resynchronization(stage: Any) -> None:
    stage.world.resynchronize_after_start = True
    _fail_over_planned(stage)
    stage.recovery.start_vm("sql01")

    stage.recovery.set_vm_replication("sql01", reverse=True)
    waiting = _states(stage)[1]
    stage.recovery.resume_vm_replication("sql01", resynchronize=True)
    stage.wait(minutes=5)

    assert waiting == ("Primary", "WaitingForStartResynchronize")
    assert _states(stage) == [("Replica", "Replicating"), ("Primary", "Replicating")]


# Unplanned failover


def test_an_unplanned_failover_leaves_the_primary_as_it_is(stage: Any) -> None:
    stage.recovery.start_vm_failover("sql01")
    stage.recovery.start_vm("sql01")
    stage.wait(seconds=3)

    primary, replica = _sides(stage)
    assert (primary.mode, primary.state) == (M.Primary, VmState.Running)
    assert replica.state is VmState.Running  # in both sites: Hyper-V does not prevent it


def test_undo_turns_the_machine_off_and_lets_another_point_be_chosen(stage: Any) -> None:
    points = stage.vm(stage.recovery, "sql01").recovery_points
    stage.recovery.start_vm_failover("sql01", snapshot_id=points[-1].id)
    stage.recovery.start_vm("sql01")
    stage.wait(minutes=2)

    stage.recovery.stop_vm_failover("sql01")
    undone = _sides(stage)[1]
    undone_state = (undone.state, undone.replication_state)
    stage.recovery.start_vm_failover("sql01", snapshot_id=points[0].id)

    assert undone_state == (VmState.Off, S.Replicating)
    replica = stage.vm(stage.recovery, "sql01")
    assert replica.replication.failed_over_point == points[0].id
    assert replica.replication.failed_over_type is ReplicationType.ApplicationConsistent


def test_after_committing_there_is_no_undo_and_no_recovery_point(stage: Any) -> None:
    stage.recovery.start_vm_failover("sql01")

    stage.recovery.complete_vm_failover("sql01")

    replica = stage.vm(stage.recovery, "sql01")
    assert (replica.mode, replica.replication_state) == (M.Replica, S.FailedOver)
    assert replica.replication.health is Health.Warning
    assert replica.recovery_points == []
    with pytest.raises(LabRefusal):
        stage.recovery.stop_vm_failover("sql01")


def test_reversing_after_an_unplanned_failover_needs_the_old_primary_set_as_replica(
    stage: Any,
) -> None:
    stage.recovery.start_vm_failover("sql01")
    stage.recovery.complete_vm_failover("sql01")
    stage.primary.stop_vm("sql01", turn_off=True)

    with pytest.raises(LabRefusal, match="Primary in state Replicating"):
        stage.recovery.set_vm_replication("sql01", reverse=True)
    stage.primary.set_vm_replication("sql01", as_replica=True)
    stage.recovery.set_vm_replication("sql01", reverse=True, replica_server="hv-tokyo-1")
    ready = _states(stage)
    stage.recovery.start_vm_initial_replication("sql01")
    copying = _states(stage)
    stage.wait(minutes=10)

    assert ready == [
        ("Replica", "WaitingForInitialReplication"),
        ("Primary", "ReadyForInitialReplication"),
    ]
    assert copying[1] == ("Primary", "InitialReplicationInProgress")
    assert _states(stage) == [("Replica", "Replicating"), ("Primary", "Replicating")]


def test_a_running_old_primary_is_neither_set_as_replica_nor_reversed_to(stage: Any) -> None:
    stage.recovery.start_vm_failover("sql01")

    with pytest.raises(LabRefusal, match="not in a valid state"):
        stage.primary.set_vm_replication("sql01", as_replica=True)
    with pytest.raises(LabRefusal, match="is Running"):
        stage.recovery.set_vm_replication("sql01", reverse=True)


def test_a_dead_primary_site_does_not_hinder_a_failover_but_a_reversal(stage: Any) -> None:
    stage.faults.add(Fault(kind=FaultKind.PARTITION, site="tokyo"))
    stage.recovery.start_vm_failover("sql01")
    stage.recovery.start_vm("sql01")

    with pytest.raises(LabRefusal, match="cannot be reached"):
        stage.recovery.set_vm_replication("sql01", reverse=True)

    assert stage.vm(stage.recovery, "sql01").replication_state is S.FailedOverWaitingCompletion


def test_a_reversal_needs_a_host_that_takes_replicas(stage: Any) -> None:
    _fail_over_planned(stage)
    stage.primary.set_vm_replication_server(enabled=False)

    with pytest.raises(LabRefusal, match="does not accept replication"):
        stage.recovery.set_vm_replication("sql01", reverse=True)


def test_the_guests_setting_travels_with_its_disks(stage: Any) -> None:
    stage.recovery.set_vm_network_adapter_failover_configuration(
        "sql01", ipv4=IPv4Interface("10.2.0.21/24")
    )
    _fail_over_planned(stage)
    stage.recovery.set_vm_replication("sql01", reverse=True)
    stage.recovery.start_vm_failover("sql01", prepare=True)
    stage.wait(seconds=20)

    stage.primary.start_vm_failover("sql01")

    # Nothing was set for the way back: the guest in Tokyo still has its address of Osaka.
    assert str(stage.vm(stage.primary, "sql01").adapters[0].setting.ipv4) == "10.2.0.21/24"


def test_reverse_and_as_replica_exclude_each_other(stage: Any) -> None:
    with pytest.raises(LabRefusal) as caught:
        stage.primary.set_vm_replication("sql01", reverse=True, as_replica=True)

    assert caught.value.reason == "InvalidParameter"


def test_a_failed_over_replica_cannot_be_failed_over_again(stage: Any) -> None:
    stage.recovery.start_vm_failover("sql01")

    with pytest.raises(LabRefusal, match="start the failover"):
        stage.recovery.start_vm_failover("sql01")


def test_a_failover_address_needs_a_replicated_vm(stage: Any) -> None:
    with pytest.raises(LabRefusal, match="enabled for replication"):
        stage.primary.set_vm_network_adapter_failover_configuration(
            "hr01", ipv4=IPv4Interface("10.2.0.21/24")
        )


def test_the_new_replica_keeps_recovery_points_after_a_reversal(stage: Any) -> None:
    _fail_over_planned(stage)
    stage.recovery.set_vm_replication("sql01", reverse=True)

    stage.wait(hours=2)

    former_primary, former_replica = _sides(stage)
    assert len(former_primary.recovery_points) == 2
    assert former_replica.recovery_points == []
