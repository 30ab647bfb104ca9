# On the replica side: takes the failover of each VM back. A VM that runs is turned off.
[CmdletBinding()]
param(
    # Each: vm
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
. "$PSScriptRoot/shared/changes.ps1"

function Test-Done([object] $Relation, [object] $Request) {
    "$($Relation.ReplicationMode)" -in 'Replica', 'ExtendedReplica' -and "$($Relation.ReplicationState)" -in 'Replicating', 'Suspended', 'Error', 'WaitingForStartResynchronize'
}

$works = @(
    Start-Change $Requests {
        param($Work)
        if ($Work.mode -notin 'Replica', 'ExtendedReplica' -or $Work.state -ne 'FailedOverWaitingCompletion') { throw "Secondsite.WrongReplicationState: It is $($Work.mode), $($Work.state); there is no failover that can be undone." }
        $Work.job = Stop-VMFailover -VM $Work.machine -AsJob -Confirm:$false
    }
)
Confirm-Change $works $ConfirmS 'a replica again'
