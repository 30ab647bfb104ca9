"""The objects of the Hyper-V module, with the properties that scripts use.

Names and types: the project's type reference (a mirror of the module's types). Short names of
VMReplication (State, Mode, Health, ...) are alias properties there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from secondsite.lab.cmdlets.hyperv_values import (
    HYPER_V,
    guid,
    heartbeat,
    local_time,
    named,
    ps_enum,
)
from secondsite.lab.powershell.registry import CmdletCall
from secondsite.lab.powershell.values import Int64, PsObject, ps_object
from secondsite.lab.world.host import HyperVHost
from secondsite.lab.world.machine import Checkpoint, Replication, VirtualMachine
from secondsite.lab.world.network import NetworkAdapter, VirtualSwitch
from secondsite.lab.world.values import ReplicationMode, VmState

__all__ = [
    "adapter_object",
    "replication_object",
    "snapshot_object",
    "switch_object",
    "vlan_object",
    "vm_object",
]

_MIB: Final = 1024 * 1024
_REPLICATION_ALIASES: Final = {
    "Name": "VMName",
    "State": "ReplicationState",
    "Health": "ReplicationHealth",
    "Mode": "ReplicationMode",
    "FrequencySec": "ReplicationFrequencySec",
    "PrimaryServer": "PrimaryServerName",
    "ReplicaServer": "ReplicaServerName",
    "ReplicaPort": "ReplicaServerPort",
    "AuthType": "AuthenticationType",
    "Relationship": "ReplicationRelationshipType",
}
_AUTHENTICATION: Final = {"Kerberos": 1, "Certificate": 2}


def vm_object(call: CmdletCall, host: HyperVHost, vm: VirtualMachine) -> PsObject:
    """`VirtualMachine`, as it is at this moment."""
    now = host.world.clock.now()
    is_running = vm.state in (VmState.Running, VmState.Starting, VmState.Stopping)
    relation = vm.replication
    memory_bytes = Int64(vm.memory_mib * _MIB)
    return ps_object(
        f"{HYPER_V}.VirtualMachine",
        bases=(f"{HYPER_V}.VirtualMachineBase",),
        aliases={"VMName": "Name", "VMId": "Id"},
        text=f"VirtualMachine (Name = '{vm.name}') [Id = '{vm.id}']",
        Name=vm.name,
        Id=guid(vm.id),
        State=ps_enum(vm.state),
        Status=vm.status,
        Generation=vm.generation,
        Heartbeat=heartbeat(host.heartbeat(vm)) if vm.state is VmState.Running else None,
        Uptime=timedelta(seconds=vm.uptime_s(now)),
        ProcessorCount=Int64(vm.processors),
        CPUUsage=1 if vm.state is VmState.Running else 0,
        MemoryStartup=memory_bytes,
        MemoryAssigned=memory_bytes if is_running else Int64(0),
        MemoryDemand=memory_bytes if is_running else Int64(0),
        DynamicMemoryEnabled=False,
        Notes=vm.notes,
        CreationTime=local_time(call, vm.created_at),
        ComputerName=host.name.upper(),
        AutomaticStartAction=ps_enum(vm.start_action),
        AutomaticStopAction=named("StopAction", "Save", 3),
        NetworkAdapters=[adapter_object(vm, adapter) for adapter in vm.adapters],
        ReplicationMode=ps_enum(vm.mode),
        ReplicationState=ps_enum(vm.replication_state),
        ReplicationHealth=(
            ps_enum(relation.health)
            if relation is not None
            else named("VMReplicationHealthState", "NotApplicable", 0)
        ),
        IsClustered=False,
        IsDeleted=vm.is_deleted,
    )


def replication_object(
    call: CmdletCall, host: HyperVHost, vm: VirtualMachine, relation: Replication
) -> PsObject:
    """`VMReplication`, one per relationship."""
    test_vm = host.test_vm_of(vm) if relation.mode is not ReplicationMode.TestReplica else None
    return ps_object(
        f"{HYPER_V}.VMReplication",
        aliases=_REPLICATION_ALIASES,
        VMName=vm.name,
        VMId=guid(vm.id),
        ReplicationState=ps_enum(relation.state),
        ReplicationHealth=ps_enum(relation.health),
        ReplicationMode=ps_enum(relation.mode),
        ReplicationRelationshipType=ps_enum(relation.relationship),
        PrimaryServerName=relation.primary_server,
        ReplicaServerName=relation.replica_server,
        CurrentReplicaServerName=relation.current_replica_server,
        ReplicaServerPort=relation.port,
        AuthenticationType=named(
            "ReplicationAuthenticationType",
            relation.authentication,
            _AUTHENTICATION[relation.authentication],
        ),
        CertificateThumbprint=relation.certificate,
        AllowedPrimaryServer=relation.allowed_primary,
        ReplicationFrequencySec=relation.frequency_s,
        RecoveryHistory=relation.recovery_history,
        VSSSnapshotReplicationEnabled=relation.app_consistent,
        CompressionEnabled=True,
        AutoResynchronizeEnabled=False,
        LastReplicationTime=local_time(call, host.last_replication_at(relation)),
        TestVirtualMachine=None if test_vm is None else vm_object(call, host, test_vm),
        ComputerName=host.name.upper(),
        IsDeleted=vm.is_deleted,
    )


def snapshot_object(call: CmdletCall, host: HyperVHost, point: Checkpoint) -> PsObject:
    """`VMSnapshot`: a checkpoint or recovery point."""
    return ps_object(
        f"{HYPER_V}.VMSnapshot",
        bases=(f"{HYPER_V}.VirtualMachineBase",),
        Name=point.name,
        Id=guid(point.id),
        VMName=point.vm_name,
        VMId=guid(point.vm_id),
        SnapshotType=ps_enum(point.kind),
        CreationTime=local_time(call, point.created_at),
        State=ps_enum(VmState.Off),
        IsAutomaticCheckpoint=False,
        ParentSnapshotId=None,
        ParentSnapshotName="",
        ComputerName=host.name.upper(),
        IsDeleted=False,
    )


def vlan_object(vm: VirtualMachine, adapter: NetworkAdapter) -> PsObject:
    """`VMNetworkAdapterVlanSetting`; the world knows untagged and access mode."""
    mode = ("Untagged", 1) if adapter.vlan is None else ("Access", 2)
    return ps_object(
        f"{HYPER_V}.VMNetworkAdapterVlanSetting",
        VMName=vm.name,
        VMNetworkAdapterName=adapter.name,
        OperationMode=named("VMNetworkAdapterVlanMode", *mode),
        AccessVlanId=adapter.vlan or 0,
        NativeVlanId=0,
        AllowedVlanIdListString="",
    )


def adapter_object(vm: VirtualMachine, adapter: NetworkAdapter) -> PsObject:
    """`VMNetworkAdapter` of a virtual machine."""
    return ps_object(
        f"{HYPER_V}.VMNetworkAdapter",
        bases=(f"{HYPER_V}.VMNetworkAdapterBase",),
        aliases={"VMNetworkAdapterName": "Name"},
        Name=adapter.name,
        Id=f"Microsoft:{vm.id.upper()}\\{adapter.id.upper()}",
        VMId=guid(vm.id),
        VMName=vm.name,
        MacAddress=adapter.mac.upper(),
        SwitchName=adapter.switch or "",
        Connected=adapter.switch is not None,
        IPAddresses=[str(address) for address in adapter.reported],
        VlanSetting=vlan_object(vm, adapter),
        TestReplicaSwitchName=adapter.test_switch or "",
        TestReplicaPoolName=adapter.test_pool or "",
        IsLegacy=adapter.is_legacy,
        IsManagementOs=False,
        DynamicMacAddressEnabled=True,
        IsDeleted=vm.is_deleted,
    )


def switch_object(host: HyperVHost, switch: VirtualSwitch) -> PsObject:
    """`VMSwitch`."""
    return ps_object(
        f"{HYPER_V}.VMSwitch",
        text=f"VMSwitch (Name = '{switch.name}') [Id = '{switch.id}']",
        Name=switch.name,
        Id=guid(switch.id),
        SwitchType=ps_enum(switch.kind),
        Notes=switch.notes,
        AllowManagementOS=switch.kind.name == "External",
        ComputerName=host.name.upper(),
        IsDeleted=False,
    )
