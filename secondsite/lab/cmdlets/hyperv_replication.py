"""Get-, Measure-, Set-, Enable-, Suspend-, Resume-, Remove-VMReplication and the first copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from secondsite.lab.cmdlets.hyperv_objects import replication_object
from secondsite.lab.cmdlets.hyperv_subjects import (
    act_on_machines,
    host_of,
    machines_of_call,
    text_of,
)
from secondsite.lab.cmdlets.hyperv_values import HYPER_V, guid, local_time, ps_enum
from secondsite.lab.cmdlets.refusals import reporting
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry
from secondsite.lab.powershell.values import Int64, PsObject, ps_object
from secondsite.lab.world.host import HyperVHost
from secondsite.lab.world.machine import Replication, VirtualMachine
from secondsite.lab.world.replicating import ReplicationMeasure

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_MODULE: Final = "Hyper-V"


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


def _is_wanted(call: CmdletCall, relation: Replication) -> bool:
    """Whether the relationship passes the filters that the call gives."""
    actual = {
        "ReplicationState": relation.state.name,
        "ReplicationHealth": relation.health.name,
        "ReplicationMode": relation.mode.label,
        "ReplicationRelationshipType": relation.relationship.name,
        "PrimaryServerName": relation.primary_server,
        "ReplicaServerName": relation.replica_server,
    }
    return all(
        wanted is None or wanted.casefold() == actual[name].casefold()
        for name, wanted in ((name, text_of(call, name)) for name in actual)
    )


@_CMDLETS.cmdlet("Get-VMReplication", module=_MODULE)
def get_vm_replication(call: CmdletCall) -> Iterator[object]:
    """Relationships of machines, or of all that have one; a machine may have two."""
    host = host_of(call)
    found: list[PsObject] = []
    if call.get("VMName") is None and call.get("VM") is None:
        with host.world.settled():
            found = _wanted(call, host, host.get_vm_replication())
        yield from found
        return
    for vm in machines_of_call(call, host):
        with reporting(call), host.world.settled():
            found = _wanted(call, host, host.get_vm_replication(vm.id))
        yield from found
        found = []


def _wanted(
    call: CmdletCall, host: HyperVHost, pairs: Sequence[tuple[VirtualMachine, Replication]]
) -> list[PsObject]:
    return [
        replication_object(call, host, vm, relation)
        for vm, relation in pairs
        if _is_wanted(call, relation)
    ]


@_CMDLETS.cmdlet("Measure-VMReplication", module=_MODULE)
def measure_vm_replication(call: CmdletCall) -> Iterator[object]:
    """Statistics of relationships."""
    host = host_of(call)
    names: list[str | None] = [None]
    if call.get("VMName") is not None or call.get("VM") is not None:
        names = [vm.id for vm in machines_of_call(call, host)]
    for name in names:
        with reporting(call):
            for measure in host.measure_vm_replication(name):
                if _is_wanted(call, measure.relation):
                    yield _measure_object(call, host, measure)


def _measure_object(call: CmdletCall, host: HyperVHost, measure: ReplicationMeasure) -> PsObject:
    relation = measure.relation
    return ps_object(
        f"{HYPER_V}.VMReplicationHealth",
        aliases={
            "Name": "VMName",
            "State": "ReplicationState",
            "Health": "ReplicationHealth",
            "Mode": "ReplicationMode",
            "LReplTime": "LastReplicationTime",
            "PReplSize": "PendingReplicationSize",
            "AvgLatency": "AverageReplicationLatency",
            "AvgReplSize": "AverageReplicationSize",
            "Relationship": "ReplicationRelationshipType",
        },
        VMName=measure.vm.name,
        VMId=guid(measure.vm.id),
        ReplicationState=ps_enum(relation.state),
        ReplicationHealth=ps_enum(measure.health),
        ReplicationMode=ps_enum(relation.mode),
        ReplicationRelationshipType=ps_enum(relation.relationship),
        PrimaryServerName=relation.primary_server,
        ReplicaServerName=relation.replica_server,
        CurrentReplicaServerName=relation.current_replica_server,
        LastReplicationTime=local_time(call, measure.last_replication_at),
        LastReplicationType=ps_enum(measure.last_replication_type),
        FailedOverReplicationType=ps_enum(measure.failed_over_type),
        LastTestFailoverInitiatedTime=local_time(call, measure.test_failover_at),
        InitialReplicationSize=Int64(measure.initial_size_bytes),
        PendingReplicationSize=Int64(measure.pending_bytes),
        AverageReplicationSize=Int64(measure.average_size_bytes),
        MaximumReplicationSize=Int64(measure.average_size_bytes * 2),
        AverageReplicationLatency=measure.average_latency,
        MaximumReplicationLatency=measure.average_latency,
        ReplicationErrors=measure.errors_count,
        SuccessfulReplicationCount=measure.successful_count,
        MissedReplicationCount=measure.missed_count,
        ReplicationHealthDetails=list(measure.details),
        ComputerName=host.name.upper(),
    )


def _number(call: CmdletCall, name: str) -> int | None:
    text = text_of(call, name)
    return None if text is None else int(text)


@_CMDLETS.cmdlet("Set-VMReplication", module=_MODULE)
def set_vm_replication(call: CmdletCall) -> Iterator[object]:
    """Settings, -AsReplica, -Reverse."""
    app_consistent = None
    if call.get("VSSSnapshotFrequencyHour") is not None:
        app_consistent = True
    if call.switch("DisableVSSSnapshotReplication"):
        app_consistent = False
    return act_on_machines(
        call,
        lambda host, vm: host.set_vm_replication(
            vm.id,
            reverse=call.switch("Reverse"),
            as_replica=call.switch("AsReplica"),
            replica_server=text_of(call, "ReplicaServerName"),
            replica_server_port=_number(call, "ReplicaServerPort"),
            authentication=text_of(call, "AuthenticationType"),
            certificate=text_of(call, "CertificateThumbprint"),
            frequency_s=_number(call, "ReplicationFrequencySec"),
            recovery_history=_number(call, "RecoveryHistory"),
            app_consistent=app_consistent,
            allowed_primary=text_of(call, "AllowedPrimaryServer"),
        ),
    )


@_CMDLETS.cmdlet("Enable-VMReplication", module=_MODULE)
def enable_vm_replication(call: CmdletCall) -> Iterator[object]:
    """Begin to replicate."""
    return act_on_machines(
        call,
        lambda host, vm: host.enable_vm_replication(
            vm.id,
            replica_server=text_of(call, "ReplicaServerName"),
            replica_server_port=_number(call, "ReplicaServerPort") or 80,
            authentication=text_of(call, "AuthenticationType") or "Kerberos",
            certificate=text_of(call, "CertificateThumbprint") or "",
            frequency_s=_number(call, "ReplicationFrequencySec") or 300,
            recovery_history=_number(call, "RecoveryHistory") or 0,
            app_consistent=call.get("VSSSnapshotFrequencyHour") is not None,
            as_replica=call.switch("AsReplica"),
            allowed_primary=text_of(call, "AllowedPrimaryServer") or "",
        ),
    )


@_CMDLETS.cmdlet("Start-VMInitialReplication", module=_MODULE)
def start_vm_initial_replication(call: CmdletCall) -> Iterator[object]:
    """Begin the first copy over the network."""
    return act_on_machines(call, lambda host, vm: host.start_vm_initial_replication(vm.id))


@_CMDLETS.cmdlet("Stop-VMInitialReplication", module=_MODULE)
def stop_vm_initial_replication(call: CmdletCall) -> Iterator[object]:
    """Give the first copy up."""
    return act_on_machines(call, lambda host, vm: host.stop_vm_initial_replication(vm.id))


@_CMDLETS.cmdlet("Suspend-VMReplication", module=_MODULE)
def suspend_vm_replication(call: CmdletCall) -> Iterator[object]:
    """Pause."""
    return act_on_machines(call, lambda host, vm: host.suspend_vm_replication(vm.id))


@_CMDLETS.cmdlet("Resume-VMReplication", module=_MODULE)
def resume_vm_replication(call: CmdletCall) -> Iterator[object]:
    """Go on; with -Resynchronize compare both sides first."""
    return act_on_machines(
        call,
        lambda host, vm: host.resume_vm_replication(
            vm.id,
            resynchronize=call.switch("Resynchronize"),
            continue_=call.switch("Continue"),
        ),
    )


@_CMDLETS.cmdlet("Remove-VMReplication", module=_MODULE)
def remove_vm_replication(call: CmdletCall) -> Iterator[object]:
    """End replication on this side."""
    return act_on_machines(call, lambda host, vm: host.remove_vm_replication(vm.id))
