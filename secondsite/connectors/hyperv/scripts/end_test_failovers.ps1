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

function ConvertTo-Failure([object] $Record) {
    [ordered]@{
        message = "$($Record.Exception.Message)"
        type = $Record.Exception.GetType().FullName
        fqid = "$($Record.FullyQualifiedErrorId)"
        category = "$($Record.CategoryInfo.Category)"
    }
}

function ConvertTo-JobFailure([object] $Job) {
    if ("$($Job.State)" -eq 'Completed') { return $null }
    if ($Job.Error.Count -gt 0) { return ConvertTo-Failure $Job.Error[0] }
    $message = "Secondsite.NotConfirmed: Hyper-V has not finished it ($($Job.State))."
    if ($null -ne $Job.JobStateInfo.Reason) { $message = "$($Job.JobStateInfo.Reason.Message)" }
    [ordered]@{ message = $message; type = ''; fqid = ''; category = '' }
}

function Wait-Work([object[]] $Work, [double] $LimitS) {
    # Hyper-V works on its jobs side by side: a host with twenty VMs takes about as long as one VM.
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $running = @($Work | Where-Object { $null -ne $_.job })
    while ($watch.Elapsed.TotalSeconds -lt $LimitS) {
        $running = @($running | Where-Object { "$($_.job.State)" -in 'NotStarted', 'Running' })
        if ($running.Count -eq 0) { break }
        Start-Sleep -Milliseconds 100
    }
}

function Read-View {
    # All VMs and relationships at once: asked one by one, Hyper-V takes far longer.
    $view = @{ named = @{}; byId = @{}; relations = @{} }
    foreach ($machine in @(Get-VM)) {
        $view.named[$machine.Name] += , $machine
        $view.byId["$($machine.Id)"] = $machine
    }
    foreach ($relation in @(Get-VMReplication)) { $view.relations["$($relation.VMId)"] += , $relation }
    $view
}

function Select-Machine([hashtable] $Named, [string] $Name) {
    $found = @($Named[$Name])
    if ($null -eq $found[0]) { throw 'Secondsite.VmNotFound: There is no VM of this name.' }
    if ($found.Count -gt 1) { throw "Secondsite.SeveralVms: There are $($found.Count) VMs of this name." }
    $found[0]
}

function Select-Replica([hashtable] $View, [object] $Machine) {
    foreach ($relation in $View.relations["$($Machine.Id)"]) {
        if ("$($relation.ReplicationMode)" -in 'Replica', 'ExtendedReplica') { return $relation }
    }
    throw 'Secondsite.NotReplica: It is not the replica of a VM on another host.'
}

function Select-TestMachine([hashtable] $View, [object] $Replica) {
    # A VM that merely bears the name of a test VM is none.
    foreach ($relation in $View.relations["$($Replica.Id)"]) {
        if ($null -ne $relation.TestVirtualMachine) { return $View.byId["$($relation.TestVirtualMachine.Id)"] }
    }
    foreach ($machine in $View.named["$($Replica.Name) - Test"]) {
        if ("$($machine.ReplicationMode)" -eq 'TestReplica') { return $machine }
    }
}

$addressNames = @(
    'IPv4Address', 'IPv4SubnetMask', 'IPv4DefaultGateway', 'IPv4PreferredDNSServer', 'IPv4AlternateDNSServer',
    'IPv6Address', 'IPv6SubnetPrefixLength', 'IPv6DefaultGateway', 'IPv6PreferredDNSServer', 'IPv6AlternateDNSServer'
)

function Read-Address([object] $Adapter) {
    $found = Get-VMNetworkAdapterFailoverConfiguration -VMNetworkAdapter $Adapter
    $values = [ordered]@{}
    foreach ($name in $addressNames) {
        $value = "$($found.$name)"
        if ($value -eq '0') { $value = '' }
        $values[$name] = $value
    }
    $values
}

function Test-Address([object] $Found, [object] $Wanted) {
    foreach ($name in $addressNames) {
        if ("$($Found.$name)" -ne "$($Wanted.$name)") { return $false }
    }
    $true
}

function Write-Address([object] $Adapter, [object] $Values) {
    Set-VMNetworkAdapterFailoverConfiguration -VMNetworkAdapter $Adapter -ClearFailoverIPv4Settings -ClearFailoverIPv6Settings
    $settings = @{}
    foreach ($name in $addressNames) {
        if ("$($Values.$name)" -ne '') { $settings[$name] = $Values.$name }
    }
    if ($settings.Count -gt 0) { Set-VMNetworkAdapterFailoverConfiguration -VMNetworkAdapter $Adapter @settings }
}

function Read-Mark([object] $Machine) {
    if ("$($Machine.Notes)" -match '(?m)^secondsite:(\{.*\})\s*$') { ConvertFrom-Json -InputObject $Matches[1] }
}

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
