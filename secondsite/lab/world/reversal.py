"""Set-VMReplication: settings, `-AsReplica` and `-Reverse`.

Source: the project's Hyper-V reference, sections 3.4 (step 4) and 3.6.
"""

from __future__ import annotations

from secondsite.lab.world.failover import FailoverOperations
from secondsite.lab.world.machine import Done, Replication, VirtualMachine
from secondsite.lab.world.refusal import LabRefusal, invalid_parameter
from secondsite.lab.world.replication import Operation
from secondsite.lab.world.values import ReplicationMode, ReplicationState, ReplicationType, VmState

__all__ = ["ReversalOperations"]

_FREQUENCIES_S = (30, 300, 900)


class ReversalOperations(FailoverOperations):
    """What turns a relationship round."""

    def set_vm_replication(
        self,
        name: str,
        *,
        reverse: bool = False,
        as_replica: bool = False,
        replica_server: str | None = None,
        replica_server_port: int | None = None,
        authentication: str | None = None,
        certificate: str | None = None,
        frequency_s: int | None = None,
        recovery_history: int | None = None,
        app_consistent: bool | None = None,
        allowed_primary: str | None = None,
    ) -> Done:
        """Change a relationship.

        Args:
            name: The machine.
            reverse: This (failed-over) replica becomes the primary.
            as_replica: This (former) primary becomes a replica that waits for its new primary.
            replica_server: With `reverse`: who takes the changes; default: the former primary.
            replica_server_port: New setting.
            authentication: New setting: Kerberos or Certificate.
            certificate: New setting: thumbprint.
            frequency_s: New setting: 30, 300 or 900.
            recovery_history: New setting: 0-24.
            app_consistent: Whether every other recovery point is application-consistent.
            allowed_primary: New setting.

        Raises:
            LabRefusal: the state, the other side or the mix of parameters does not allow it.
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            if reverse and as_replica:
                raise invalid_parameter("Reverse and AsReplica cannot be used together.")
            if frequency_s is not None and frequency_s not in _FREQUENCIES_S:
                raise invalid_parameter(
                    f"The replication frequency {frequency_s} is not valid: 30, 300 or 900 seconds."
                )
            if recovery_history is not None and not 0 <= recovery_history <= 24:
                raise invalid_parameter(
                    f"The recovery history {recovery_history} is not between 0 and 24."
                )
            if reverse:
                done = self._reverse(vm, relation, replica_server)
            elif as_replica:
                done = self._become_replica(vm, relation)
            else:
                self.rule(Operation.CHANGE_SETTINGS, vm, relation)
                done = Done(vm=vm)
            settings = {
                "port": replica_server_port,
                "authentication": authentication,
                "certificate": certificate,
                "frequency_s": frequency_s,
                "recovery_history": recovery_history,
                "app_consistent": app_consistent,
                "allowed_primary": allowed_primary,
            }
            changed = {key: value for key, value in settings.items() if value is not None}
            for key, value in changed.items():
                setattr(relation, key, value)
            self.record(
                "Set-VMReplication",
                vm.name,
                vm_id=vm.id,
                reverse=reverse,
                as_replica=as_replica,
                mode=relation.mode.label,
                replication_state=relation.state.name,
                settings=changed,
            )
            return done

    def _become_replica(self, vm: VirtualMachine, relation: Replication) -> Done:
        rule = self.rule(Operation.AS_REPLICA, vm, relation)
        former_replica = relation.replica_server
        self.end_cycles(relation)
        relation.epoch += 1
        relation.preparing = False
        relation.planned = False
        relation.mode = rule.mode or relation.mode
        relation.state = rule.then or relation.state
        relation.primary_server = former_replica
        relation.replica_server = relation.current_replica_server = self.name
        relation.cut_off = False
        return Done(vm=vm)

    def _reverse(
        self, vm: VirtualMachine, relation: Replication, replica_server: str | None
    ) -> Done:
        rule = self.rule(Operation.REVERSE, vm, relation)
        if any(each.relationship.name == "Extended" for each in vm.replications):
            raise self._cannot_reverse(vm, "it is itself replicated to an extended replica")
        target_name = replica_server or relation.primary_server
        if replica_server and (node := self.world.host(replica_server)):
            self.require_broker(node, vm)
        target = self.reach(target_name, vm_id=vm.id)
        if target is None:
            raise self._cannot_reverse(vm, f"replica server '{target_name}' cannot be reached")
        if not target.replication_enabled:
            raise self._cannot_reverse(
                vm, f"replica server '{target.name}' does not accept replication"
            )
        twin = target.vms.get(vm.id)
        if twin is None or twin.replication is None:
            raise self._cannot_reverse(
                vm, f"'{target.name}' has no copy of it; enable replication instead"
            )
        other = twin.replication
        if twin.state is not VmState.Off:
            raise self._cannot_reverse(vm, f"its copy on '{target.name}' is {twin.state.name}")
        prepared = (
            other.mode is ReplicationMode.Primary
            and other.state is ReplicationState.PreparedForFailover
        )
        waits = (
            other.mode is ReplicationMode.Replica
            and other.state is ReplicationState.WaitingForInitialReplication
        )
        if not prepared and not waits:
            raise self._cannot_reverse(
                vm,
                f"its copy on '{target.name}' is {other.mode.label} in state {other.state.name}; "
                "it must be prepared for failover, or set as replica",
            )
        relation.mode = rule.mode or relation.mode
        relation.primary_server = other.primary_server = self.name
        named = target.cluster.broker if target.cluster is not None else target.name
        relation.replica_server = other.replica_server = named
        relation.current_replica_server = other.current_replica_server = target.name
        for side in (relation, other):
            side.epoch += 1
            side.planned = False
            side.cut_off = False
            side.failed_over_at = None
            side.failed_over_point = ""
            side.failed_over_type = ReplicationType.None_
        vm.checkpoints = [
            checkpoint for checkpoint in vm.checkpoints if checkpoint not in vm.recovery_points
        ]
        if prepared:
            other.mode = ReplicationMode.Replica
            diverged = relation.started_since_failover and self.world.resynchronize_after_start
            state = (
                ReplicationState.WaitingForStartResynchronize
                if diverged
                else ReplicationState.Replicating
            )
            relation.state = other.state = state
            if not diverged:
                self.begin_cycles(relation)
                self.begin_cycles(other)
        else:
            relation.state = ReplicationState.ReadyForInitialReplication
        return Done(takes_s=self.world.clock.scaled_s(self.world.pace.reverse), vm=vm)

    def _cannot_reverse(self, vm: VirtualMachine, why: str) -> LabRefusal:
        return LabRefusal(
            f"Could not {Operation.REVERSE}. Virtual machine '{vm.name}' on '{self.name}': {why}.",
            reason="InvalidState",
            category="InvalidOperation",
            target=vm.name,
        )
