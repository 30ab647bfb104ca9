"""Start-, Stop-, Complete-VMFailover and Set-VMReplication: what people do in an emergency.

Source: the project's Hyper-V reference, sections 3.3-3.6.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import datetime

from secondsite.lab.world.cycles import ReplicationCycles
from secondsite.lab.world.guests import GuestLife
from secondsite.lab.world.look import HostState
from secondsite.lab.world.machine import Checkpoint, Done, Replication, VirtualMachine
from secondsite.lab.world.network import FailoverAddress, NetworkAdapter
from secondsite.lab.world.refusal import LabRefusal, invalid_parameter, not_found
from secondsite.lab.world.replication import Operation
from secondsite.lab.world.values import (
    ReplicationMode,
    ReplicationState,
    ReplicationType,
    SnapshotType,
)

__all__ = ["FailoverOperations"]


class FailoverOperations(ReplicationCycles, GuestLife):
    """Failovers of every kind."""

    def start_vm_failover(
        self,
        name: str,
        *,
        as_test: bool = False,
        prepare: bool = False,
        snapshot_id: str | None = None,
    ) -> Done:
        """Fail over, make a test VM, or prepare the primary.

        Args:
            name: The machine (on the replica's host; for `prepare` on the primary's).
            as_test: Make `<name> - Test` of the replica; `Done.vm` is the test VM.
            prepare: On the primary: send the last changes. The state becomes PreparedForFailover
                some time after the cmdlet has returned.
            snapshot_id: Recovery point to use; None: the latest data.

        Raises:
            LabRefusal: the machine, its state or the recovery point does not allow it.
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            if prepare:
                return self._prepare(vm, relation)
            point = self._recovery_point(vm, snapshot_id)
            if as_test:
                return self._start_test(vm, relation, point)
            return self._fail_over(vm, relation, point)

    def stop_vm_failover(self, name: str) -> Done:
        """End a test failover, undo a failover, or cancel the preparation of the primary.

        Raises:
            LabRefusal: there is nothing of the kind to end.
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            takes_s = self.world.clock.scaled_s(self.world.pace.undo)
            test_vm = self.test_vm_of(vm)
            if test_vm is not None:
                self._remove_test_vm(vm, relation, test_vm)
                return Done(takes_s=takes_s, vm=vm)
            rule = self.rule(Operation.CANCEL_FAILOVER, vm, relation)
            if relation.mode is ReplicationMode.Primary:
                self._cancel_preparation(vm, relation)
            else:
                self._undo(vm, relation)
            relation.state = rule.then or relation.state
            self.record(
                "Stop-VMFailover", vm.name, vm_id=vm.id, mode=relation.mode.label, **_state(vm)
            )
            return Done(takes_s=takes_s, vm=vm)

    def complete_vm_failover(self, name: str) -> Done:
        """Commit a failover: other recovery points go, and there is no undo any more.

        Raises:
            LabRefusal: the machine is not failed over and waiting for it.
        """
        with self.world.settled():
            vm = self.require(name)
            relation = self.require_replication(vm)
            rule = self.rule(Operation.COMPLETE_FAILOVER, vm, relation)
            relation.state = rule.then or relation.state
            for point in vm.recovery_points:
                vm.checkpoints.remove(point)
            self.record("Complete-VMFailover", vm.name, vm_id=vm.id, **_state(vm))
            return Done(takes_s=self.world.clock.scaled_s(self.world.pace.complete), vm=vm)

    def require_broker(self, named: HostState, vm: VirtualMachine) -> None:
        """A replica server that is a node of a cluster is not taken: its broker must be named.

        Raises:
            LabRefusal: it is one.
        """
        if named.cluster is not None:
            raise LabRefusal(
                f"Hyper-V failed to enable replication for virtual machine '{vm.name}': the "
                f"specified replica server '{named.name}' is part of a failover cluster. Specify "
                f"the name of its Hyper-V Replica Broker ('{named.cluster.broker}').",
                reason="InvalidParameter",
                category="InvalidArgument",
                target=vm.name,
            )

    def require_replication(self, vm: VirtualMachine) -> Replication:
        """Its relationship.

        Raises:
            LabRefusal: it is not enabled for replication.
        """
        if vm.replication is None:
            raise LabRefusal(
                f"Virtual machine '{vm.name}' is not enabled for replication.",
                reason="InvalidState",
                category="InvalidOperation",
                target=vm.name,
            )
        return vm.replication

    def _recovery_point(self, vm: VirtualMachine, snapshot_id: str | None) -> Checkpoint | None:
        if snapshot_id is None:
            return None
        for point in vm.recovery_points:
            if point.id == snapshot_id.casefold():
                return point
        raise not_found(
            f"Hyper-V encountered an error trying to access an object on computer '{self.name}' "
            f"because the object was not found. Virtual machine '{vm.name}' has no recovery point "
            f"{snapshot_id}.",
            target=snapshot_id,
        )

    def _prepare(self, vm: VirtualMachine, relation: Replication) -> Done:
        rule = self.rule(Operation.PREPARE, vm, relation)
        if self.other_side(vm, relation) is None:
            raise LabRefusal(
                f"Could not {Operation.PREPARE}. Hyper-V failed to reach replica server "
                f"'{relation.replica_server}' for virtual machine '{vm.name}'.",
                reason="OperationFailed",
                category="ConnectionError",
                target=vm.name,
            )
        relation.epoch += 1
        relation.preparing = True
        epoch = relation.epoch

        def prepared(at: datetime) -> None:
            if relation.epoch != epoch:
                return
            relation.preparing = False
            other = self.other_side(vm, relation)
            if other is None:
                return
            relation.state = rule.then or relation.state
            twin_relation = other[2]
            for side in (relation, twin_relation):
                side.sent_at = at
                side.stopped_at = at
            twin_relation.planned = True
            twin_relation.failed_over_type = ReplicationType.Planned
            self.record("Start-VMFailover", vm.name, vm_id=vm.id, outcome="prepared", **_state(vm))

        self.world.after(self.world.pace.prepare, prepared)
        self.record("Start-VMFailover", vm.name, vm_id=vm.id, prepare=True)
        return Done(vm=vm)

    def _start_test(
        self, vm: VirtualMachine, relation: Replication, point: Checkpoint | None
    ) -> Done:
        self.rule(Operation.TEST_FAILOVER, vm, relation)
        existing = self.test_vm_of(vm)
        if existing is not None:
            raise LabRefusal(
                f"Could not {Operation.TEST_FAILOVER}. A test failover of virtual machine "
                f"'{vm.name}' is in progress: '{existing.name}' exists. Only one test failover per "
                "virtual machine is possible at a time.",
                reason="InvalidState",
                category="InvalidOperation",
                target=vm.name,
            )
        test_vm = self._test_vm(vm, relation)
        self.vms[test_vm.id] = test_vm
        relation.test_vm_id = test_vm.id
        relation.test_started_at = self.world.now()
        self.notice_machine(test_vm)
        self.record(
            "Start-VMFailover",
            vm.name,
            vm_id=vm.id,
            as_test=True,
            test_vm=test_vm.name,
            test_vm_id=test_vm.id,
            recovery_point=point.id if point else "",
        )
        return Done(takes_s=self.world.clock.scaled_s(self.world.pace.test_failover), vm=test_vm)

    def _test_vm(self, vm: VirtualMachine, relation: Replication) -> VirtualMachine:
        test_id = self.world.new_id(f"test-vm/{self.name}/{vm.id}")
        guest = copy(vm.guest)
        guest.open_ports = frozenset()
        guest.files = dict(vm.guest.files)
        adapters = [
            NetworkAdapter(
                id=self.world.new_id(f"adapter/{test_id}"),
                name=adapter.name,
                mac=_mac(test_id, index),
                own=adapter.setting,
                injected=_injected(vm, adapter),
                is_legacy=adapter.is_legacy,
                switch=adapter.test_switch if adapter.test_switch in self._switch_names() else None,
                vlan=adapter.vlan,
            )
            for index, adapter in enumerate(vm.adapters)
        ]
        return VirtualMachine(
            id=test_id,
            name=f"{vm.name} - Test",
            host=self.name,
            guest=guest,
            generation=vm.generation,
            memory_mib=vm.memory_mib,
            processors=vm.processors,
            adapters=adapters,
            replications=[
                replace(
                    relation,
                    mode=ReplicationMode.TestReplica,
                    state=ReplicationState.Replicating,
                    test_vm_id="",
                )
            ],
            created_at=self.world.now(),
            created_by="Start-VMFailover",
            test_of=vm.id,
            order=vm.order,
        )

    def _remove_test_vm(
        self, vm: VirtualMachine, relation: Replication, test_vm: VirtualMachine
    ) -> None:
        self.power_off(test_vm)
        self.forget_leases(test_vm)
        test_vm.is_deleted = True
        del self.vms[test_vm.id]
        relation.test_vm_id = ""
        self.notice_machine(test_vm)
        self.record(
            "Stop-VMFailover",
            vm.name,
            vm_id=vm.id,
            removed=test_vm.name,
            test_vm_id=test_vm.id,
        )

    def _fail_over(
        self, vm: VirtualMachine, relation: Replication, point: Checkpoint | None
    ) -> Done:
        if relation.mode is ReplicationMode.TestReplica:
            raise invalid_parameter(f"'{vm.name}' is a test virtual machine.", target=vm.name)
        rule = self.rule(Operation.FAIL_OVER, vm, relation)
        if relation.planned and point is not None:
            raise invalid_parameter(
                f"Could not {Operation.FAIL_OVER}. The primary of '{vm.name}' is prepared for a "
                "planned failover, which takes no recovery point.",
                target=vm.name,
            )
        other = self.other_side(vm, relation)
        twin_adapters = other[1].adapters if other is not None else vm.adapters
        for adapter, twin in zip(vm.adapters, twin_adapters, strict=False):
            adapter.own = twin.setting  # the guest's own setting came across with its disks
            adapter.injected = _injected(vm, adapter)
        self.end_cycles(relation)
        relation.state = rule.then or relation.state
        relation.failed_over_at = self.world.now()
        relation.failed_over_point = point.id if point else ""
        relation.started_since_failover = False
        relation.failed_over_type = _type_of(relation, point)
        if other is not None and not relation.planned:
            _, _, twin_relation = other
            self.end_cycles(twin_relation)
            twin_relation.cut_off = True
        self.record(
            "Start-VMFailover",
            vm.name,
            vm_id=vm.id,
            planned=relation.planned,
            recovery_point=relation.failed_over_point,
            **_state(vm),
        )
        return Done(takes_s=self.world.clock.scaled_s(self.world.pace.failover), vm=vm)

    def _undo(self, vm: VirtualMachine, relation: Replication) -> None:
        self.power_off(vm)
        relation.failed_over_at = None
        relation.failed_over_point = ""
        relation.failed_over_type = (
            ReplicationType.Planned if relation.planned else ReplicationType.None_
        )
        relation.started_since_failover = False
        for adapter in vm.adapters:
            adapter.injected = FailoverAddress()
        other = self.other_side(vm, relation)
        if other is not None and not relation.planned:
            twin_relation = other[2]
            twin_relation.cut_off = False
            if twin_relation.state is ReplicationState.Replicating:
                self.begin_cycles(twin_relation)
                self.begin_cycles(relation)

    def _cancel_preparation(self, vm: VirtualMachine, relation: Replication) -> None:
        relation.epoch += 1
        relation.preparing = False
        other = self.other_side(vm, relation)
        if other is not None:
            _, _, twin_relation = other
            twin_relation.planned = False
            twin_relation.failed_over_type = ReplicationType.None_
            self.begin_cycles(relation)
            if twin_relation.state is ReplicationState.Replicating:
                self.begin_cycles(twin_relation)

    def _switch_names(self) -> set[str]:
        return {switch.name for switch in self.switches.values()}

    def notice_machine(self, vm: VirtualMachine) -> None:
        """A machine was made or removed: the site's VMM will know after its next refresh."""
        self.site.vmm.notice_machine(vm)


def _state(vm: VirtualMachine) -> dict[str, str]:
    return {"replication_state": vm.replication_state.name, "power": vm.state.name}


def _injected(vm: VirtualMachine, adapter: NetworkAdapter) -> FailoverAddress:
    """What reaches the guest: its integration services write it, so without them nothing does."""
    return adapter.failover if vm.guest.integration_services else FailoverAddress()


def _type_of(relation: Replication, point: Checkpoint | None) -> ReplicationType:
    if relation.planned:
        return ReplicationType.Planned
    if point is not None and point.kind is SnapshotType.AppConsistentReplica:
        return ReplicationType.ApplicationConsistent
    return ReplicationType.Regular


def _mac(vm_id: str, index: int) -> str:
    """A MAC address of Hyper-V's own range, from the machine's id."""
    return f"00155D{(int(vm_id[:6], 16) + index) % 0x1000000:06X}"
