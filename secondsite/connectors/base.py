"""What the engine asks of a site, in the domain's words; connectors fulfil these protocols.

Every call is synchronous, blocks at most `timeout_s` seconds, and serves many VMs of one host in
one request: the answer holds, per VM, an `ActionResult` or the `SiteError` that it met. A call
raises a `SiteError` itself only when it met the fault for the host as a whole. Every action
converges: it looks first, acts if needed, confirms, and says in `changed` whether it had to act.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from secondsite.errors import SiteError

__all__ = [
    "ActionResult",
    "Adapter",
    "ConnectRequest",
    "GuestAddress",
    "HostSurvey",
    "Hypervisor",
    "InjectedAddress",
    "Inventory",
    "InventoryNetwork",
    "InventoryVm",
    "Outcomes",
    "RecoveryPoint",
    "Replication",
    "TestCleanupRequest",
    "TestFailoverRequest",
    "VmManager",
    "VmObservation",
    "VmSurvey",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What an action did.

    Attributes:
        changed: False when the site was already as wanted.
        evidence: What was seen before and after, as plain JSON values.
    """

    changed: bool
    evidence: Mapping[str, Any] = field(default_factory=dict)


Outcomes = Mapping[str, ActionResult | SiteError]
"""Per VM name (as asked): what came out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """One replication relationship of a VM, by names as Get-VMReplication gives them."""

    mode: str
    state: str
    health: str
    relationship: str
    primary_server: str
    replica_server: str
    frequency_s: int
    last_replication_at: str | None  # ISO 8601 UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPoint:
    """A checkpoint of a replica VM that a failover can start from."""

    id: str
    kind: str  # Replica | AppConsistentReplica
    created_at: str  # ISO 8601 UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestAddress:
    """An address as one source reports it."""

    address: str
    source: str  # guest | vmm


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One network adapter of a VM as Hyper-V sees it."""

    name: str
    id: str
    mac: str
    switch: str | None
    vlan: int | None
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSurvey:
    """One VM on one Hyper-V host, as found."""

    name: str
    id: str
    state: str  # VMState name: Running, Off, …
    generation: int
    heartbeat: str
    memory_mib: int
    adapters: tuple[Adapter, ...]
    replication: tuple[Replication, ...]
    recovery_points: tuple[RecoveryPoint, ...]
    test_vm: str | None = None  # name of its test VM, if one exists


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSurvey:
    """One Hyper-V host, as found."""

    host: str
    switches: tuple[str, ...]
    free_memory_mib: int
    vms: tuple[VmSurvey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryVm:
    """One VM as VMM knows it."""

    name: str
    id: str  # Hyper-V's VMId
    vmm_id: str
    host: str
    cloud: str | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryNetwork:
    """One VM network as VMM knows it."""

    name: str
    id: str
    logical_network: str
    isolation: str
    subnets: tuple[str, ...]
    pools: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one VMM server manages."""

    clouds: tuple[str, ...]
    hosts: tuple[str, ...]
    vms: tuple[InventoryVm, ...]
    networks: tuple[InventoryNetwork, ...]
    classifications: tuple[str, ...] = ()  # of storage


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedAddress:
    """A static address for one adapter, injected by Hyper-V when the guest starts over there."""

    ipv4: str | None = None  # 10.2.0.22/24
    gateway: str | None = None
    ipv6: str | None = None
    gateway6: str | None = None
    dns: tuple[str, ...] = ()
    adapter: str | None = None  # None: the first


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFailoverRequest:
    """One VM to bring up as a test.

    Attributes:
        recovery_point_id: None means the latest.
        address: Injected into the test VM; None leaves the guest's own setting.
        mark: Kept in the notes of the test VM (e.g. the run's id): a test VM with this mark is
            ours, also when the answer that told its id was lost.
        own_test_vm_id: Id of a test VM that we know to be ours.
        may_adopt: We began this before and never heard of its outcome: a test VM that exists is
            ours. Without one of these three it is somebody else's, and left alone.
    """

    __test__ = False  # not a test, whatever pytest thinks of the name

    vm: str
    recovery_point_id: str | None = None
    address: InjectedAddress | None = None
    mark: str = ""
    own_test_vm_id: str | None = None
    may_adopt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRequest:
    """How the adapters of a VM are to be connected; `switch=None` disconnects them."""

    vm: str
    switch: str | None
    vlan: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCleanupRequest:
    """One test failover to end.

    Attributes:
        vm: Name of the replica VM (not of its test VM).
        test_vm_id: Only a test VM with this id is removed; None: the one that Hyper-V ties to `vm`.
        mark: Where no id is known, only a test VM that bears this mark (see `TestFailoverRequest`)
            is removed, and its own notes tell the former address; empty: any.
        former_address: What `start_test_failovers` found as the injected address and reported as
            evidence.
    """

    __test__ = False  # not a test, whatever pytest thinks of the name

    vm: str
    test_vm_id: str | None = None
    mark: str = ""
    restore_address: bool = False
    former_address: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmObservation:
    """What can be seen of a VM while it boots."""

    vm: str
    state: str
    heartbeat: str  # OkApplicationsHealthy, OkApplicationsUnknown, NoContact, …
    addresses: tuple[str, ...]
    uptime_s: float

    @property
    def has_heartbeat(self) -> bool:
        """Whether the guest's integration services report an OK heartbeat."""
        return self.heartbeat.startswith("Ok")

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


class Hypervisor(Protocol):
    """One Hyper-V host. VMs are named as Hyper-V names them (`sql02 - Test` for a test VM)."""

    def survey(self, *, timeout_s: float) -> HostSurvey:
        """Everything on the host that a run may need to know."""

    def start_test_failovers(
        self, requests: Sequence[TestFailoverRequest], *, timeout_s: float
    ) -> Outcomes:
        """Make a test VM of each replica VM (off, not connected). Evidence: test_vm, test_vm_id."""

    def end_test_failovers(
        self, requests: Sequence[TestCleanupRequest], *, timeout_s: float
    ) -> Outcomes:
        """Turn off and delete the test VM of each replica VM; confirms that it is gone."""

    def connect(self, requests: Sequence[ConnectRequest], *, timeout_s: float) -> Outcomes:
        """Connect or disconnect the adapters of each VM."""

    def start_vms(self, vms: Sequence[str], *, timeout_s: float) -> Outcomes:
        """Power on each VM; returns when Hyper-V says Running, not when the guest is ready."""

    def stop_vms(self, vms: Sequence[str], *, turn_off: bool, timeout_s: float) -> Outcomes:
        """Shut the guests down, or turn the VMs off."""

    def observe(
        self, seen: Mapping[str, VmObservation | None], *, wait_s: float, timeout_s: float
    ) -> Mapping[str, VmObservation | SiteError]:
        """What each VM shows now; returns as soon as one differs from `seen`, or after `wait_s`."""


class VmManager(Protocol):
    """One VMM server."""

    def inventory(self, *, timeout_s: float) -> Inventory:
        """Clouds, hosts, VMs and networks that it manages."""

    def addresses(
        self, vm_ids: Sequence[str], *, timeout_s: float
    ) -> Mapping[str, tuple[str, ...] | SiteError]:
        """Addresses that VMM knows of each VM (by Hyper-V's VMId), link-local ones left out."""

    def run_script(
        self,
        text: str,
        *,
        arguments: Mapping[str, Any],
        context: Mapping[str, Any],
        timeout_s: float,
    ) -> ActionResult:
        """Run a script of the plan on this server. Evidence: its output and warnings."""
