"""Enable-, Suspend-, Resume-, Remove-VMReplication and the first copy."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta

from secondsite.lab.world.cycles import ReplicationCycles
from secondsite.lab.world.failover import FailoverOperations
from secondsite.lab.world.machine import Done, Replication, VirtualMachine
from secondsite.lab.world.network import NetworkAdapter
from secondsite.lab.world.refusal import LabRefusal, invalid_parameter
from secondsite.lab.world.replication import Operation
from secondsite.lab.world.values import (
    Health,
    ReplicationMode,
    ReplicationState,
    ReplicationType,
    VmState,
)

__all__ = ["ReplicatingOperations", "ReplicationMeasure"]

_COPYING = frozenset(
    {ReplicationState.InitialReplicationInProgress, ReplicationState.Resynchronizing}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationMeasure:
    """What Measure-VMReplication tells of one relationship."""

    vm: VirtualMachine
    relation: Replication
    health: Health
    last_replication_at: datetime | None
    last_replication_type: ReplicationType
    failed_over_type: ReplicationType
    initial_size_bytes: int
    pending_bytes: int
    average_size_bytes: int
    average_latency: timedelta | None
    errors_count: int
    successful_count: int
    missed_count: int
    test_failover_at: datetime | None
    details: tuple[str, ...]


class ReplicatingOperations(FailoverOperations):
    """What begins, pauses and ends replication."""

    def get_vm_replication(
        self, name: str | None = None
    ) -> list[tuple[VirtualMachine, Replication]]:
        """Relationships of the machine of that name, or of all; a machine may have two.

        Raises:
            LabRefusal: no such machine, or it is not replicated.
        """
        with self.world.settled():
            if name is not None:
                vm = self.require(name)
                self.require_replication(vm)
                return [(vm, relation) for relation in vm.replications]
            return [(vm, relation) for vm in self.vms.values() for relation in vm.replications]

    def measure_vm_replication(self, name: str | None = None) -> list[ReplicationMeasure]:
        """Statistics of each relationship.

        Raises:
            LabRefusal: no such machine, or it is not replicated.
        """
        with self.world.settled():
            return [self._measure(vm, each) for vm, each in self.get_vm_replication(name)]

    def enable_vm_replication(
        self,
        name: str,
        *,
        replica_server: str | None = None,
        replica_server_port: int = 80,
        authentication: str = "Kerberos",
        certificate: str = "",
        frequency_s: int = 300,
        recovery_history: int = 0,
        app_consistent: bool = False,
        as_replica: bool = False,
        allowed_primary: str = "",
    ) -> Done:
        """Begin to replicate a machine: a placeholder appears on the replica server.

        Raises:
            LabRefusal: it is replicated already, or the replica server does not take it.
        """
        with self.world.settled():
            vm = self.require(name)
            if vm.replications:
                raise LabRefusal(
                    f"Virtual machine '{vm.name}' is already enabled for replication.",
                    reason="InvalidState",
                    category="InvalidOperation",
                    target=vm.name,
                )
            relation = Replication(
                mode=ReplicationMode.Replica if as_replica else ReplicationMode.Primary,
                state=(
                    ReplicationState.WaitingForInitialReplication
                    if as_replica
                    else ReplicationState.ReadyForInitialReplication
                ),
                primary_server=allowed_primary if as_replica else self.name,
                replica_server=self.name if as_replica else replica_server or "",
                current_replica_server=self.name if as_replica else replica_server or "",
                frequency_s=frequency_s,
                recovery_history=recovery_history,
                app_consistent=app_consistent,
                authentication=authentication,
                port=replica_server_port,
                certificate=certificate,
                allowed_primary=allowed_primary,
            )
            if not as_replica:
                self._place(vm, relation, replica_server)
            vm.replications = [relation]
            self.record(
                "Enable-VMReplication",
                vm.name,
                vm_id=vm.id,
                as_replica=as_replica,
                replica_server=relation.replica_server,
                replication_state=relation.state.name,
            )
            return Done(vm=vm)

    def start_vm_initial_replication(self, name: str) -> Done:
        """Begin the first copy over the network; both sides replicate when it is done.

        Raises:
            LabRefusal: the state or the other side does not allow it.
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            rule = self.rule(Operation.START_INITIAL_REPLICATION, vm, relation)
            return self._copy(
                vm,
                relation,
                cmdlet="Start-VMInitialReplication",
                via=rule.via or relation.state,
                twin_via=ReplicationState.InitialReplicationInProgress,
                duration=self.world.pace.initial_replication,
            )

    def stop_vm_initial_replication(self, name: str) -> Done:
        """Give the first copy up.

        Raises:
            LabRefusal: none is under way.
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            rule = self.rule(Operation.STOP_INITIAL_REPLICATION, vm, relation)
            self._settle_state(vm, relation, rule.then or relation.state)
            other = self.other_side(vm, relation)
            if other is not None:
                other[2].state = ReplicationState.WaitingForInitialReplication
            self.record("Stop-VMInitialReplication", vm.name, vm_id=vm.id)
            return Done(vm=vm)

    def import_vm_initial_replication(self, name: str) -> Done:
        """Take the first copy from media.

        Raises:
            LabRefusal: the replica does not wait for one.
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            rule = self.rule(Operation.IMPORT_INITIAL_REPLICATION, vm, relation)
            self._settle_state(vm, relation, rule.then or relation.state)
            other = self.other_side(vm, relation)
            if other is not None:
                self._settle_state(other[1], other[2], ReplicationState.Replicating)
            self.record("Import-VMInitialReplication", vm.name, vm_id=vm.id)
            return Done(vm=vm)

    def suspend_vm_replication(self, name: str) -> Done:
        """Pause.

        Raises:
            LabRefusal: it does not replicate.
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            rule = self.rule(Operation.SUSPEND, vm, relation)
            self._settle_state(vm, relation, rule.then or relation.state)
            self.record("Suspend-VMReplication", vm.name, vm_id=vm.id, side=relation.mode.label)
            return Done(vm=vm)

    def resume_vm_replication(
        self, name: str, *, resynchronize: bool = False, continue_: bool = False
    ) -> Done:
        """Go on after a pause or an error, or compare both sides anew.

        Raises:
            LabRefusal: the state does not allow it (Windows' documented text).
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            if continue_ and not resynchronize:
                raise invalid_parameter("Continue needs Resynchronize.")
            operation = Operation.RESUME
            if resynchronize:
                operation = Operation.RESYNCHRONIZE
            if continue_:
                operation = Operation.CONTINUE_RESYNCHRONIZE
            rule = self.rule(operation, vm, relation)
            if rule.via is not None:
                return self._copy(
                    vm,
                    relation,
                    cmdlet="Resume-VMReplication",
                    via=rule.via,
                    twin_via=rule.via,
                    duration=self.world.pace.resynchronization,
                )
            self._settle_state(vm, relation, rule.then or relation.state)
            self.record("Resume-VMReplication", vm.name, vm_id=vm.id, side=relation.mode.label)
            return Done(vm=vm)

    def remove_vm_replication(self, name: str) -> Done:
        """End replication on this side; the machine and its disks stay.

        Raises:
            LabRefusal: the state does not allow it.
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            self.rule(Operation.REMOVE, vm, relation)
            relation.epoch += 1
            vm.replications.remove(relation)
            vm.checkpoints = [
                checkpoint for checkpoint in vm.checkpoints if checkpoint not in vm.recovery_points
            ]
            self.record("Remove-VMReplication", vm.name, vm_id=vm.id, side=relation.mode.label)
            return Done(vm=vm)

    def _place(self, vm: VirtualMachine, relation: Replication, server: str | None) -> None:
        if node := self.world.host(server or ""):
            self.require_broker(node, vm)
        target = self.reach(server or "")
        if server is None or not isinstance(target, ReplicationCycles):
            raise LabRefusal(
                f"Hyper-V failed to enable replication for virtual machine '{vm.name}': cannot "
                f"connect to the specified replica server '{server}'.",
                reason="OperationFailed",
                category="ConnectionError",
                target=vm.name,
            )
        if target is self or not target.replication_enabled or vm.id in target.vms:
            raise LabRefusal(
                f"Hyper-V failed to enable replication for virtual machine '{vm.name}': replica "
                f"server '{target.name}' does not accept it.",
                reason="OperationFailed",
                category="InvalidOperation",
                target=vm.name,
            )
        guest = copy(vm.guest)
        guest.open_ports = frozenset()
        guest.files = dict(vm.guest.files)
        replica = VirtualMachine(
            id=vm.id,
            name=vm.name,
            host=target.name,
            guest=guest,
            generation=vm.generation,
            memory_mib=vm.memory_mib,
            processors=vm.processors,
            adapters=[
                NetworkAdapter(
                    id=self.world.new_id(f"adapter/{target.name}/{vm.id}"),
                    name=adapter.name,
                    mac=adapter.mac,
                    own=adapter.own,
                )
                for adapter in vm.adapters
            ],
            replications=[
                copy_of(
                    relation,
                    mode=ReplicationMode.Replica,
                    state=ReplicationState.WaitingForInitialReplication,
                )
            ],
            created_at=self.world.now(),
            created_by="Enable-VMReplication",
            order=vm.order,
        )
        target.vms[replica.id] = replica
        target.keep_recovery_points(replica)
        self.keep_recovery_points(vm)
        target.site.vmm.notice_machine(replica)

    def _copy(
        self,
        vm: VirtualMachine,
        relation: Replication,
        *,
        cmdlet: str,
        via: ReplicationState,
        twin_via: ReplicationState,
        duration: timedelta,
    ) -> Done:
        other = self.other_side(vm, relation)
        if other is None:
            raise LabRefusal(
                f"Could not replicate '{vm.name}': replica server '{relation.replica_server}' "
                "cannot be reached.",
                reason="OperationFailed",
                category="ConnectionError",
                target=vm.name,
            )
        _, twin, twin_relation = other
        if twin.state is not VmState.Off or twin_relation.mode is not ReplicationMode.Replica:
            raise LabRefusal(
                f"Could not replicate '{vm.name}': its copy on '{twin.host}' is {twin.state.name}, "
                f"mode {twin_relation.mode.label}, and does not accept changes.",
                reason="InvalidState",
                category="InvalidOperation",
                target=vm.name,
            )
        relation.epoch += 1
        epoch = relation.epoch
        relation.state, twin_relation.state = via, twin_via

        def copied(_: datetime) -> None:
            if relation.epoch == epoch and relation.state is via:
                self._settle_state(vm, relation, ReplicationState.Replicating)
                if twin_relation.state is twin_via:
                    self._settle_state(twin, twin_relation, ReplicationState.Replicating)
                self.record(
                    cmdlet, vm.name, vm_id=vm.id, outcome="copied", replication_state="Replicating"
                )

        relation.copy_begun_at = self.world.now()
        relation.copy_ends_at = self.world.after(duration, copied)
        self.record(cmdlet, vm.name, vm_id=vm.id, replication_state=via.name)
        return Done(vm=vm)

    def _settle_state(
        self, vm: VirtualMachine, relation: Replication, state: ReplicationState
    ) -> None:
        del vm
        relation.epoch += 1
        relation.state = state
        if state is ReplicationState.Replicating:
            self.begin_cycles(relation)
        else:
            self.end_cycles(relation)

    def _measure(self, vm: VirtualMachine, relation: Replication) -> ReplicationMeasure:
        now = self.world.now()
        period_s = max(self.world.clock.scaled_s(relation.frequency_s), 0.001)
        begun = relation.cycles_from or now
        end = relation.stopped_at or now
        missed_s = (now - end).total_seconds() if relation.stopped_at else 0.0
        details: tuple[str, ...] = ()
        if relation.health in (Health.Warning, Health.Critical):
            details = (f"Replication of '{vm.name}' is {relation.state.name}.",)
        return ReplicationMeasure(
            vm=vm,
            relation=relation,
            health=relation.health,
            last_replication_at=self.last_replication_at(relation),
            last_replication_type=ReplicationType.Regular,
            failed_over_type=relation.failed_over_type,
            initial_size_bytes=relation.size_bytes,
            pending_bytes=self._pending_bytes(relation),
            average_size_bytes=relation.size_bytes // 1000,
            average_latency=timedelta(seconds=min(period_s / 10, 5.0)),
            errors_count=0,
            successful_count=max(0, int((end - begun).total_seconds() // period_s)),
            missed_count=max(0, int(missed_s // period_s)),
            test_failover_at=relation.test_started_at,
            details=details,
        )

    def _pending_bytes(self, relation: Replication) -> int:
        """What has not crossed yet: the rest of a copy, or what a guest wrote since the last cycle.

        A running guest writes a thousandth of its disks in a whole cycle.
        """
        if relation.mode is not ReplicationMode.Primary:
            return 0
        now, begun, ends = self.world.now(), relation.copy_begun_at, relation.copy_ends_at
        if relation.state in _COPYING and begun is not None and ends is not None and ends > begun:
            return round(relation.size_bytes * max(0.0, (ends - now) / (ends - begun)))
        last = self.last_replication_at(relation)
        if relation.state is not ReplicationState.Replicating or last is None:
            return 0
        period_s = max(self.world.clock.scaled_s(relation.frequency_s), 0.001)
        return round(relation.size_bytes / 1000 * min(1.0, (now - last).total_seconds() / period_s))


def copy_of(
    relation: Replication, *, mode: ReplicationMode, state: ReplicationState
) -> Replication:
    """The same relationship as the other side has it."""
    twin = copy(relation)
    twin.mode, twin.state = mode, state
    return twin
