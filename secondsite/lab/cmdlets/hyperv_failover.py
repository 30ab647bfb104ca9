"""Start-, Stop-, Complete-VMFailover and the recovery points that they take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secondsite.lab.cmdlets.hyperv_objects import snapshot_object
from secondsite.lab.cmdlets.hyperv_subjects import (
    act_on_machine,
    act_on_machines,
    host_of,
    machines_of_call,
    objects_of,
    text_of,
    texts_of,
)
from secondsite.lab.cmdlets.refusals import reporting
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry
from secondsite.lab.world.host import HyperVHost
from secondsite.lab.world.machine import Checkpoint
from secondsite.lab.world.refusal import invalid_parameter, not_found
from secondsite.lab.world.values import SnapshotType

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_MODULE: Final = "Hyper-V"


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


@_CMDLETS.cmdlet("Start-VMFailover", module=_MODULE, confirms=True)
def start_vm_failover(call: CmdletCall) -> Iterator[object]:
    """Fail over, make a test VM, or prepare the primary."""
    as_test, prepare = call.switch("AsTest"), call.switch("Prepare")
    points = objects_of(call, "VMRecoverySnapshot")
    if not points:
        return act_on_machines(
            call,
            lambda host, vm: host.start_vm_failover(vm.id, as_test=as_test, prepare=prepare),
        )
    return _start_from(call, str(points[0].get("VMId")), str(points[0].get("Id")), as_test=as_test)


def _start_from(call: CmdletCall, vm_id: str, point: str, *, as_test: bool) -> Iterator[object]:
    host = host_of(call)
    with reporting(call):
        vm = host.get_vm(vm_id=vm_id)[0]
        yield from act_on_machine(
            call,
            host,
            vm,
            lambda each, vm: each.start_vm_failover(vm.id, as_test=as_test, snapshot_id=point),
        )


@_CMDLETS.cmdlet("Stop-VMFailover", module=_MODULE)
def stop_vm_failover(call: CmdletCall) -> Iterator[object]:
    """End a test, undo a failover, or cancel the preparation."""
    return act_on_machines(call, lambda host, vm: host.stop_vm_failover(vm.id))


@_CMDLETS.cmdlet("Complete-VMFailover", module=_MODULE, confirms=True)
def complete_vm_failover(call: CmdletCall) -> Iterator[object]:
    """Commit a failover."""
    return act_on_machines(call, lambda host, vm: host.complete_vm_failover(vm.id))


@_CMDLETS.cmdlet("Get-VMSnapshot", module=_MODULE)
def get_vm_snapshot(call: CmdletCall) -> Iterator[object]:
    """Checkpoints and recovery points, by machine or id, of one type or all."""
    host = host_of(call)
    kind = text_of(call, "SnapshotType")
    name = text_of(call, "Name")
    if call.get("Id") is not None:
        yield from _by_id(call, host)
        return
    if call.get("ParentOf") is not None or call.get("ChildOf") is not None:
        with reporting(call):
            raise invalid_parameter("lab: Get-VMSnapshot -ParentOf and -ChildOf are not simulated.")
    for vm in machines_of_call(call, host):
        with reporting(call):
            wanted = None if kind is None else SnapshotType[kind]
            for point in host.get_vm_snapshots(vm.id, kind=wanted):
                if name is None or point.name.casefold() == name.casefold():
                    yield snapshot_object(call, host, point)


def _by_id(call: CmdletCall, host: HyperVHost) -> Iterator[object]:
    points: dict[str, Checkpoint] = {point.id: point for point in host.get_vm_snapshots()}
    for text in texts_of(call, "Id"):
        with reporting(call):
            point = points.get(text.casefold())
            if point is None:
                raise not_found(
                    f"Hyper-V was unable to find a checkpoint with id {text}.", target=text
                )
            yield snapshot_object(call, host, point)
