# Removes VM networks that we made for a test, with their VM subnets, static pools and granted addresses. What is not ours stays.
[CmdletBinding()]
param(
    # Each: name, mark (its description: only a network with it is ours)
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"

$server = Get-SCVMMServer -ComputerName 'localhost'
$attachedTo = @{}
foreach ($machine in @(Get-SCVirtualMachine -VMMServer $server)) {
    foreach ($adapter in @($machine.VirtualNetworkAdapters)) { if ($null -ne $adapter.VMNetwork) { $attachedTo["$($adapter.VMNetwork.ID)"] += , "$($machine.Name)" } }
}

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.name; ok = $false; changed = $false; evidence = [ordered]@{ removed = @() }; error = $null }
        try {
            foreach ($network in @(Get-SCVMNetwork -VMMServer $server -Name $request.name)) {
                if ("$($network.Description)" -ne "$($request.mark)") { throw "Secondsite.NotOurNetwork: The VM network '$($request.name)' is not one that we made." }
                $attached = @($attachedTo["$($network.ID)"] | Where-Object { $_ }) | Select-Object -Unique
                if (@($attached).Count -gt 0) { throw "Secondsite.NetworkInUse: These VMs are still connected to the VM network '$($request.name)': $(@($attached) -join ', ')." }
                if ("$($network.IsolationType)" -ne 'NoIsolation') {
                    foreach ($subnet in @(Get-SCVMSubnet -VMMServer $server -VMNetwork $network)) {
                        # Pools of a network site are not ours: only those of the VM subnet go, with what VMM gave out of them.
                        foreach ($pool in @(Get-SCStaticIPAddressPool -VMMServer $server -VMSubnet $subnet)) {
                            foreach ($item in @(Get-SCIPAddress -VMMServer $server -StaticIPAddressPool $pool)) { $null = Revoke-SCIPAddress -AllocatedIPAddress $item }
                            $null = Remove-SCStaticIPAddressPool -StaticIPAddressPool $pool -Confirm:$false
                            $result.changed = $true
                            $result.evidence.removed += , "$($pool.Name)"
                        }
                        $null = Remove-SCVMSubnet -VMSubnet $subnet -Confirm:$false
                        $result.changed = $true
                        $result.evidence.removed += , "$($subnet.Name)"
                    }
                }
                $null = Remove-SCVMNetwork -VMNetwork $network -Confirm:$false
                $result.changed = $true
                $result.evidence.removed += , "$($request.name)"
            }
            if (@(Get-SCVMNetwork -VMMServer $server -Name $request.name).Count -gt 0) { throw "Secondsite.NotConfirmed: VMM still shows the VM network '$($request.name)'." }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
