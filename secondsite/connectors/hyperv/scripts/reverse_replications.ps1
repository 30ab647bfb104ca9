# On the replica side, after a failover: each VM becomes the primary and replicates to the given server.
[CmdletBinding()]
param(
    # Each: vm, replica_server
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
    "$($Relation.ReplicationMode)" -eq 'Primary' -and ("$($Relation.ReplicaServerName)" -split '\.')[0] -eq ($Request.replica_server -split '\.')[0]
}

$works = @(
    Start-Change $Requests {
        param($Work)
        if ($Work.state -notin 'FailedOverWaitingCompletion', 'FailedOver') { throw "Secondsite.WrongReplicationState: It is $($Work.mode), $($Work.state); only a VM that was failed over can be reversed." }
        $Work.job = Set-VMReplication -VM $Work.machine -Reverse -ReplicaServerName $Work.request.replica_server -AsJob -Confirm:$false
    }
)
Confirm-Change $works $ConfirmS 'a primary that replicates there'
