"""Names and numbers as Windows has them: the members are called as PowerShell prints them.

Source: the `enums` of the project's Hyper-V type reference. Compare members, never numbers.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

__all__ = [
    "Health",
    "Heartbeat",
    "Relationship",
    "ReplicationMode",
    "ReplicationState",
    "ReplicationType",
    "SnapshotType",
    "StartAction",
    "SwitchType",
    "VmState",
]


class VmState(IntEnum):
    """`VMState`: what a virtual machine is doing."""

    Running = 2
    Off = 3
    Stopping = 4
    Saved = 6
    Paused = 9
    Starting = 10


class ReplicationState(IntEnum):
    """`VMReplicationState`."""

    Disabled = 0
    ReadyForInitialReplication = 1
    InitialReplicationInProgress = 2
    WaitingForInitialReplication = 3
    Replicating = 4
    PreparedForFailover = 5
    FailedOverWaitingCompletion = 6
    FailedOver = 7
    Suspended = 8
    Error = 9
    WaitingForStartResynchronize = 10
    Resynchronizing = 11
    ResynchronizeSuspended = 12


class ReplicationMode(IntEnum):
    """`VMReplicationMode`: the side that a virtual machine is on."""

    None_ = 0
    Primary = 1
    Replica = 2
    TestReplica = 3
    ExtendedReplica = 4

    @property
    def label(self) -> str:
        """As PowerShell prints it (Python will not have a member called None)."""
        return self.name.rstrip("_")


class Relationship(IntEnum):
    """`VMReplicationRelationshipType`."""

    Simple = 0
    Extended = 1


class Health(IntEnum):
    """`VMReplicationHealthState`."""

    NotApplicable = 0
    Normal = 1
    Warning = 2
    Critical = 3


class ReplicationType(IntEnum):
    """`VMReplicationType`: what kind of cycle was the last one."""

    None_ = 0
    Regular = 1
    ApplicationConsistent = 2
    Planned = 3

    @property
    def label(self) -> str:
        """As PowerShell prints it."""
        return self.name.rstrip("_")


class SnapshotType(IntEnum):
    """`SnapshotType`."""

    Standard = 0
    Recovery = 1
    Planned = 2
    Missing = 5
    Replica = 6
    AppConsistentReplica = 7
    SyncedReplica = 8


class StartAction(IntEnum):
    """`StartAction`: what happens to the machine when its host starts."""

    Nothing = 2
    StartIfRunning = 3
    Start = 4


class Heartbeat(StrEnum):
    """`VMHeartbeatStatus`, the names that Get-VM prints (numbers: not in the reference)."""

    Disabled = "Disabled"
    NoContact = "NoContact"
    LostCommunication = "LostCommunication"
    OkApplicationsUnknown = "OkApplicationsUnknown"
    OkApplicationsHealthy = "OkApplicationsHealthy"

    @property
    def is_ok(self) -> bool:
        """Whether the guest answers."""
        return self.name.startswith("Ok")


class SwitchType(IntEnum):
    """`VMSwitchType`."""

    Private = 0
    Internal = 1
    External = 2
