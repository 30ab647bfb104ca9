# Connects network adapters of VMs to VM networks that we made, through VMM: only it knows their switches and virtual subnets.
[CmdletBinding()]
param(
    # Each: vm, vm_id (Hyper-V's VMId), host, mark (description of the networks), adapters; each of these: adapter (name), number (among those
    # of that name), network, subnet (VM subnet; empty: none), vlan, is_allocated (VMM gives it an address of the network's pool)
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/adapters.ps1"

function Select-VmmMachine([object] $Server, [string] $Id) {
    foreach ($machine in @(Get-SCVirtualMachine -VMMServer $Server)) { if ("$($machine.VMId)" -eq $Id) { return $machine } }
    return $null
}

function Test-OnNetwork([object] $Adapter, [object] $Network) {
    return ($null -ne $Adapter.VMNetwork -and "$($Adapter.VMNetwork.ID)" -eq "$($Network.ID)")
}

$server = Get-SCVMMServer -ComputerName 'localhost'
$refreshed = @{}
$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{ attached = @() }; error = $null }
        try {
            $machine = Select-VmmMachine $server $request.vm_id
            if ($null -eq $machine -and -not $refreshed.ContainsKey("$($request.host)")) {
                # A test VM was made a moment ago: VMM learns of it when it looks at its host.
                foreach ($one in @(Get-SCVMHost -VMMServer $server)) {
                    if ("$($one.Name)" -eq "$($request.host)" -or ("$($one.Name)" -split '\.')[0] -eq "$($request.host)") { $null = Read-SCVirtualMachine -VMHost $one }
                }
                $refreshed["$($request.host)"] = $true
                $machine = Select-VmmMachine $server $request.vm_id
            }
            if ($null -eq $machine) { throw 'Secondsite.VmNotInVmm: VMM does not know a VM of this id.' }
            foreach ($item in $request.adapters) {
                $networks = @(Get-SCVMNetwork -VMMServer $server -Name $item.network)
                if ($networks.Count -eq 0) { throw "Secondsite.NetworkNotFound: VMM has no VM network '$($item.network)'." }
                $network = $networks[0]
                if ("$($network.Description)" -ne "$($request.mark)") { throw "Secondsite.NotOurNetwork: The VM network '$($item.network)' is not one that we made." }
                $adapter = Select-VmmAdapter $machine $item.adapter $item.number
                if (-not (Test-OnNetwork $adapter $network)) {
                    $switch = $null
                    foreach ($one in @(Get-SCVirtualNetwork -VMHost $machine.VMHost)) {
                        foreach ($logical in @($one.LogicalNetworks)) { if ("$($logical.Name)" -eq "$($network.LogicalNetwork.Name)") { $switch = "$($one.Name)" } }
                    }
                    if ($null -eq $switch) { throw "Secondsite.NoSwitchForNetwork: No virtual switch of $($machine.HostName) has the logical network '$($network.LogicalNetwork.Name)'." }
                    $more = @{}
                    foreach ($subnet in @(Get-SCVMSubnet -VMMServer $server -VMNetwork $network)) { if ("$($subnet.Name)" -eq "$($item.subnet)") { $more['VMSubnet'] = $subnet } }
                    if ($null -ne $item.vlan) {
                        $more['VLanEnabled'] = $true
                        $more['VLanID'] = [int] $item.vlan
                    }
                    $type = 'Dynamic'
                    if ($item.is_allocated) { $type = 'Static' }
                    if ("$($network.IsolationType)" -eq 'WindowsNetworkVirtualization') { $more['EnableGuestIPNetworkVirtualizationUpdates'] = $true }
                    $null = Set-SCVirtualNetworkAdapter -VirtualNetworkAdapter $adapter -VMNetwork $network -VirtualNetwork $switch -IPv4AddressType $type @more
                    $result.changed = $true
                    $machine = Select-VmmMachine $server $request.vm_id
                    $adapter = Select-VmmAdapter $machine $item.adapter $item.number
                }
                if (-not (Test-OnNetwork $adapter $network)) { throw "Secondsite.NotConfirmed: Its adapter '$($item.adapter)' is not on the VM network '$($item.network)'." }
                $result.evidence.attached += , [ordered]@{ adapter = "$($adapter.Name)"; number = [int] $item.number; network = "$($network.Name)"; switch = "$($adapter.VirtualNetwork)" }
            }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
