# Everything on this Hyper-V host that a run may need to know. Reads only.
[CmdletBinding()]
param()
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/shared/address_names.ps1"
. "$PSScriptRoot/shared/times.ps1"

function Select-Setting([object] $Setting) {
    $values = [ordered]@{}
    foreach ($name in $addressNames) {
        $value = ''
        if ($null -ne $Setting) { $value = "$($Setting.$name)" }
        if ($value -ne '' -and $value -ne '0') { $values[$name] = $value }
    }
    $values
}

$machines = @(Get-VM)
$relationsOf = @{}
foreach ($relation in @(Get-VMReplication)) { $relationsOf["$($relation.VMId)"] += , $relation }
$adaptersOf = @{}
$pointsOf = @{}
$settingOf = @{}
if ($machines.Count -gt 0) {
    foreach ($adapter in @(Get-VMNetworkAdapter -VM $machines)) { $adaptersOf["$($adapter.VMId)"] += , $adapter }
    # What a failover would inject; only replicated VMs have such settings.
    $replicated = @(
        foreach ($id in $adaptersOf.Keys) {
            $modes = @(foreach ($relation in $relationsOf[$id]) { "$($relation.ReplicationMode)" })
            if ($modes.Count -gt 0 -and $modes -notcontains 'TestReplica') { foreach ($adapter in $adaptersOf[$id]) { $adapter } }
        }
    )
    if ($replicated.Count -gt 0) {
        $settings = @(Get-VMNetworkAdapterFailoverConfiguration -VMNetworkAdapter $replicated)
        for ($index = 0; $index -lt $replicated.Count; $index++) {
            if ($settings.Count -eq $replicated.Count) { $setting = $settings[$index] }
            else { $setting = Get-VMNetworkAdapterFailoverConfiguration -VMNetworkAdapter $replicated[$index] }
            $settingOf["$($replicated[$index].Id)"] = $setting
        }
    }
    foreach ($point in @(Get-VMSnapshot -VM $machines)) {
        if ("$($point.SnapshotType)" -in 'Replica', 'AppConsistentReplica') { $pointsOf["$($point.VMId)"] += , $point }
    }
}

$vms = @(
    foreach ($machine in $machines) {
        $id = "$($machine.Id)"
        $testMachine = $null
        $replication = @(
            foreach ($relation in $relationsOf[$id]) {
                if ($null -ne $relation.TestVirtualMachine) { $testMachine = "$($relation.TestVirtualMachine.Name)" }
                [ordered]@{
                    mode = "$($relation.ReplicationMode)"
                    state = "$($relation.ReplicationState)"
                    health = "$($relation.ReplicationHealth)"
                    relationship = "$($relation.ReplicationRelationshipType)"
                    primary_server = "$($relation.PrimaryServerName)"
                    replica_server = "$($relation.ReplicaServerName)"
                    frequency_s = [int] $relation.ReplicationFrequencySec
                    last_replication_at = ConvertTo-UtcText $relation.LastReplicationTime
                }
            }
        )
        $adapters = @(
            foreach ($adapter in $adaptersOf[$id]) {
                $vlan = $null
                if ("$($adapter.VlanSetting.OperationMode)" -eq 'Access') { $vlan = [int] $adapter.VlanSetting.AccessVlanId }
                [ordered]@{
                    name = "$($adapter.Name)"
                    id = "$($adapter.Id)"
                    mac = "$($adapter.MacAddress)"
                    switch = "$($adapter.SwitchName)"
                    vlan = $vlan
                    addresses = [string[]] @($adapter.IPAddresses)
                    failover = Select-Setting $settingOf["$($adapter.Id)"]
                    is_legacy = [bool] $adapter.IsLegacy
                }
            }
        )
        $points = @(
            foreach ($point in $pointsOf[$id]) {
                [ordered]@{
                    id = "$($point.Id)"
                    kind = "$($point.SnapshotType)"
                    created_at = ConvertTo-UtcText $point.CreationTime
                }
            }
        )
        [ordered]@{
            name = "$($machine.Name)"
            id = $id
            state = "$($machine.State)"
            generation = [int] $machine.Generation
            heartbeat = "$($machine.Heartbeat)"
            memory_mib = [int] [math]::Floor($machine.MemoryStartup / 1MB)
            adapters = $adapters
            replication = $replication
            recovery_points = $points
            test_vm = $testMachine
        }
    }
)

$memory = Get-CimInstance -ClassName Win32_OperatingSystem -Property FreePhysicalMemory
[ordered]@{
    host = [Environment]::MachineName
    switches = [string[]] @(foreach ($switch in @(Get-VMSwitch)) { $switch.Name })
    free_memory_mib = [int] [math]::Floor($memory.FreePhysicalMemory / 1024)
    vms = $vms
}
