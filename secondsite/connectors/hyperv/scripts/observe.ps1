# What each VM shows now: state, heartbeat, addresses. Waits on this host until one of them differs
# from what was seen before, so that a whole group's boot costs one request per change.
[CmdletBinding()]
param(
    # Each: vm, and state, heartbeat, addresses as seen last (state null: not seen yet)
    [Parameter(Mandatory = $true)]
    [object[]] $Seen,

    # How long to wait for a difference, in seconds
    [Parameter(Mandatory = $true)]
    [double] $WaitS,

    [int] $IntervalMs = 1000
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

function Select-Address([object] $Addresses) {
    # Link-local ones come and go while a guest boots, and lead nowhere.
    foreach ($address in @($Addresses)) {
        if ("$address" -ne '' -and "$address" -notlike '169.254.*' -and "$address" -notlike 'fe80:*') { "$address" }
    }
}

$seenOf = @{}
foreach ($item in $Seen) { $seenOf[$item.vm] = "$($item.state)|$($item.heartbeat)|$(@($item.addresses | Sort-Object) -join ',')" }

$watch = [Diagnostics.Stopwatch]::StartNew()
while ($true) {
    $machinesOf = @{}
    foreach ($machine in @(Get-VM)) {
        if ($seenOf.ContainsKey($machine.Name)) { $machinesOf[$machine.Name] += , $machine }
    }
    $addressesOf = @{}
    $adaptersOf = @{}
    $found = @(foreach ($list in $machinesOf.Values) { $list })
    if ($found.Count -gt 0) {
        foreach ($adapter in @(Get-VMNetworkAdapter -VM $found)) {
            $own = [string[]] @(Select-Address $adapter.IPAddresses)
            foreach ($address in $own) { $addressesOf["$($adapter.VMId)"] += , $address }
            $adaptersOf["$($adapter.VMId)"] += , ([ordered]@{ name = "$($adapter.Name)"; addresses = $own })
        }
    }
    $isDifferent = $false
    $results = @(
        foreach ($item in $Seen) {
            $machines = @($machinesOf[$item.vm])
            if ($null -eq $machines[0] -or $machines.Count -gt 1) {
                $isDifferent = $true
                $count = if ($null -eq $machines[0]) { 0 } else { $machines.Count }
                $message = if ($count -eq 0) { 'Secondsite.VmNotFound: There is no VM of this name.' } else { "Secondsite.SeveralVms: There are $count VMs of this name." }
                [ordered]@{ vm = $item.vm; ok = $false; error = [ordered]@{ message = $message; type = ''; fqid = ''; category = '' } }
                continue
            }
            $machine = $machines[0]
            $addresses = [string[]] @(@($addressesOf["$($machine.Id)"]) | Where-Object { $null -ne $_ } | Sort-Object)
            if ("$($machine.State)|$($machine.Heartbeat)|$($addresses -join ',')" -ne $seenOf[$item.vm]) { $isDifferent = $true }
            [ordered]@{
                vm = $item.vm
                ok = $true
                error = $null
                state = "$($machine.State)"
                heartbeat = "$($machine.Heartbeat)"
                addresses = $addresses
                adapters = @(foreach ($item in $adaptersOf["$($machine.Id)"]) { $item })
                uptime_s = [double] $machine.Uptime.TotalSeconds
            }
        }
    )
    $leftMs = ($WaitS - $watch.Elapsed.TotalSeconds) * 1000
    if ($isDifferent -or $leftMs -le 0) { break }
    Start-Sleep -Milliseconds ([int] [math]::Max(1, [math]::Min($IntervalMs, $leftMs)))
}
[ordered]@{ results = $results }
