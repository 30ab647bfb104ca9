# Addresses that VMM knows of each VM: what its adapters report, and what it granted from pools.
[CmdletBinding()]
param(
    # Hyper-V's ids of the VMs (VMId)
    [Parameter(Mandatory = $true)]
    [string[]] $VmIds
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"

$server = Get-SCVMMServer -ComputerName 'localhost'
$machineOf = @{}
foreach ($machine in @(Get-SCVirtualMachine -VMMServer $server)) { $machineOf["$($machine.VMId)"] = $machine }

$results = @(
    foreach ($id in $VmIds) {
        $result = [ordered]@{ vm = $id; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        try {
            $machine = $machineOf[$id]
            if ($null -eq $machine) { throw 'Secondsite.VmNotInVmm: VMM does not know a VM of this id.' }
            $addresses = @()
            foreach ($adapter in @($machine.VirtualNetworkAdapters)) {
                $addresses += @($adapter.IPv4Addresses)
                $addresses += @($adapter.IPv6Addresses)
                foreach ($granted in @(Get-SCIPAddress -VMMServer $server -GrantToObjectID $adapter.ID)) { $addresses += "$($granted.Address)" }
            }
            $result.evidence.name = "$($machine.Name)"
            $result.evidence.addresses = [string[]] @($addresses | Where-Object { $_ } | Select-Object -Unique)
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
