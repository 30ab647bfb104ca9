# On the replica side: fails each VM over, to its latest data or a recovery point. It is not started.
[CmdletBinding()]
param(
    # Each: vm, recovery_point_id, and addresses, each: adapter, number, address
    [Parameter(Mandatory = $true)]
    [object[]] $Requests,

    # How long all of them together may take, in seconds
    [double] $ConfirmS = 300
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

function Select-Relation([hashtable] $View, [object] $Machine) {
    # A VM with an extended replica has two; what is done here is about its own, simple one.
    foreach ($relation in $View.relations["$($Machine.Id)"]) {
        if ("$($relation.ReplicationRelationshipType)" -ne 'Extended') { return $relation }
    }
    throw 'Secondsite.NotReplicated: It is not replicated here, or only as an extended replica.'
}

function Add-State([object] $Evidence, [object] $Relation) {
    $Evidence.mode = "$($Relation.ReplicationMode)"
    $Evidence.replication_state = "$($Relation.ReplicationState)"
    $Evidence.health = "$($Relation.ReplicationHealth)"
    $Evidence.primary_server = "$($Relation.PrimaryServerName)"
    $Evidence.replica_server = "$($Relation.ReplicaServerName)"
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

function Test-Done([object] $Relation, [object] $Request) {
    "$($Relation.ReplicationState)" -in 'FailedOverWaitingCompletion', 'FailedOver'
}

$view = Read-View

$works = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        $work = @{ request = $request; result = $result; machine = $null; job = $null }
        try {
            $machine = Select-Machine $view.named $request.vm
            $work.machine = $machine
            $relation = Select-Relation $view $machine
            $mode = "$($relation.ReplicationMode)"
            $state = "$($relation.ReplicationState)"
            $result.evidence.before = [ordered]@{ mode = $mode; replication_state = $state; state = "$($machine.State)" }
            Add-State $result.evidence $relation
            if (-not (Test-Done $relation $request)) {
                if ($mode -notin 'Replica', 'ExtendedReplica') { throw "Secondsite.WrongReplicationState: It is $mode, not a replica." }
                if ($null -ne $relation.TestVirtualMachine) { throw "Secondsite.TestVmExists: A test failover is active: '$($relation.TestVirtualMachine.Name)'." }
                $point = $null
                if ($null -ne $request.recovery_point_id) {
                    $points = @(Get-VMSnapshot -VM $machine | Where-Object { "$($_.Id)" -eq $request.recovery_point_id })
                    if ($points.Count -ne 1) { throw "Secondsite.RecoveryPointNotFound: It has no recovery point $($request.recovery_point_id) any more." }
                    $point = $points[0]
                }
                $formers = @()
                foreach ($item in $request.addresses) {
                    $adapter = Select-Adapter $machine $item.adapter $item.number
                    $found = Read-Address $adapter
                    $formers += , [ordered]@{ adapter = "$($adapter.Id)"; settings = $found; ours = $item.address }
                    if (-not (Test-Address $found $item.address)) { Write-Address $adapter $item.address }
                }
                if ($formers.Count -gt 0) { $result.evidence.former_address = $formers }
                if ($null -eq $point) { $work.job = Start-VMFailover -VM $machine -AsJob -Confirm:$false }
                else { $work.job = Start-VMFailover -VMRecoverySnapshot $point -AsJob -Confirm:$false }
                $result.changed = $true
            }
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $work
    }
)

$watch = [Diagnostics.Stopwatch]::StartNew()
Wait-Work $works $ConfirmS
$waiting = @($works | Where-Object { $null -eq $_.result.error })
while ($waiting.Count -gt 0) {
    $view = Read-View
    foreach ($work in $waiting) {
        $result = $work.result
        try {
            $relation = Select-Relation $view $work.machine
            Add-State $result.evidence $relation
            if (Test-Done $relation $work.request) { $result.ok = $true }
            elseif ($null -ne $work.job) {
                $result.error = ConvertTo-JobFailure $work.job
                if ($null -ne $result.error) { $result.changed = $false }
            }
        }
        catch { $result.error = ConvertTo-Failure $_ }
    }
    $waiting = @($waiting | Where-Object { -not $_.result.ok -and $null -eq $_.result.error })
    if ($waiting.Count -eq 0 -or $watch.Elapsed.TotalSeconds -ge $ConfirmS) { break }
    Start-Sleep -Milliseconds 250
}
foreach ($work in $waiting) {
    $work.result.error = [ordered]@{
        message = "Secondsite.NotConfirmed: It is $($work.result.evidence.mode), $($work.result.evidence.replication_state), instead of FailedOverWaitingCompletion."
        type = ''
        fqid = ''
        category = ''
    }
}
[ordered]@{ results = @(foreach ($work in $works) { $work.result }) }
