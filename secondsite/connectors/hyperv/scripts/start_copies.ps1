# On the new primary side: starts the first copy of each VM, or its resynchronization, whichever it needs.
[CmdletBinding()]
param(
    # Each: vm
    [Parameter(Mandatory = $true)]
    [object[]] $Requests,

    # How long all of them together may take, in seconds
    [double] $ConfirmS = 60
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
    "$($Relation.ReplicationMode)" -eq 'Primary' -and "$($Relation.ReplicationState)" -in 'Replicating', 'InitialReplicationInProgress', 'Resynchronizing'
}

$works = @(
    Start-Change $Requests {
        param($Work)
        if ($Work.mode -ne 'Primary') { throw "Secondsite.WrongReplicationState: It is $($Work.mode), $($Work.state)." }
        if ($Work.state -eq 'ReadyForInitialReplication') { $Work.job = Start-VMInitialReplication -VM $Work.machine -AsJob -Confirm:$false }
        elseif ($Work.state -eq 'WaitingForStartResynchronize') { $Work.job = Resume-VMReplication -VM $Work.machine -Resynchronize -AsJob -Confirm:$false }
        elseif ($Work.state -in 'Suspended', 'Error') { $Work.job = Resume-VMReplication -VM $Work.machine -AsJob -Confirm:$false }
        else { throw "Secondsite.WrongReplicationState: It is $($Work.mode), $($Work.state)." }
    }
)
Confirm-Change $works $ConfirmS 'Replicating'
