# On the primary side of a planned failover: sends the last changes of each VM, which must be off.
[CmdletBinding()]
param(
    # Each: vm
    [Parameter(Mandatory = $true)]
    [object[]] $Requests,

    # How long all of them together may take, in seconds
    [double] $ConfirmS = 600
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
    "$($Relation.ReplicationMode)" -eq 'Primary' -and "$($Relation.ReplicationState)" -eq 'PreparedForFailover'
}

$works = @(
    Start-Change $Requests {
        param($Work)
        if ($Work.mode -ne 'Primary' -or $Work.state -ne 'Replicating') { throw "Secondsite.WrongReplicationState: It is $($Work.mode), $($Work.state); only a primary that is Replicating can be prepared." }
        if ("$($Work.machine.State)" -ne 'Off') { throw "Secondsite.WrongVmState: It is $($Work.machine.State); it must be Off before its last changes are sent." }
        $Work.result.evidence.pending_bytes = [int64] @(Measure-VMReplication -VM $Work.machine)[0].PendingReplicationSize
        $Work.job = Start-VMFailover -VM $Work.machine -Prepare -AsJob -Confirm:$false
    }
)
Confirm-Change $works $ConfirmS 'PreparedForFailover'
