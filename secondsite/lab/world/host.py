"""A simulated Hyper-V host: everything that its cmdlets can ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from secondsite.lab.world.machine import Checkpoint, VirtualMachine
from secondsite.lab.world.networking import NetworkOperations
from secondsite.lab.world.power import PowerOperations
from secondsite.lab.world.refusal import invalid_vm_state, not_found
from secondsite.lab.world.replicating import ReplicatingOperations
from secondsite.lab.world.reversal import ReversalOperations
from secondsite.lab.world.values import SnapshotType, StartAction, VmState

__all__ = ["HostFacts", "HyperVHost", "ReplicationServer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What Get-VMHost (and Win32_OperatingSystem, Win32_Volume) tell."""

    name: str
    memory_mib: int
    free_memory_mib: int
    processors: int
    disk_mib: int
    disk_free_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationServer:
    """What Get-VMReplicationServer tells."""

    enabled: bool
    port: int
    authentication: str = "Kerberos"
    storage: str = "D:\\Replica"


class HyperVHost(PowerOperations, NetworkOperations, ReversalOperations, ReplicatingOperations):
    """A Hyper-V host; its methods are named after the cmdlets.

    Each one is atomic. What takes time is begun, and the returned `Done.takes_s` says how long the
    cmdlet blocks; refusals are `LabRefusal`.
    """

    def get_vm(self, name: str | None = None, *, vm_id: str | None = None) -> list[VirtualMachine]:
        """Machines of that name (`*` and `?` allowed) or id, or all, in the order they were made.

        Raises:
            LabRefusal: a name without wildcard, or an id, that no machine has.
        """
        with self.world.settled():
            if vm_id is not None:
                found = self.vms.get(vm_id.casefold())
                if found is None:
                    raise not_found(
                        f'Hyper-V was unable to find a virtual machine with id "{vm_id}".',
                        target=vm_id,
                    )
                return [found]
            if name is None:
                return list(self.vms.values())
            if any(character in name for character in "*?"):
                return [vm for vm in self.vms.values() if _is_like(vm.name, name)]
            named = [vm for vm in self.vms.values() if vm.name.casefold() == name.casefold()]
            return named or [self.require(name)]

    def get_vm_snapshots(
        self, vm_name: str | None = None, *, kind: SnapshotType | None = None
    ) -> list[Checkpoint]:
        """Checkpoints of a machine (of all without a name), of one type or of all.

        Raises:
            LabRefusal: no such machine.
        """
        with self.world.settled():
            machines = [self.require(vm_name)] if vm_name is not None else list(self.vms.values())
            return [
                checkpoint
                for vm in machines
                for checkpoint in vm.checkpoints
                if kind is None or checkpoint.kind is kind
            ]

    def get_vm_host(self) -> HostFacts:
        """The host itself."""
        with self.world.settled():
            return HostFacts(
                name=self.name,
                memory_mib=self.memory_mib,
                free_memory_mib=self.free_memory_mib(),
                processors=self.processors,
                disk_mib=self.disk_mib,
                disk_free_mib=self.disk_free_mib,
            )

    def get_vm_replication_server(self) -> ReplicationServer:
        """Whether and how it takes replicas."""
        with self.world.settled():
            return ReplicationServer(enabled=self.replication_enabled, port=self.replication_port)

    def set_vm_replication_server(self, *, enabled: bool) -> None:
        """Take replicas, or not."""
        with self.world.settled():
            self.replication_enabled = enabled
            self.record("Set-VMReplicationServer", enabled=enabled)

    def set_vm(
        self, name: str, *, notes: str | None = None, start_action: StartAction | None = None
    ) -> None:
        """Change settings of a machine; what is None stays.

        Raises:
            LabRefusal: no such machine.
        """
        with self.world.settled():
            vm = self.require(name)
            changed: dict[str, str] = {}
            if notes is not None:
                vm.notes = changed["notes"] = notes
            if start_action is not None:
                vm.start_action = start_action
                changed["start_action"] = start_action.name
            self.record("Set-VM", vm.name, vm_id=vm.id, **changed)

    def remove_vm(self, name: str) -> None:
        """Delete a machine that is off; its disks stay.

        Raises:
            LabRefusal: no such machine, it runs, or it is replicated.
        """
        with self.world.settled():
            vm = self.require(name)
            if vm.state is not VmState.Off or vm.replications:
                raise invalid_vm_state("delete", vm=vm.name, state=vm.state.name)
            self.forget_leases(vm)
            vm.is_deleted = True
            del self.vms[vm.id]
            self.notice_machine(vm)
            self.record("Remove-VM", vm.name, vm_id=vm.id)


def _is_like(name: str, pattern: str) -> bool:
    return fnmatchcase(name.casefold(), pattern.casefold().replace("[", "[[]"))
