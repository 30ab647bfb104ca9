# Connects network adapters of VMs to VM networks, or takes them off, through VMM: only it knows their switches and virtual subnets.
[CmdletBinding()]
param(
    # Each: vm, vm_id (Hyper-V's VMId), host, adapters; each of these: adapter (name), number (among those of that name), network (empty: taken
    # off the one it is on), mark (description of a network that we made; empty: any), subnet (VM subnet; empty: by prefix), prefix (its
    # subnet; empty: the only one), vlan, is_allocated (VMM gives it an address of the network's pool; taken off: what VMM gave it is given back)
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

function Select-Subnet([object[]] $Subnets, [object] $Item, [object] $Network) {
    foreach ($subnet in $Subnets) { if ("$($Item.subnet)" -ne '' -and "$($subnet.Name)" -eq "$($Item.subnet)") { return $subnet } }
    foreach ($subnet in $Subnets) {
        $parts = @(foreach ($part in $subnet.SubnetVLans) { "$($part.Subnet)" })
        if ("$($Item.prefix)" -ne '' -and $parts -contains "$($Item.prefix)") { return $subnet }
    }
    if ($Subnets.Count -le 1) { return $Subnets | Select-Object -First 1 }
    throw "Secondsite.VmSubnetNotFound: The VM network '$($Network.Name)' has several VM subnets, and none of them is that of the adapter ('$($Item.prefix)')."
}

function Disconnect-Adapter([object] $Server, [object] $Machine, [object] $Item) {
    # True if there was anything to do: off its network, and what VMM itself gave it is free again.
    $isChanged = $false
    $adapter = Select-Now $Machine $Item.adapter $Item.number
    if ($null -ne $adapter.VMNetwork -or "$($adapter.VirtualNetwork)" -ne '') {
        $null = Set-SCVirtualNetworkAdapter -VirtualNetworkAdapter $adapter -NoConnection
        $isChanged = $true
        $adapter = Select-Now $Machine $Item.adapter $Item.number
        if ($null -ne $adapter.VMNetwork) { throw "Secondsite.NotConfirmed: Its adapter '$($Item.adapter)' is still on the VM network '$($adapter.VMNetwork.Name)'." }
    }
    if (-not $Item.is_allocated) { return $isChanged }
    foreach ($given in @(Get-SCIPAddress -VMMServer $Server -GrantToObjectID $adapter.ID)) {
        # What we took out of a pool ourselves bears our mark, and is given back where it was taken.
        if ("$($given.Description)" -like 'secondsite:*') { continue }
        $null = Revoke-SCIPAddress -AllocatedIPAddress $given
        $isChanged = $true
    }
    return $isChanged
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
$switchesOf = @{}
$subnetsOf = @{}

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{ attached = @(); detached = @() }; error = $null }
        try {
            $machine = $machineOf["$($request.vm_id)"]
            if ($null -eq $machine -and @($request.adapters | Where-Object { "$($_.network)" -ne '' }).Count -gt 0) { throw 'Secondsite.VmNotInVmm: VMM does not know a VM of this id.' }
            foreach ($item in $request.adapters) {
                if ($null -eq $machine) { break }
                if ("$($item.network)" -eq '') {
                    if (Disconnect-Adapter $server $machine $item) {
                        $result.changed = $true
                        $result.evidence.detached += , [ordered]@{ adapter = "$($item.adapter)"; number = [int] $item.number }
                    }
                    continue
                }
                $network = $networkOf["$($item.network)"]
                if ($null -eq $network) { throw "Secondsite.NetworkNotFound: VMM has no VM network '$($item.network)'." }
                if ("$($item.mark)" -ne '' -and "$($network.Description)" -ne "$($item.mark)") { throw "Secondsite.NotOurNetwork: The VM network '$($item.network)' is not one that we made." }
                $adapter = Select-Now $machine $item.adapter $item.number
                if (-not (Test-OnNetwork $adapter $network)) {
                    # Each host and each network is asked once, however many adapters there are.
                    if (-not $switchesOf.ContainsKey("$($machine.HostName)")) { $switchesOf["$($machine.HostName)"] = @(Get-SCVirtualNetwork -VMHost $machine.VMHost) }
                    if (-not $subnetsOf.ContainsKey("$($network.ID)")) { $subnetsOf["$($network.ID)"] = @(Get-SCVMSubnet -VMMServer $server -VMNetwork $network) }
                    $switch = $null
                    foreach ($one in $switchesOf["$($machine.HostName)"]) {
                        foreach ($logical in @($one.LogicalNetworks)) { if ("$($logical.Name)" -eq "$($network.LogicalNetwork.Name)") { $switch = "$($one.Name)" } }
                    }
                    if ($null -eq $switch) { throw "Secondsite.NoSwitchForNetwork: No virtual switch of $($machine.HostName) has the logical network '$($network.LogicalNetwork.Name)'." }
                    $more = @{}
                    if ("$($network.IsolationType)" -ne 'NoIsolation') {
                        $subnet = Select-Subnet $subnetsOf["$($network.ID)"] $item $network
                        if ($null -ne $subnet) { $more['VMSubnet'] = $subnet }
                    }
                    if ($null -ne $item.vlan) {
                        $more['VLanEnabled'] = $true
                        $more['VLanID'] = [int] $item.vlan
                    }
                    else { $more['VLanEnabled'] = $false }
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
