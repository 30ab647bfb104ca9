# On the replica side: fails each VM over, to its latest data or a recovery point. It is not started.
[CmdletBinding()]
param(
    # Each: vm, recovery_point_id, and addresses, each: adapter, number, address
    [Parameter(Mandatory = $true)]
    [object[]] $Requests,

    # How long all of them together may take, in seconds
    [double] $ConfirmS = 300
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/jobs.ps1"
. "$PSScriptRoot/shared/waiting.ps1"
. "$PSScriptRoot/shared/machines.ps1"
. "$PSScriptRoot/shared/views.ps1"
. "$PSScriptRoot/shared/address_names.ps1"
. "$PSScriptRoot/shared/addresses.ps1"
. "$PSScriptRoot/shared/adapters.ps1"
. "$PSScriptRoot/shared/changes.ps1"

function Test-Done([object] $Relation, [object] $Request) {
    "$($Relation.ReplicationState)" -in 'FailedOverWaitingCompletion', 'FailedOver'
}

$works = @(
    Start-Change $Requests {
        param($Work)
        if ($Work.mode -notin 'Replica', 'ExtendedReplica') { throw "Secondsite.WrongReplicationState: It is $($Work.mode), not a replica." }
        if ($null -ne $Work.relation.TestVirtualMachine) { throw "Secondsite.TestVmExists: A test failover is active: '$($Work.relation.TestVirtualMachine.Name)'." }
        $point = $null
        if ($null -ne $Work.request.recovery_point_id) {
            $points = @(Get-VMSnapshot -VM $Work.machine | Where-Object { "$($_.Id)" -eq $Work.request.recovery_point_id })
            if ($points.Count -ne 1) { throw "Secondsite.RecoveryPointNotFound: It has no recovery point $($Work.request.recovery_point_id) any more." }
            $point = $points[0]
        }
        $formers = @()
        foreach ($item in $Work.request.addresses) {
            $adapter = Select-Adapter $Work.machine $item.adapter $item.number
            $found = Read-Address $adapter
            $formers += , [ordered]@{ adapter = "$($adapter.Id)"; settings = $found; ours = $item.address }
            if (-not (Test-Address $found $item.address)) { Write-Address $adapter $item.address }
        }
        if ($formers.Count -gt 0) { $Work.result.evidence.former_address = $formers }
        if ($null -eq $point) { $Work.job = Start-VMFailover -VM $Work.machine -AsJob -Confirm:$false }
        else { $Work.job = Start-VMFailover -VMRecoverySnapshot $point -AsJob -Confirm:$false }
    }
)
Confirm-Change $works $ConfirmS 'FailedOverWaitingCompletion'
