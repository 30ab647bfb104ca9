# How far the replication of each VM is. Reads only.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string[]] $Vms
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/machines.ps1"
. "$PSScriptRoot/shared/times.ps1"

$named = @{}
foreach ($machine in @(Get-VM)) { $named[$machine.Name] += , $machine }

$measures = @{}
foreach ($measure in @(Measure-VMReplication)) {
    if ("$($measure.ReplicationRelationshipType)" -ne 'Extended') { $measures["$($measure.VMId)"] = $measure }
}

$results = @(
    foreach ($name in $Vms) {
        $result = [ordered]@{ vm = $name; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        try {
            $machine = Select-Machine $named $name
            $measure = $measures["$($machine.Id)"]
            if ($null -eq $measure) { throw 'Secondsite.NotReplicated: It is not replicated here, or only as an extended replica.' }
            $latency = $null
            if ($null -ne $measure.AverageReplicationLatency) { $latency = [double] $measure.AverageReplicationLatency.TotalSeconds }
            $result.evidence.mode = "$($measure.ReplicationMode)"
            $result.evidence.replication_state = "$($measure.ReplicationState)"
            $result.evidence.health = "$($measure.ReplicationHealth)"
            $result.evidence.last_replication_at = ConvertTo-UtcText $measure.LastReplicationTime
            $result.evidence.pending_bytes = [int64] $measure.PendingReplicationSize
            $result.evidence.initial_bytes = [int64] $measure.InitialReplicationSize
            $result.evidence.average_bytes = [int64] $measure.AverageReplicationSize
            $result.evidence.average_latency_s = $latency
            $result.evidence.missed = [int] $measure.MissedReplicationCount
            $result.evidence.errors = [int] $measure.ReplicationErrors
            $result.evidence.details = [string[]] @(foreach ($text in $measure.ReplicationHealthDetails) { "$text" })
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
