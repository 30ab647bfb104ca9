"""Entities of one Hyper-V host: virtual machines with what belongs to them. Data, no rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from secondsite.lab.world.guest_systems import GuestSystem
from secondsite.lab.world.network import NetworkAdapter
from secondsite.lab.world.values import (
    Health,
    Heartbeat,
    Relationship,
    ReplicationMode,
    ReplicationState,
    ReplicationType,
    SnapshotType,
    StartAction,
    VmState,
)

__all__ = ["Checkpoint", "Done", "Guest", "Replication", "Service", "VirtualMachine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of an operation that was not refused.

    Attributes:
        takes_s: How long the cmdlet blocks, in real seconds (already scaled). The world does not
            wait: whoever called sleeps that long, outside every lock.
        warning: What the cmdlet warns of, e.g. that the machine was in that state already.
        vm: The machine that was acted on or made, where the cmdlet can hand one back.
    """

    takes_s: float = 0.0
    warning: str = ""
    vm: VirtualMachine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that a guest listens with once it runs.

    Attributes:
        name: What the banner says.
        after: From the heartbeat until it listens (before scaling).
        http: It answers GET / with 200 rather than with a banner.
    """

    name: str
    port: int
    http: bool = False
    after: timedelta = timedelta(0)


@dataclass(slots=True, kw_only=True, eq=False)
class Guest:
    """The operating system inside a machine.

    Attributes:
        boot: From power-on to the first heartbeat (before scaling).
        addresses_after: From the heartbeat until its addresses are in use and reported.
        open_ports: Ports it listens on now.
        computer_name: Its own name.
        system: Which operating system it is.
        credential: Name of the account that may log on inside; empty: nobody may.
        files: What scripts wrote inside: text by path. It stays in this copy of the machine.
    """

    computer_name: str
    boot: timedelta = timedelta(seconds=60)
    addresses_after: timedelta = timedelta(seconds=5)
    shutdown: timedelta = timedelta(seconds=20)
    services: tuple[Service, ...] = ()
    integration_services: bool = True
    applications_healthy: bool = False
    open_ports: frozenset[int] = frozenset()
    system: GuestSystem = "Windows Server 2022"
    credential: str = ""
    files: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A checkpoint; those of types Replica and AppConsistentReplica are recovery points."""

    id: str
    name: str
    vm_id: str
    vm_name: str
    kind: SnapshotType
    created_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Replication:
    """One replication relationship, as one side sees it.

    Attributes:
        allowed_primary: Server that a replica takes changes from.
        current_replica_server: Host of the other side (of a broker: the node).
        cycles_from: Since when cycles run; the last replication is the last whole cycle after it.
        stopped_at: When cycles stopped (suspended, cut off, failed over); None while they run.
        lag_s: How far what has crossed lies behind, in seconds before scaling.
        sent_at: Time of the last data that crossed, where a cycle does not tell it (preparing).
        failed_over_at: When this (replica) side was failed over.
        failed_over_point: Id of the recovery point that it came up with; empty: the latest.
        started_since_failover: Whether the machine ran after the failover.
        copy_begun_at: On the primary: since when a copy or comparison has been under way.
        copy_ends_at: When it will be done.
        planned: On the replica: its primary has sent its last changes and is prepared.
        preparing: On the primary: the last changes are on their way.
        epoch: Changes with every transition, so that work that was begun before is void.
    """

    mode: ReplicationMode
    state: ReplicationState
    primary_server: str
    replica_server: str
    current_replica_server: str
    relationship: Relationship = Relationship.Simple
    frequency_s: int = 300
    recovery_history: int = 0
    app_consistent: bool = False
    authentication: str = "Kerberos"
    port: int = 80
    certificate: str = ""
    allowed_primary: str = ""
    cut_off: bool = False
    cycles_from: datetime | None = None
    stopped_at: datetime | None = None
    lag_s: float = 0.0
    sent_at: datetime | None = None
    failed_over_at: datetime | None = None
    failed_over_point: str = ""
    failed_over_type: ReplicationType = ReplicationType.None_
    started_since_failover: bool = False
    planned: bool = False
    preparing: bool = False
    epoch: int = 0
    test_vm_id: str = ""
    test_started_at: datetime | None = None
    size_bytes: int = 0
    copy_begun_at: datetime | None = None
    copy_ends_at: datetime | None = None

    @property
    def health(self) -> Health:
        """Windows' judgement; the thresholds are simplified to the states themselves."""
        match self.state:
            case ReplicationState.Replicating | ReplicationState.PreparedForFailover:
                return Health.Warning if self.cut_off else Health.Normal
            case ReplicationState.FailedOverWaitingCompletion:
                return Health.Normal
            case ReplicationState.Disabled:
                return Health.NotApplicable
            case ReplicationState.Error | ReplicationState.WaitingForStartResynchronize:
                return Health.Critical
            case _:
                return Health.Warning


@dataclass(slots=True, kw_only=True, eq=False)
class VirtualMachine:
    """A virtual machine on a host.

    Attributes:
        id: Hyper-V's VMId; both sides of a replication have the same, a test VM has its own.
        host: Name of the host that it is on.
        replications: None, one, or two (extended) relationships.
        created_by: `estate`, or the cmdlet that made it.
        test_of: Id of the replica whose test VM this is; empty for others.
        power_epoch: Changes with every power transition, which voids what was begun before.
        running_since: When it was powered on; None while it is not.
    """

    id: str
    name: str
    host: str
    guest: Guest
    generation: int = 2
    memory_mib: int = 2048
    processors: int = 2
    state: VmState = VmState.Off
    status: str = "Operating normally"
    adapters: list[NetworkAdapter] = field(default_factory=list)
    replications: list[Replication] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    start_action: StartAction = StartAction.StartIfRunning
    notes: str = ""
    cloud: str = ""
    created_at: datetime
    created_by: str = "estate"
    test_of: str = ""
    order: int = 0
    power_epoch: int = 0
    running_since: datetime | None = None
    beats: bool = False
    is_deleted: bool = False

    @property
    def is_test(self) -> bool:
        """Whether a test failover made it."""
        return bool(self.test_of)

    @property
    def replication(self) -> Replication | None:
        """Its (first) relationship."""
        return self.replications[0] if self.replications else None

    @property
    def mode(self) -> ReplicationMode:
        """The side that it is on."""
        return self.replications[0].mode if self.replications else ReplicationMode.None_

    @property
    def replication_state(self) -> ReplicationState:
        """State of its (first) relationship."""
        return self.replications[0].state if self.replications else ReplicationState.Disabled

    @property
    def recovery_points(self) -> list[Checkpoint]:
        """Its recovery points, oldest first."""
        kinds = (SnapshotType.Replica, SnapshotType.AppConsistentReplica)
        return [checkpoint for checkpoint in self.checkpoints if checkpoint.kind in kinds]

    @property
    def addresses(self) -> tuple[str, ...]:
        """What the integration services report, over all adapters."""
        return tuple(str(address) for adapter in self.adapters for address in adapter.reported)

    @property
    def heartbeat(self) -> Heartbeat:
        """What the heartbeat component says, without faults (see `HyperVHost.heartbeat`)."""
        if not self.guest.integration_services:
            return Heartbeat.Disabled
        if self.state is not VmState.Running or not self.beats:
            return Heartbeat.NoContact
        if self.guest.applications_healthy:
            return Heartbeat.OkApplicationsHealthy
        return Heartbeat.OkApplicationsUnknown

    def uptime_s(self, now: datetime) -> float:
        """Seconds since power-on."""
        return (now - self.running_since).total_seconds() if self.running_since else 0.0
