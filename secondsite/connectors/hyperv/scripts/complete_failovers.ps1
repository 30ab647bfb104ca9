# On the replica side: commits the failover of each VM. Its other recovery points go; there is no undo then.
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
    "$($Relation.ReplicationState)" -eq 'FailedOver' -or "$($Relation.ReplicationMode)" -eq 'Primary'
}

$works = @(
    Start-Change $Requests {
        param($Work)
        if ($Work.mode -notin 'Replica', 'ExtendedReplica' -or $Work.state -ne 'FailedOverWaitingCompletion') { throw "Secondsite.WrongReplicationState: It is $($Work.mode), $($Work.state); there is no failover to commit." }
        Complete-VMFailover -VM $Work.machine -Confirm:$false
    }
)
Confirm-Change $works $ConfirmS 'FailedOver'
