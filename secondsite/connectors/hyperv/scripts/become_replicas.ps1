# On the former primary side: each VM, which must be off, becomes a replica that waits for its new primary.
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
    "$($Relation.ReplicationMode)" -eq 'Replica'
}

$works = @(
    Start-Change $Requests {
        param($Work)
        if ($Work.mode -ne 'Primary') { throw "Secondsite.WrongReplicationState: It is $($Work.mode), $($Work.state)." }
        if ("$($Work.machine.State)" -ne 'Off') { throw "Secondsite.WrongVmState: It is $($Work.machine.State); it must be Off before it becomes a replica." }
        $Work.job = Set-VMReplication -VM $Work.machine -AsReplica -AsJob -Confirm:$false
    }
)
Confirm-Change $works $ConfirmS 'Replica'
