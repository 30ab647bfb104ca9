"""What the engine asks of a site, in the domain's words; connectors fulfil these protocols.

Every call is synchronous, blocks at most `timeout_s` seconds, and serves many VMs of one host in
one request: the answer holds, per VM, an `ActionResult` or the `SiteError` that it met. A call
raises a `SiteError` itself only when it met the fault for the host as a whole. Every action
converges: it looks first, acts if needed, confirms, and says in `changed` whether it had to act.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from typing import Any, Protocol

from secondsite.errors import SiteError

__all__ = [
    "ActionResult",
    "Adapter",
    "AdapterObservation",
    "ConnectRequest",
    "Connection",
    "FormerAdapter",
    "GuestAddress",
    "HostSurvey",
    "Hypervisor",
    "InjectedAddress",
    "Inventory",
    "InventoryAdapter",
    "InventoryNetwork",
    "InventoryPool",
    "InventoryVm",
    "Outcomes",
    "RecoveryPoint",
    "Replication",
    "RestoreRequest",
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
    """One network adapter of a VM as Hyper-V sees it.

    Attributes:
        failover: What a failover injects, by the names of the cmdlet's parameters; only what is
            set.
        is_legacy: It is an emulated one, for which Hyper-V injects nothing.
    """

    name: str
    id: str
    mac: str
    switch: str | None
    vlan: int | None
    addresses: tuple[str, ...]
    failover: Mapping[str, str] = field(default_factory=dict)
    is_legacy: bool = False


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
class InventoryAdapter:
    """One network adapter of a VM as VMM knows it.

    Attributes:
        network: The VM network that it is connected to, if any.
    """

    name: str
    network: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryVm:
    """One VM as VMM knows it.

    Attributes:
        adapters: None: VMM was not asked for them.
    """

    name: str
    id: str  # Hyper-V's VMId
    vmm_id: str
    host: str
    cloud: str | None
    status: str
    adapters: tuple[InventoryAdapter, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryPool:
    """One static IP address pool of VMM.

    Attributes:
        first: First address that it grants.
        last: Last address that it grants.
        granted: How many of its addresses somebody has been given.
    """

    name: str
    subnet: str
    first: str
    last: str
    granted: int

    @property
    def version(self) -> int:
        """4 or 6."""
        return ip_address(self.first).version

    @property
    def free_count(self) -> int:
        """How many of its addresses nobody has been given; reserved ones are not known here."""
        return int(ip_address(self.last)) - int(ip_address(self.first)) + 1 - self.granted

    def holds(self, address: str) -> bool:
        """Whether it may grant that address."""
        wanted = ip_address(address)
        return wanted.version == self.version and (
            int(ip_address(self.first)) <= int(wanted) <= int(ip_address(self.last))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryNetwork:
    """One VM network as VMM knows it.

    Attributes:
        isolation: NoIsolation, VLANNetwork, WindowsNetworkVirtualization or External.
        hosts: The hosts that are associated with its logical network; None: VMM was not asked.
    """

    name: str
    id: str
    logical_network: str
    isolation: str
    subnets: tuple[str, ...]
    pools: tuple[InventoryPool, ...]
    hosts: tuple[str, ...] | None = None

    @property
    def is_virtual(self) -> bool:
        """Whether Windows Network Virtualization isolates it."""
        return self.isolation == "WindowsNetworkVirtualization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one VMM server manages."""

    clouds: tuple[str, ...]
    hosts: tuple[str, ...]
    vms: tuple[InventoryVm, ...]
    networks: tuple[InventoryNetwork, ...]
    classifications: tuple[str, ...] = ()  # of storage

    def network(self, name: str) -> InventoryNetwork | None:
        """The VM network of that name, whatever its case."""
        wanted = name.casefold()
        return next((each for each in self.networks if each.name.casefold() == wanted), None)

    def vm(self, vm_id: str) -> InventoryVm | None:
        """The VM of that id (Hyper-V's VMId)."""
        wanted = vm_id.casefold()
        return next((each for each in self.vms if each.id.casefold() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedAddress:
    """A static address for one adapter, injected by Hyper-V when the guest starts over there.

    Attributes:
        adapter: The adapter's name; None: any.
        number: Its place among the adapters of that name, from 0.
    """

    ipv4: str | None = None  # 10.2.0.22/24
    gateway: str | None = None
    ipv6: str | None = None
    gateway6: str | None = None
    dns: tuple[str, ...] = ()
    adapter: str | None = None
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFailoverRequest:
    """One VM to bring up as a test.

    Attributes:
        recovery_point_id: None means the latest.
        addresses: Injected into the test VM; an adapter without one keeps the guest's own setting.
        mark: Kept in the notes of the test VM (e.g. the run's id): a test VM with this mark is
            ours, also when the answer that told its id was lost.
        own_test_vm_id: Id of a test VM that we know to be ours.
        may_adopt: We began this before and never heard of its outcome: a test VM that exists is
            ours. Without one of these three it is somebody else's, and left alone.
    """

    __test__ = False  # not a test, whatever pytest thinks of the name

    vm: str
    recovery_point_id: str | None = None
    addresses: tuple[InjectedAddress, ...] = ()
    mark: str = ""
    own_test_vm_id: str | None = None
    may_adopt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How one adapter is to be connected.

    Attributes:
        adapter: Its name.
        number: Its place among the adapters of that name, from 0.
        switch: None disconnects it.
        keep: It is left as it is.
    """

    adapter: str
    number: int = 0
    switch: str | None = None
    vlan: int | None = None
    keep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRequest:
    """How the adapters of a VM are to be connected.

    Attributes:
        switch: For the adapters that `adapters` does not name; None disconnects them.
        vlan: Likewise.
    """

    vm: str
    switch: str | None = None
    vlan: int | None = None
    adapters: tuple[Connection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerAdapter:
    """An adapter of a replica as it was before a failover, to be put back so.

    Attributes:
        adapter: Its name.
        number: Its place among the adapters of that name, from 0.
        failover: What a failover injected then, as `Adapter.failover`.
        ours: What we have made of `failover`: anything else is somebody else's and stays. None: not
            known.
        is_vmms: Only VMM can restore its connection: it belongs to a virtual network.
    """

    adapter: str
    number: int = 0
    switch: str | None = None
    vlan: int | None = None
    is_vmms: bool = False
    failover: Mapping[str, str] = field(default_factory=dict)
    ours: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """A VM whose adapters are to be as they were.

    Attributes:
        addresses_only: Its connections stay, because it is the running one; else it must be a
            replica that is off.
    """

    vm: str
    adapters: tuple[FormerAdapter, ...]
    addresses_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCleanupRequest:
    """One test failover to end.

    Attributes:
        vm: Name of the replica VM (not of its test VM).
        test_vm_id: Only a test VM with this id is removed; None: the one that Hyper-V ties to `vm`.
        mark: Where no id is known, only a test VM that bears this mark (see `TestFailoverRequest`)
            is removed, and its own notes tell the former address; empty: any.
        former_address: What `start_test_failovers` found as the injected addresses and reported as
            evidence (older ones: of one adapter, not in a list).
    """

    __test__ = False  # not a test, whatever pytest thinks of the name

    vm: str
    test_vm_id: str | None = None
    mark: str = ""
    restore_address: bool = False
    former_address: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterObservation:
    """What the guest reports of one adapter."""

    name: str
    number: int = 0
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VmObservation:
    """What can be seen of a VM while it boots.

    Attributes:
        addresses: Of all adapters.
        adapters: The same per adapter, in Hyper-V's order.
    """

    vm: str
    state: str
    heartbeat: str  # OkApplicationsHealthy, OkApplicationsUnknown, NoContact, …
    addresses: tuple[str, ...]
    uptime_s: float
    adapters: tuple[AdapterObservation, ...] = ()

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

    def inventory(self, *, adapters_of: Sequence[str] = (), timeout_s: float) -> Inventory:
        """Clouds, hosts, VMs and networks that it manages; the adapters of VMs of these names."""

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
