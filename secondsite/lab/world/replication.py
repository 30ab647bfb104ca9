"""Hyper-V Replica as a state machine: one table per side; what is not in the tables is refused.

Source: the project's Hyper-V reference, sections 3.1-3.8. Its table of allowed operations (3.8) is
an inference from Microsoft's pages, so every row here is one too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from secondsite.lab.world.refusal import LabRefusal, invalid_vm_state
from secondsite.lab.world.values import ReplicationMode, ReplicationState, VmState

__all__ = [
    "PRIMARY",
    "REPLICA",
    "TABLES",
    "TEST_REPLICA",
    "Operation",
    "Rule",
    "Table",
    "rule_for",
    "wrong_state",
]

S = ReplicationState


class Operation(StrEnum):
    """What can be asked of one side; the value completes "Could not …"."""

    START_INITIAL_REPLICATION = "start the initial replication"
    STOP_INITIAL_REPLICATION = "stop the initial replication"
    IMPORT_INITIAL_REPLICATION = "import the initial replication"
    CHANGE_SETTINGS = "change the replication settings"
    PREPARE = "prepare for planned failover"
    TEST_FAILOVER = "start the test failover"
    FAIL_OVER = "start the failover"
    CANCEL_FAILOVER = "cancel the failover"
    COMPLETE_FAILOVER = "complete the failover"
    REVERSE = "reverse replication"
    AS_REPLICA = "set the virtual machine as replica"
    SUSPEND = "suspend replication"
    RESUME = "resume replication"
    RESYNCHRONIZE = "start the resynchronization"
    CONTINUE_RESYNCHRONIZE = "continue the resynchronization"
    REMOVE = "remove replication"
    START_VM = "start the virtual machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an allowed operation does to the side that it is asked of.

    Attributes:
        via: State while it is under way; None if it happens at once.
        then: State afterwards; None: as before.
        mode: Side afterwards; None: as before.
        vm_state: State that the virtual machine must be in, if it matters.
    """

    via: ReplicationState | None = None
    then: ReplicationState | None = None
    mode: ReplicationMode | None = None
    vm_state: VmState | None = None


Table = Mapping[ReplicationState, Mapping[Operation, Rule]]

_STAY = Rule()
_REMOVE = {Operation.REMOVE: Rule(then=S.Disabled, mode=ReplicationMode.None_)}
_AS_REPLICA = {
    Operation.AS_REPLICA: Rule(
        then=S.WaitingForInitialReplication, mode=ReplicationMode.Replica, vm_state=VmState.Off
    )
}
_RUN = {Operation.START_VM: _STAY}
_SET = {Operation.CHANGE_SETTINGS: _STAY}
_RESUME = {Operation.RESUME: Rule(then=S.Replicating)}
_RESYNCHRONIZE = {Operation.RESYNCHRONIZE: Rule(via=S.Resynchronizing, then=S.Replicating)}
_CONTINUE = {Operation.CONTINUE_RESYNCHRONIZE: Rule(via=S.Resynchronizing, then=S.Replicating)}
_SUSPEND = {Operation.SUSPEND: Rule(then=S.Suspended)}
_TEST = {Operation.TEST_FAILOVER: _STAY}

PRIMARY: Table = MappingProxyType(
    {
        S.Disabled: {},
        S.ReadyForInitialReplication: {
            Operation.START_INITIAL_REPLICATION: Rule(
                via=S.InitialReplicationInProgress, then=S.Replicating
            ),
            **_SET,
            **_REMOVE,
            **_RUN,
        },
        S.InitialReplicationInProgress: {
            Operation.STOP_INITIAL_REPLICATION: Rule(then=S.ReadyForInitialReplication),
            **_SUSPEND,
            **_REMOVE,
            **_RUN,
        },
        S.WaitingForInitialReplication: {},
        S.Replicating: {
            Operation.PREPARE: Rule(
                via=S.Replicating, then=S.PreparedForFailover, vm_state=VmState.Off
            ),
            **_AS_REPLICA,
            **_SUSPEND,
            **_SET,
            **_REMOVE,
            **_RUN,
        },
        S.PreparedForFailover: {
            Operation.CANCEL_FAILOVER: Rule(then=S.Replicating),
            **_AS_REPLICA,
        },
        S.FailedOverWaitingCompletion: {},
        S.FailedOver: {},
        S.Suspended: {**_RESUME, **_AS_REPLICA, **_SET, **_REMOVE, **_RUN},
        S.Error: {**_RESUME, **_AS_REPLICA, **_SET, **_REMOVE, **_RUN},
        S.WaitingForStartResynchronize: {
            **_RESYNCHRONIZE,
            **_AS_REPLICA,
            **_SET,
            **_REMOVE,
            **_RUN,
        },
        S.Resynchronizing: {
            Operation.SUSPEND: Rule(then=S.ResynchronizeSuspended),
            **_REMOVE,
            **_RUN,
        },
        S.ResynchronizeSuspended: {**_RESYNCHRONIZE, **_CONTINUE, **_AS_REPLICA, **_REMOVE, **_RUN},
    }
)

REPLICA: Table = MappingProxyType(
    {
        S.Disabled: {},
        S.ReadyForInitialReplication: {},
        S.InitialReplicationInProgress: {},
        S.WaitingForInitialReplication: {
            Operation.IMPORT_INITIAL_REPLICATION: Rule(then=S.Replicating),
            **_REMOVE,
        },
        S.Replicating: {
            Operation.FAIL_OVER: Rule(then=S.FailedOverWaitingCompletion, vm_state=VmState.Off),
            **_TEST,
            **_SUSPEND,
            **_SET,
            **_REMOVE,
        },
        S.PreparedForFailover: {},
        S.FailedOverWaitingCompletion: {
            Operation.CANCEL_FAILOVER: Rule(then=S.Replicating),
            Operation.COMPLETE_FAILOVER: Rule(then=S.FailedOver),
            Operation.REVERSE: Rule(mode=ReplicationMode.Primary),
            **_RUN,
        },
        S.FailedOver: {
            Operation.REVERSE: Rule(mode=ReplicationMode.Primary),
            **_REMOVE,
            **_RUN,
        },
        S.Suspended: {
            Operation.FAIL_OVER: Rule(then=S.FailedOverWaitingCompletion, vm_state=VmState.Off),
            **_TEST,
            **_RESUME,
            **_REMOVE,
        },
        S.Error: {
            Operation.FAIL_OVER: Rule(then=S.FailedOverWaitingCompletion, vm_state=VmState.Off),
            **_TEST,
            **_RESUME,
            **_REMOVE,
        },
        S.WaitingForStartResynchronize: {
            Operation.FAIL_OVER: Rule(then=S.FailedOverWaitingCompletion, vm_state=VmState.Off),
            **_TEST,
            **_REMOVE,
        },
        S.Resynchronizing: {**_REMOVE},
        S.ResynchronizeSuspended: {**_REMOVE},
    }
)

TEST_REPLICA: Table = MappingProxyType(
    {state: (_RUN if state is S.Replicating else {}) for state in S}
)
"""A test VM only runs; it goes by Stop-VMFailover of its replica."""

TABLES: Mapping[ReplicationMode, Table] = MappingProxyType(
    {
        ReplicationMode.None_: MappingProxyType(
            {state: (_RUN if state is S.Disabled else {}) for state in S}
        ),
        ReplicationMode.Primary: PRIMARY,
        ReplicationMode.Replica: REPLICA,
        ReplicationMode.TestReplica: TEST_REPLICA,
        ReplicationMode.ExtendedReplica: REPLICA,
    }
)


def rule_for(
    operation: Operation,
    *,
    mode: ReplicationMode,
    state: ReplicationState,
    vm: str,
    vm_state: VmState,
) -> Rule:
    """What `operation` does in that state of that side.

    Raises:
        LabRefusal: the table does not have it, or the machine is in the wrong power state.
    """
    rule = TABLES[mode].get(state, {}).get(operation)
    if rule is None:
        raise wrong_state(operation, mode=mode, state=state.name, vm=vm)
    if rule.vm_state is not None and vm_state is not rule.vm_state:
        raise invalid_vm_state(str(operation), vm=vm, state=vm_state.name)
    return rule


def wrong_state(operation: Operation, *, mode: ReplicationMode, state: str, vm: str) -> LabRefusal:
    """The refusal of an operation that a state does not know (its second sentence is Windows')."""
    return LabRefusal(
        f"Could not {operation}. Virtual machine is not in a valid replication state to perform "
        f"the operation. (Virtual machine '{vm}': mode {mode.label}, state {state}.)",
        reason="InvalidState",
        category="InvalidOperation",
        target=vm,
    )
