# Gives addresses that we took out of static pools back. Touches nothing that others took.
[CmdletBinding()]
param(
    # Each: vm, vm_id (Hyper-V's VMId), mark (as when they were granted)
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"

$server = Get-SCVMMServer -ComputerName 'localhost'
$machineOf = @{}
foreach ($machine in @(Get-SCVirtualMachine -VMMServer $server)) { $machineOf["$($machine.VMId)"] = $machine }

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{ released = @() }; error = $null }
        try {
            $machine = $machineOf["$($request.vm_id)"]
            if ($null -eq $machine) { throw 'Secondsite.VmNotInVmm: VMM does not know a VM of this id.' }
            $mark = "secondsite: $($request.mark)"
            foreach ($adapter in @($machine.VirtualNetworkAdapters)) {
                foreach ($item in @(Get-SCIPAddress -VMMServer $server -GrantToObjectID $adapter.ID)) {
                    if ("$($item.Description)" -ne $mark) { continue }
                    $null = Revoke-SCIPAddress -AllocatedIPAddress $item
                    $result.changed = $true
                    $result.evidence.released += , "$($item.Address)"
                }
            }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
