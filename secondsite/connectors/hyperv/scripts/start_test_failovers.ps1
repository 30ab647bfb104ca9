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

function Select-Adapter([object] $Machine, [object] $Name, [int] $Number) {
    # Adapters may share a name: then their order tells which one is meant.
    $place = 0
    foreach ($adapter in @(Get-VMNetworkAdapter -VM $Machine)) {
        if ($null -ne $Name -and $adapter.Name -ne $Name) { continue }
        if ($place -eq $Number) {
            if ($adapter.IsLegacy) { throw "Secondsite.LegacyAdapter: Its network adapter '$($adapter.Name)' is a legacy one, for which Hyper-V injects no address." }
            return $adapter
        }
        $place += 1
    }
    throw "Secondsite.AdapterNotFound: It has no network adapter $Name (number $($Number + 1)) to give the address to."
}

function Read-Mark([object] $Machine) {
    if ("$($Machine.Notes)" -match '(?m)^secondsite:(\{.*\})\s*$') { ConvertFrom-Json -InputObject $Matches[1] }
}

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
