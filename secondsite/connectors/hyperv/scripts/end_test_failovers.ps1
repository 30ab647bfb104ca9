# Ends the test failover of each replica VM: its test VM is turned off and deleted, nothing else is.
[CmdletBinding()]
param(
    # Each: vm (the replica), test_vm_id, mark, restore_address, former_address (a list; empty: not known)
    [Parameter(Mandatory = $true)]
    [object[]] $Requests,

    # How long all of them together may take, in seconds
    [double] $ConfirmS = 120
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/jobs.ps1"
. "$PSScriptRoot/shared/waiting.ps1"
. "$PSScriptRoot/shared/machines.ps1"
. "$PSScriptRoot/shared/views.ps1"
. "$PSScriptRoot/shared/replicas.ps1"
. "$PSScriptRoot/shared/test_machines.ps1"
. "$PSScriptRoot/shared/address_names.ps1"
. "$PSScriptRoot/shared/addresses.ps1"

$view = Read-View

$works = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        $work = @{ request = $request; result = $result; replica = $null; test = $null; job = $null; isGone = $false; former = @($request.former_address | Where-Object { $null -ne $_ }) }
        try {
            $replica = Select-Machine $view.named $request.vm
            $work.replica = $replica
            $relation = Select-Replica $view $replica
            $result.evidence.replication_state = "$($relation.ReplicationState)"
            $test = Select-TestMachine $view $replica
            if ($null -ne $test) {
                $work.test = $test
                $result.evidence.test_vm = "$($test.Name)"
                $result.evidence.test_vm_id = "$($test.Id)"
                if ($null -ne $request.test_vm_id -and "$($test.Id)" -ne $request.test_vm_id) {
                    throw "Secondsite.NotOurTestVm: Its test VM '$($test.Name)' ($($test.Id)) is not the one that we made ($($request.test_vm_id))."
                }
                if ($null -eq $request.test_vm_id -and "$($request.mark)" -ne '') {
                    $mark = Read-Mark $test
                    if ($null -eq $mark -or $mark.mark -ne $request.mark) {
                        throw "Secondsite.NotOurTestVm: Its test VM '$($test.Name)' ($($test.Id)) does not bear the mark of our run $($request.mark)."
                    }
                    if ($request.restore_address -and $work.former.Count -eq 0) { $work.former = @($mark.former | Where-Object { $null -ne $_ }) }
                }
                # Stop-VMFailover would undo a real failover as well.
                if ("$($relation.ReplicationState)" -in 'FailedOverWaitingCompletion', 'FailedOver', 'PreparedForFailover') {
                    throw "Secondsite.RealFailover: A real failover is under way ($($relation.ReplicationState)), and ending the test would undo it."
                }
                $work.job = Stop-VMFailover -VM $replica -AsJob -Confirm:$false
            }
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $work
    }
)

$watch = [Diagnostics.Stopwatch]::StartNew()
Wait-Work $works $ConfirmS
$waiting = @($works | Where-Object { $null -ne $_.job })
while ($waiting.Count -gt 0) {
    $left = @{}
    foreach ($machine in @(Get-VM)) { $left["$($machine.Id)"] = $true }
    foreach ($work in $waiting) {
        if (-not $left.ContainsKey("$($work.test.Id)")) { $work.isGone = $true }
        else { $work.result.error = ConvertTo-JobFailure $work.job }
    }
    $waiting = @($waiting | Where-Object { -not $_.isGone -and $null -eq $_.result.error })
    if ($waiting.Count -eq 0 -or $watch.Elapsed.TotalSeconds -ge $ConfirmS) { break }
    Start-Sleep -Milliseconds 250
}

$results = @(
    foreach ($work in $works) {
        $result = $work.result
        try {
            if ($null -ne $work.job -and $work.isGone) { $result.changed = $true }
            elseif ($null -ne $work.job -and $null -eq $result.error) { throw "Secondsite.NotConfirmed: The test VM '$($work.test.Name)' is still there." }
            if ($null -eq $result.error -and $work.former.Count -gt 0) {
                $states = @()
                foreach ($adapter in @(Get-VMNetworkAdapter -VM $work.replica)) {
                    $former = @($work.former | Where-Object { $_.adapter -eq "$($adapter.Id)" })
                    if ($former.Count -eq 0) { continue }
                    $found = Read-Address $adapter
                    if (Test-Address $found $former[0].settings) { $states += 'as before' }
                    elseif (Test-Address $found $former[0].ours) {
                        Write-Address $adapter $former[0].settings
                        $states += 'restored'
                        $result.changed = $true
                    }
                    else {
                        # Somebody changed it after us: that is not ours to undo.
                        $states += 'kept'
                        $result.evidence.address_found = $found
                    }
                }
                $result.evidence.address = @($states | Select-Object -Unique) -join ', '
            }
            $result.ok = $null -eq $result.error
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
