# On the primary side: cancels a planned failover that was only prepared. Replication goes on if the replica's server answers.
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
    "$($Relation.ReplicationMode)" -eq 'Primary' -and "$($Relation.ReplicationState)" -ne 'PreparedForFailover'
}

$works = @(
    Start-Change $Requests {
        param($Work)
        if ($Work.mode -ne 'Primary') { throw "Secondsite.WrongReplicationState: It is $($Work.mode), $($Work.state); there is no preparation to cancel." }
        $Work.job = Stop-VMFailover -VM $Work.machine -AsJob -Confirm:$false
    }
)
Confirm-Change $works $ConfirmS 'not prepared any more'
