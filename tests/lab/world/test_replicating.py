from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from secondsite.lab.faults import Fault, FaultKind
from secondsite.lab.world import LabRefusal
from secondsite.lab.world.values import (
    Health,
    ReplicationMode,
    ReplicationState,
    SnapshotType,
    VmState,
)

S, M = ReplicationState, ReplicationMode


def _state(stage: Any, host: Any, name: str) -> str:
    return str(stage.vm(host, name).replication_state.name)


def test_enabling_places_a_replica_that_waits_for_the_first_copy(stage: Any) -> None:
    stage.primary.enable_vm_replication("hr01", replica_server="hv-osaka-1.corp.example")

    replica = stage.vm(stage.recovery, "hr01")
    assert _state(stage, stage.primary, "hr01") == "ReadyForInitialReplication"
    assert (replica.mode, replica.replication_state) == (M.Replica, S.WaitingForInitialReplication)
    assert replica.id == stage.vm(stage.primary, "hr01").id
    assert (replica.state, replica.adapters[0].switch) == (VmState.Off, None)


def test_both_sides_replicate_when_the_first_copy_is_done(stage: Any) -> None:
    stage.primary.enable_vm_replication("hr01", replica_server="hv-osaka-1")
    stage.primary.start_vm_initial_replication("hr01")

    stage.wait(minutes=9, seconds=59)
    during = (_state(stage, stage.primary, "hr01"), _state(stage, stage.recovery, "hr01"))
    stage.wait(seconds=1)

    assert during == ("InitialReplicationInProgress",) * 2
    assert _state(stage, stage.primary, "hr01") == "Replicating"
    assert _state(stage, stage.recovery, "hr01") == "Replicating"


def test_a_first_copy_that_was_stopped_never_finishes(stage: Any) -> None:
    stage.primary.enable_vm_replication("hr01", replica_server="hv-osaka-1")
    stage.primary.start_vm_initial_replication("hr01")
    stage.wait(minutes=5)

    stage.primary.stop_vm_initial_replication("hr01")
    stage.wait(hours=1)

    assert _state(stage, stage.primary, "hr01") == "ReadyForInitialReplication"
    assert _state(stage, stage.recovery, "hr01") == "WaitingForInitialReplication"


def test_a_first_copy_may_come_from_media(stage: Any) -> None:
    stage.primary.enable_vm_replication("hr01", replica_server="hv-osaka-1")

    stage.recovery.import_vm_initial_replication("hr01")

    assert _state(stage, stage.primary, "hr01") == "Replicating"
    assert _state(stage, stage.recovery, "hr01") == "Replicating"


@pytest.mark.parametrize("server", ["hv-kyoto-1", None, "hv-tokyo-1"])
def test_replication_needs_another_host_that_is_there(stage: Any, server: str | None) -> None:
    with pytest.raises(LabRefusal, match="failed to enable replication"):
        stage.primary.enable_vm_replication("hr01", replica_server=server)

    assert stage.vm(stage.primary, "hr01").replications == []


def test_a_replicated_vm_is_not_enabled_again(stage: Any) -> None:
    with pytest.raises(LabRefusal, match="already enabled"):
        stage.primary.enable_vm_replication("sql01", replica_server="hv-osaka-1")


def test_a_suspended_replication_stands_still_until_it_is_resumed(stage: Any) -> None:
    relation = stage.vm(stage.primary, "sql01").replication
    stage.wait(minutes=6)
    stage.primary.suspend_vm_replication("sql01")
    stage.wait(hours=1)
    suspended_at = stage.recovery.last_replication_at(relation)
    health = relation.health

    stage.primary.resume_vm_replication("sql01")
    stage.wait(minutes=5)

    assert stage.moment - suspended_at == timedelta(hours=1, minutes=6)
    assert health is Health.Warning
    assert _state(stage, stage.primary, "sql01") == "Replicating"
    assert stage.primary.last_replication_at(relation) == stage.moment


def test_resuming_what_is_not_paused_is_refused(stage: Any) -> None:
    with pytest.raises(LabRefusal, match="not in a valid replication state"):
        stage.primary.resume_vm_replication("sql01")


def test_the_last_replication_is_the_last_whole_cycle(stage: Any) -> None:
    relation = stage.vm(stage.recovery, "sql01").replication
    begun = stage.moment

    stage.wait(minutes=14)

    assert stage.recovery.last_replication_at(relation) == begun + timedelta(minutes=10)


def test_removing_is_done_on_each_side_and_leaves_the_machines(stage: Any) -> None:
    stage.primary.remove_vm_replication("sql01")
    stage.recovery.remove_vm_replication("sql01")

    assert stage.vm(stage.primary, "sql01").mode is M.None_
    assert stage.vm(stage.recovery, "sql01").recovery_points == []
    with pytest.raises(LabRefusal, match="not enabled for replication"):
        stage.primary.get_vm_replication("sql01")


def test_recovery_points_appear_by_the_hour_and_no_more_are_kept_than_wanted(stage: Any) -> None:
    replica = stage.vm(stage.recovery, "sql01")
    before = [point.id for point in replica.recovery_points]

    stage.wait(hours=1)

    after = replica.recovery_points
    assert [point.id for point in after[:2]] == before[1:]
    assert after[2].created_at == stage.moment
    assert {point.kind for point in after} == {
        SnapshotType.Replica,
        SnapshotType.AppConsistentReplica,
    }


def test_no_recovery_point_is_made_while_the_sites_are_apart(stage: Any) -> None:
    replica = stage.vm(stage.recovery, "sql01")
    before = list(replica.recovery_points)
    stage.faults.add(Fault(kind=FaultKind.PARTITION, site="tokyo"))

    stage.wait(hours=3)

    assert replica.recovery_points == before


def test_a_cut_off_site_is_seen_in_health_and_last_time_and_heals(stage: Any) -> None:
    relation = stage.vm(stage.recovery, "sql01").replication
    stage.wait(minutes=5)
    fault = stage.faults.add(Fault(kind=FaultKind.PARTITION, site="tokyo"))
    cut_at = stage.moment
    stage.wait(hours=1)
    apart = (relation.health, stage.recovery.last_replication_at(relation))

    stage.faults.remove(fault.id)
    stage.wait(minutes=5)

    assert apart == (Health.Warning, cut_at)
    assert relation.health is Health.Normal
    assert stage.recovery.last_replication_at(relation) == stage.moment


def test_measuring_counts_cycles_that_ran_and_that_were_missed(stage: Any) -> None:
    stage.wait(minutes=30)
    stage.primary.suspend_vm_replication("sql01")
    stage.wait(minutes=10)

    (measure,) = stage.primary.measure_vm_replication("sql01")

    assert (measure.successful_count, measure.missed_count) == (6, 2)
    assert measure.health is Health.Warning
    assert measure.details


@pytest.mark.parametrize(
    "settings", [{"frequency_s": 60}, {"recovery_history": 25}, {"recovery_history": -1}]
)
def test_settings_that_hyper_v_does_not_have_are_refused(
    stage: Any, settings: dict[str, int]
) -> None:
    with pytest.raises(LabRefusal) as caught:
        stage.primary.set_vm_replication("sql01", **settings)

    assert caught.value.reason == "InvalidParameter"


def test_a_refused_setting_changes_nothing(stage: Any) -> None:
    with pytest.raises(LabRefusal):
        stage.primary.set_vm_replication("sql01", recovery_history=5, frequency_s=60)

    assert stage.vm(stage.primary, "sql01").replication.recovery_history == 3
