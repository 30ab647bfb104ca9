"""The beat of a replication: cycles, the time of the last one, and recovery points."""

from __future__ import annotations

from datetime import datetime, timedelta

from secondsite.lab.world.look import HostState
from secondsite.lab.world.machine import Checkpoint, Replication, VirtualMachine
from secondsite.lab.world.replication import Operation, Rule, rule_for, wrong_state
from secondsite.lab.world.values import ReplicationMode, ReplicationState, SnapshotType

__all__ = ["ReplicationCycles"]


class ReplicationCycles(HostState):
    """What replication does by itself on a host, and the other side of a relationship."""

    def last_replication_at(self, relation: Replication) -> datetime | None:
        """When data crossed last: the end of the last whole cycle, or the last changes sent."""
        begun = relation.cycles_from
        if begun is None:
            return relation.sent_at
        end = relation.stopped_at or self.world.now()
        period_s = max(self.world.clock.scaled_s(relation.frequency_s), 0.001)
        cycles = int((end - begun).total_seconds() // period_s)
        lag_s = self.world.clock.scaled_s(relation.lag_s)
        at = begun + timedelta(seconds=cycles * period_s - lag_s)
        return max(at, relation.sent_at) if relation.sent_at else at

    def begin_cycles(self, relation: Replication) -> None:
        """Replication runs from now on; what there is now has crossed."""
        relation.cycles_from = self.world.now()
        relation.stopped_at = None

    def end_cycles(self, relation: Replication) -> None:
        """Replication has stopped."""
        if relation.stopped_at is None:
            relation.stopped_at = self.world.now()

    def other_side(
        self, vm: VirtualMachine, relation: Replication
    ) -> tuple[ReplicationCycles, VirtualMachine, Replication] | None:
        """(host, machine, relationship) of the other side; None if out of reach or gone."""
        primary = relation.mode is ReplicationMode.Primary
        server = relation.current_replica_server if primary else relation.primary_server
        host = self.reach(server, vm_id=vm.id)
        if not isinstance(host, ReplicationCycles):
            return None
        twin = host.vms.get(vm.id)
        if twin is None or not twin.replications:
            return None
        return host, twin, twin.replications[0]

    def notice_links(self, now: datetime) -> None:
        """A site was cut off or has come back: cycles across stop or go on."""
        del now
        for vm in self.vms.values():
            for relation in vm.replications:
                if relation.mode is ReplicationMode.TestReplica:
                    continue
                cut = self.other_side(vm, relation) is None
                if cut and not relation.cut_off:
                    self.end_cycles(relation)
                elif (
                    relation.cut_off and not cut and relation.state is ReplicationState.Replicating
                ):
                    self.begin_cycles(relation)
                relation.cut_off = cut

    def keep_recovery_points(self, vm: VirtualMachine) -> None:
        """Make a recovery point at each interval, keeping as many as the relationship says."""

        def make(at: datetime) -> None:
            if vm.is_deleted:
                return
            relation = vm.replication
            if (
                relation is not None
                and relation.mode is ReplicationMode.Replica
                and relation.state is ReplicationState.Replicating
                and not relation.cut_off
                and relation.recovery_history > 0
            ):
                self.add_recovery_point(vm, relation, at=at)
            self.world.after(self.world.pace.recovery_point_every, make)

        self.world.after(self.world.pace.recovery_point_every, make)

    def add_recovery_point(
        self, vm: VirtualMachine, relation: Replication, *, at: datetime
    ) -> Checkpoint:
        """Add one and drop the oldest that are too many; every other is application-consistent."""
        point_id = self.world.new_id(f"recovery-point/{self.name}/{vm.id}")
        last = vm.recovery_points[-1].kind if vm.recovery_points else SnapshotType.Replica
        consistent = relation.app_consistent and last is SnapshotType.Replica
        kind = SnapshotType.AppConsistentReplica if consistent else SnapshotType.Replica
        label = "Application-consistent Replica" if consistent else "Standard Replica"
        point = Checkpoint(
            id=point_id,
            name=f"{vm.name} - {label} - ({at:%m/%d/%Y - %I:%M:%S %p})",
            vm_id=vm.id,
            vm_name=vm.name,
            kind=kind,
            created_at=at,
        )
        vm.checkpoints.append(point)
        for old in vm.recovery_points[: -relation.recovery_history or None]:
            vm.checkpoints.remove(old)
        return point

    def rule(self, operation: Operation, vm: VirtualMachine, relation: Replication) -> Rule:
        """What `operation` does to this relationship.

        Raises:
            LabRefusal: it is not allowed now.
        """
        if relation.preparing and operation is not Operation.REMOVE:
            raise wrong_state(operation, mode=relation.mode, state="preparing", vm=vm.name)
        return rule_for(
            operation, mode=relation.mode, state=relation.state, vm=vm.name, vm_state=vm.state
        )
