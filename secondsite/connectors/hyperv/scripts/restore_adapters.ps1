# Puts the network adapters of each VM back as they were before a failover: failover address and, of a replica, connection.
[CmdletBinding()]
param(
    # Each: vm, addresses_only (its connections stay: it is the running one), adapters; each of these: adapter (name), number (among those of that name), switch (null: disconnect),
    # vlan (null: untagged), is_vmms (its connection is left to VMM), settings (the failover address), ours (what we had made of it; null: not known)
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/machines.ps1"
. "$PSScriptRoot/shared/views.ps1"
. "$PSScriptRoot/shared/replicas.ps1"
. "$PSScriptRoot/shared/address_names.ps1"
. "$PSScriptRoot/shared/addresses.ps1"

function Restore-Connection([object] $Adapter, [object] $Was) {
    # True if it had to be changed.
    $isOther = "$($Adapter.SwitchName)" -ne "$($Was.switch)"
    $isChanged = $isOther
    $mode = "$($Adapter.VlanSetting.OperationMode)"
    if ($isOther -and "$($Adapter.SwitchName)" -ne '') { Disconnect-VMNetworkAdapter -VMNetworkAdapter $Adapter }
    if ($null -eq $Was.vlan) {
        # A trunk is not ours: we set access mode only.
        if ($mode -eq 'Access') {
            Set-VMNetworkAdapterVlan -VMNetworkAdapter $Adapter -Untagged
            $isChanged = $true
        }
    }
    elseif ($mode -ne 'Access' -or [int] $Adapter.VlanSetting.AccessVlanId -ne [int] $Was.vlan) {
        Set-VMNetworkAdapterVlan -VMNetworkAdapter $Adapter -Access -VlanId $Was.vlan
        $isChanged = $true
    }
    if ($isOther -and "$($Was.switch)" -ne '') { Connect-VMNetworkAdapter -VMNetworkAdapter $Adapter -SwitchName $Was.switch }
    $isChanged
}

$view = Read-View

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{ adapters = @() }; error = $null }
        try {
            $machine = Select-Machine $view.named $request.vm
            if (-not $request.addresses_only) {
                $relation = Select-Replica $view $machine
                if ("$($machine.State)" -ne 'Off') { throw "Secondsite.WrongVmState: It is $($machine.State); the adapters of a running VM are left alone." }
                if ("$($relation.ReplicationState)" -in 'FailedOverWaitingCompletion', 'FailedOver') { throw "Secondsite.RealFailover: It is failed over ($($relation.ReplicationState)); its adapters are in use." }
            }
            $count = @{}
            foreach ($adapter in @(Get-VMNetworkAdapter -VM $machine)) {
                $number = [int] $count["$($adapter.Name)"]
                $count["$($adapter.Name)"] = $number + 1
                $own = @($request.adapters | Where-Object { $_.adapter -eq "$($adapter.Name)" -and [int] $_.number -eq $number })
                if ($own.Count -eq 0) { continue }
                $was = $own[0]
                $done = [ordered]@{ adapter = "$($adapter.Name)"; connection = 'as before'; address = 'as before' }
                if (-not $request.addresses_only -and -not $was.is_vmms -and (Restore-Connection $adapter $was)) { $done.connection = 'restored' }
                $found = Read-Address $adapter
                if (-not (Test-Address $found $was.settings)) {
                    if ($null -eq $was.ours -or (Test-Address $found $was.ours)) {
                        Write-Address $adapter $was.settings
                        $done.address = 'restored'
                    }
                    else {
                        # Somebody changed it after us: that is not ours to undo.
                        $done.address = 'kept'
                        $done.address_found = $found
                    }
                }
                if ($done.connection -eq 'restored' -or $done.address -eq 'restored') { $result.changed = $true }
                $result.evidence.adapters += , $done
            }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
