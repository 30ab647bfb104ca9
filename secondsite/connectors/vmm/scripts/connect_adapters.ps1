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

function Read-Machines([object] $Server) {
    # All at once: asked one by one, VMM takes far longer.
    $machineOf = @{}
    foreach ($machine in @(Get-SCVirtualMachine -VMMServer $Server)) { $machineOf["$($machine.VMId)"] = $machine }
    return $machineOf
}

function Select-Now([object] $Machine, [string] $Name, [int] $Number) {
    # As VMM has it now, whatever it was when the VM was read.
    Select-VmmAdapter ([pscustomobject] @{ VirtualNetworkAdapters = @(Get-SCVirtualNetworkAdapter -VM $Machine) }) $Name $Number
}

function Test-OnNetwork([object] $Adapter, [object] $Network) {
    return ($null -ne $Adapter.VMNetwork -and "$($Adapter.VMNetwork.ID)" -eq "$($Network.ID)")
}

$server = Get-SCVMMServer -ComputerName 'localhost'
$machineOf = Read-Machines $server
# Test VMs were made a moment ago: VMM learns of them when it looks at their hosts.
$unread = @(foreach ($request in $Requests) { if ($null -eq $machineOf["$($request.vm_id)"]) { "$($request.host)" } }) | Select-Object -Unique
if (@($unread).Count -gt 0) {
    foreach ($one in @(Get-SCVMHost -VMMServer $server)) {
        if (@($unread) -contains $one.Name -or @($unread) -contains ($one.Name -split '\.')[0]) { $null = Read-SCVirtualMachine -VMHost $one }
    }
    $machineOf = Read-Machines $server
}
$networkOf = @{}
foreach ($one in @(Get-SCVMNetwork -VMMServer $server)) { $networkOf["$($one.Name)"] = $one }

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{ attached = @() }; error = $null }
        try {
            $machine = $machineOf["$($request.vm_id)"]
            if ($null -eq $machine) { throw 'Secondsite.VmNotInVmm: VMM does not know a VM of this id.' }
            foreach ($item in $request.adapters) {
                $network = $networkOf["$($item.network)"]
                if ($null -eq $network) { throw "Secondsite.NetworkNotFound: VMM has no VM network '$($item.network)'." }
                if ("$($network.Description)" -ne "$($request.mark)") { throw "Secondsite.NotOurNetwork: The VM network '$($item.network)' is not one that we made." }
                $adapter = Select-Now $machine $item.adapter $item.number
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
                    $adapter = Select-Now $machine $item.adapter $item.number
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
