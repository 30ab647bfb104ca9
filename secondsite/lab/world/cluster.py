"""Failover clusters: nodes that machines move between, and the broker that speaks for them all.

Sources: the project's Hyper-V reference, sections 3.1 and 3.6 (name the Replica Broker when the
replica server is a cluster); what a move takes along is assumed (docs/explanation/
windows-assumptions.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secondsite.lab.world.refusal import LabRefusal, not_found
from secondsite.lab.world.values import ReplicationMode, VmState

if TYPE_CHECKING:
    from secondsite.lab.world.host import HyperVHost
    from secondsite.lab.world.machine import VirtualMachine
    from secondsite.lab.world.world import World

__all__ = ["Cluster", "move_vm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Hosts of one site that machines move between.

    Attributes:
        broker: Name of its Hyper-V Replica Broker.
        nodes: Names of its hosts.
    """

    name: str
    broker: str
    nodes: tuple[str, ...]


def move_vm(world: World, name: str, to: str) -> HyperVHost:
    """Move a machine, running or not, to another node of its cluster; gives that node.

    It keeps its power, addresses and replication. The test VM of a replica moves with it.

    Raises:
        LabRefusal: no such node or machine, or the node cannot take it.
    """
    with world.settled():
        target = world.host(to)
        if target is None or target.cluster is None:
            raise not_found(f"'{to}' is no node of a cluster.", target=to)
        source, vm = _on_other_node(world, target, name)
        _require_place(target, vm)
        moved = [vm, *(each for each in source.vms.values() if each.test_of == vm.id)]
        for each in moved:
            del source.vms[each.id]
            target.vms[each.id] = each
            each.host = target.name
        _tell_other_side(world, source.name, target, vm)
        world.reachability += 1
        for each in moved:
            target.site.vmm.notice_machine(each)
            target.record("Move-VM", each.name, vm_id=each.id, moved_from=source.name)
        return target


def _on_other_node(
    world: World, target: HyperVHost, name: str
) -> tuple[HyperVHost, VirtualMachine]:
    assert target.cluster is not None  # noqa: S101 - the caller has looked
    for node in target.cluster.nodes:
        host = world.host(node)
        if host is not None and host is not target and (vm := host.find(name)) is not None:
            return host, vm
    raise not_found(
        f"No other node of cluster '{target.cluster.name}' has a virtual machine '{name}'.",
        target=name,
    )


def _require_place(target: HyperVHost, vm: VirtualMachine) -> None:
    switches = {switch.name for switch in target.switches.values()}
    missing = {adapter.switch for adapter in vm.adapters if adapter.switch} - switches
    if missing:
        raise LabRefusal(
            f"'{vm.name}' failed to move: '{target.name}' has no virtual switch "
            f"{', '.join(sorted(missing))}.",
            reason="OperationFailed",
            category="InvalidOperation",
            target=vm.name,
        )
    if vm.state is not VmState.Off and vm.memory_mib > target.free_memory_mib():
        raise LabRefusal(
            f"'{vm.name}' failed to move: '{target.name}' has not enough memory.",
            reason="OutOfMemory",
            category="ResourceUnavailable",
            target=vm.name,
        )


def _tell_other_side(world: World, was_on: str, target: HyperVHost, vm: VirtualMachine) -> None:
    """Both sides learn which node has it now."""
    for host in world.hosts:
        twin = host.vms.get(vm.id)
        for relation in twin.replications if twin is not None else ():
            if relation.primary_server == was_on:
                relation.primary_server = target.name
            if relation.current_replica_server == was_on:
                relation.current_replica_server = target.name
            if relation.replica_server == was_on and relation.mode is not ReplicationMode.None_:
                relation.replica_server = target.name
