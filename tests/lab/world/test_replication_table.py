from __future__ import annotations

import itertools

import pytest

from secondsite.lab.world import LabRefusal
from secondsite.lab.world.replication import TABLES, Operation, rule_for
from secondsite.lab.world.values import ReplicationMode, ReplicationState, VmState

O, M, S = Operation, ReplicationMode, ReplicationState  # noqa: E741

# Written down once more, from the Hyper-V reference (3.1-3.8), so that a slip in the tables shows.
_KEPT_RUNNING = {O.START_VM, O.REMOVE}
_ALLOWED: dict[tuple[ReplicationMode, ReplicationState], set[Operation]] = {
    (M.None_, S.Disabled): {O.START_VM},
    (M.TestReplica, S.Replicating): {O.START_VM},
    (M.Primary, S.ReadyForInitialReplication): {
        O.START_INITIAL_REPLICATION,
        O.CHANGE_SETTINGS,
        *_KEPT_RUNNING,
    },
    (M.Primary, S.InitialReplicationInProgress): {
        O.STOP_INITIAL_REPLICATION,
        O.SUSPEND,
        *_KEPT_RUNNING,
    },
    (M.Primary, S.Replicating): {
        O.PREPARE,
        O.AS_REPLICA,
        O.SUSPEND,
        O.CHANGE_SETTINGS,
        *_KEPT_RUNNING,
    },
    (M.Primary, S.PreparedForFailover): {O.CANCEL_FAILOVER, O.AS_REPLICA},
    (M.Primary, S.Suspended): {O.RESUME, O.AS_REPLICA, O.CHANGE_SETTINGS, *_KEPT_RUNNING},
    (M.Primary, S.Error): {O.RESUME, O.AS_REPLICA, O.CHANGE_SETTINGS, *_KEPT_RUNNING},
    (M.Primary, S.WaitingForStartResynchronize): {
        O.RESYNCHRONIZE,
        O.AS_REPLICA,
        O.CHANGE_SETTINGS,
        *_KEPT_RUNNING,
    },
    (M.Primary, S.Resynchronizing): {O.SUSPEND, *_KEPT_RUNNING},
    (M.Primary, S.ResynchronizeSuspended): {
        O.RESYNCHRONIZE,
        O.CONTINUE_RESYNCHRONIZE,
        O.AS_REPLICA,
        *_KEPT_RUNNING,
    },
    (M.Replica, S.WaitingForInitialReplication): {O.IMPORT_INITIAL_REPLICATION, O.REMOVE},
    (M.Replica, S.Replicating): {
        O.FAIL_OVER,
        O.TEST_FAILOVER,
        O.SUSPEND,
        O.CHANGE_SETTINGS,
        O.REMOVE,
    },
    (M.Replica, S.FailedOverWaitingCompletion): {
        O.CANCEL_FAILOVER,
        O.COMPLETE_FAILOVER,
        O.REVERSE,
        O.START_VM,
    },
    (M.Replica, S.FailedOver): {O.REVERSE, O.REMOVE, O.START_VM},
    (M.Replica, S.Suspended): {O.FAIL_OVER, O.TEST_FAILOVER, O.RESUME, O.REMOVE},
    (M.Replica, S.Error): {O.FAIL_OVER, O.TEST_FAILOVER, O.RESUME, O.REMOVE},
    (M.Replica, S.WaitingForStartResynchronize): {O.FAIL_OVER, O.TEST_FAILOVER, O.REMOVE},
    (M.Replica, S.Resynchronizing): {O.REMOVE},
    (M.Replica, S.ResynchronizeSuspended): {O.REMOVE},
}

_ALL = list(itertools.product((M.None_, M.Primary, M.Replica, M.TestReplica), S, O))


@pytest.mark.parametrize(("mode", "state", "operation"), _ALL)
def test_exactly_the_documented_operations_are_allowed(
    mode: ReplicationMode, state: ReplicationState, operation: Operation
) -> None:
    is_allowed = operation in _ALLOWED.get((mode, state), set())

    if is_allowed:
        rule_for(operation, mode=mode, state=state, vm="sql01", vm_state=VmState.Off)
        return
    with pytest.raises(LabRefusal) as caught:
        rule_for(operation, mode=mode, state=state, vm="sql01", vm_state=VmState.Off)

    assert "not in a valid replication state to perform the operation" in caught.value.message
    assert caught.value.reason == "InvalidState"
    assert "sql01" in caught.value.message


def test_every_side_has_a_row_for_every_state() -> None:
    for mode, table in TABLES.items():
        assert set(table) == set(S), mode


def test_an_extended_replica_is_a_replica() -> None:
    assert TABLES[M.ExtendedReplica] is TABLES[M.Replica]


@pytest.mark.parametrize(
    ("operation", "mode"),
    [(O.PREPARE, M.Primary), (O.FAIL_OVER, M.Replica), (O.AS_REPLICA, M.Primary)],
)
def test_a_running_machine_is_neither_prepared_nor_failed_over(
    operation: Operation, mode: ReplicationMode
) -> None:
    with pytest.raises(LabRefusal, match="not in a valid state to perform the operation"):
        rule_for(operation, mode=mode, state=S.Replicating, vm="sql01", vm_state=VmState.Running)
