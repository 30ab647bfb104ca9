# Makes a test VM of each replica VM: off, and connected to nothing. Looks, acts if needed, confirms.
[CmdletBinding()]
param(
    # Each: vm, recovery_point_id, mark, own_test_vm_id, may_adopt, and addresses, each: adapter, number, address
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
. "$PSScriptRoot/shared/adapters.ps1"

$view = Read-View

$works = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        $work = @{ request = $request; result = $result; replica = $null; adapters = @(); former = @(); test = $null; job = $null }
        try {
            $replica = Select-Machine $view.named $request.vm
            $work.replica = $replica
            $relation = Select-Replica $view $replica
            $result.evidence.replication_state = "$($relation.ReplicationState)"
            $test = Select-TestMachine $view $replica
            if ($null -ne $test) {
                $result.evidence.test_vm = "$($test.Name)"
                $result.evidence.test_vm_id = "$($test.Id)"
                $mark = Read-Mark $test
                $isOurs = $request.may_adopt -or "$($test.Id)" -eq "$($request.own_test_vm_id)"
                if ($null -ne $mark -and "$($request.mark)" -ne '' -and $mark.mark -eq $request.mark) { $isOurs = $true }
                if (-not $isOurs) { throw "Secondsite.TestVmExists: A test failover that we did not start is active: '$($test.Name)' ($($test.Id))." }
                if ($null -ne $mark) { $work.former = @($mark.former | Where-Object { $null -ne $_ }) }
                $work.test = $test
            }
            else {
                if ($view.named.ContainsKey("$($replica.Name) - Test")) {
                    throw "Secondsite.NameTaken: A VM named '$($replica.Name) - Test' exists, and it is not a test VM of this replica."
                }
                $point = $null
                if ($null -ne $request.recovery_point_id) {
                    $points = @(Get-VMSnapshot -VM $replica | Where-Object { "$($_.Id)" -eq $request.recovery_point_id })
                    if ($points.Count -ne 1) { throw "Secondsite.RecoveryPointNotFound: It has no recovery point $($request.recovery_point_id) any more." }
                    $point = $points[0]
                }
                foreach ($item in $request.addresses) {
                    $adapter = Select-Adapter $replica $item.adapter $item.number
                    $found = Read-Address $adapter
                    $work.former += , [ordered]@{ adapter = "$($adapter.Id)"; settings = $found; ours = $item.address }
                    $work.adapters += , $adapter
                    if (-not (Test-Address $found $item.address)) { Write-Address $adapter $item.address }
                }
                if ($null -eq $point) { $work.job = Start-VMFailover -VM $replica -AsTest -AsJob -Confirm:$false }
                else { $work.job = Start-VMFailover -VMRecoverySnapshot $point -AsTest -AsJob -Confirm:$false }
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
    $view = Read-View
    foreach ($work in $waiting) {
        $work.test = Select-TestMachine $view $work.replica
        if ($null -eq $work.test) { $work.result.error = ConvertTo-JobFailure $work.job }
    }
    $waiting = @($waiting | Where-Object { $null -eq $_.test -and $null -eq $_.result.error })
    if ($waiting.Count -eq 0 -or $watch.Elapsed.TotalSeconds -ge $ConfirmS) { break }
    Start-Sleep -Milliseconds 250
}

$results = @(
    foreach ($work in $works) {
        $result = $work.result
        try {
            if ($null -ne $work.job -and $null -ne $work.test) {
                $result.changed = $true
                $mark = ConvertTo-Json -InputObject ([ordered]@{ mark = "$($work.request.mark)"; former = $work.former }) -Depth 5 -Compress
                try { Set-VM -VM $work.test -Notes "secondsite:$mark" }
                catch { $result.evidence.not_marked = "$($_.Exception.Message)" }
                # A test VM may come connected (Set-VMNetworkAdapter -TestReplicaSwitchName): where it
                # goes is for the plan to say.
                $connected = @(Get-VMNetworkAdapter -VM $work.test | Where-Object { "$($_.SwitchName)" -ne '' })
                if ($connected.Count -gt 0) {
                    $result.evidence.disconnected_from = [string[]] @(foreach ($item in $connected) { $item.SwitchName })
                    Disconnect-VMNetworkAdapter -VMNetworkAdapter $connected
                }
                if ("$($work.test.State)" -ne 'Off') { throw "Secondsite.NotConfirmed: The test VM '$($work.test.Name)' is $($work.test.State) instead of Off." }
            }
            if ($null -ne $work.test) {
                $result.evidence.test_vm = "$($work.test.Name)"
                $result.evidence.test_vm_id = "$($work.test.Id)"
                $result.evidence.state = "$($work.test.State)"
                if ($work.former.Count -gt 0) { $result.evidence.former_address = $work.former }
            }
            elseif ($null -eq $result.error) { throw 'Secondsite.NotConfirmed: The test failover was accepted, but no test VM appeared.' }
            $result.ok = $null -eq $result.error
        }
        catch { $result.error = ConvertTo-Failure $_ }
        if ($null -eq $work.test) {
            # No test VM came of it: the replica gets its own settings back.
            foreach ($adapter in $work.adapters) {
                $former = @($work.former | Where-Object { $_.adapter -eq "$($adapter.Id)" })[0]
                try { if (-not (Test-Address (Read-Address $adapter) $former.settings)) { Write-Address $adapter $former.settings } }
                catch { $result.evidence.former_address = $work.former }
            }
        }
        $result
    }
)
[ordered]@{ results = $results }
