# Takes addresses out of the static pools of a VM network, one per adapter and family. Finds its own grants again.
[CmdletBinding()]
param(
    # Each: vm, vm_id (Hyper-V's VMId), network (VM network), mark (an address with it is ours), adapters; each of these:
    # adapter (name), number (among those of that name), wanted (addresses to try first)
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/adapters.ps1"

function Get-Family([object] $Text) {
    if ("$Text".Contains(':')) { 'IPv6' } else { 'IPv4' }
}

function Select-Own([object] $Server, [object] $Adapter, [object[]] $Pools, [string] $Mark) {
    # Grants of ours to this adapter out of these pools: those of other adapters, runs and people are not ours.
    $ids = @(foreach ($pool in $Pools) { "$($pool.ID)" })
    foreach ($item in @(Get-SCIPAddress -VMMServer $Server -GrantToObjectID $Adapter.ID)) {
        if ("$($item.Description)" -eq $Mark -and $ids -contains "$($item.AllocatingAddressPoolID)") { $item }
    }
}

$server = Get-SCVMMServer -ComputerName 'localhost'
$poolsOfOwner = @{}
foreach ($pool in @(Get-SCStaticIPAddressPool -VMMServer $server)) {
    # A pool belongs to a VM subnet, or (without isolation) to a site of the logical network.
    $owner = if ($null -ne $pool.VMSubnet) { $pool.VMSubnet } else { $pool.LogicalNetworkDefinition }
    $poolsOfOwner["$($owner.ID)"] += , $pool
}
$poolsOf = @{}
foreach ($subnet in @(Get-SCVMSubnet -VMMServer $server)) {
    $name = "$($subnet.VMNetwork.Name)"
    foreach ($pool in $poolsOfOwner["$($subnet.ID)"]) { $poolsOf[$name] += , $pool }
    if ($null -ne $subnet.LogicalNetworkDefinition) {
        # A network site may have several VLANs, and each VM network is one of them.
        $own = @(foreach ($part in $subnet.SubnetVLans) { "$($part.Subnet)" })
        foreach ($pool in $poolsOfOwner["$($subnet.LogicalNetworkDefinition.ID)"]) { if ($own.Count -eq 0 -or $own -contains "$($pool.Subnet)") { $poolsOf[$name] += , $pool } }
    }
}
$machineOf = @{}
foreach ($machine in @(Get-SCVirtualMachine -VMMServer $server)) { $machineOf["$($machine.VMId)"] = $machine }

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{ granted = @() }; error = $null }
        try {
            $machine = $machineOf["$($request.vm_id)"]
            if ($null -eq $machine) { throw 'Secondsite.VmNotInVmm: VMM does not know a VM of this id.' }
            $mark = "secondsite: $($request.mark)"
            foreach ($item in $request.adapters) {
                $pools = @($poolsOf["$($item.network)"] | Where-Object { $null -ne $_ })
                if ($pools.Count -eq 0) { throw "Secondsite.PoolNotFound: The VM network '$($item.network)' has no static IP address pool." }
                $adapter = Select-VmmAdapter $machine $item.adapter $item.number
                foreach ($family in @(foreach ($pool in $pools) { Get-Family $pool.Subnet }) | Select-Object -Unique) {
                    $own = @($pools | Where-Object { (Get-Family $_.Subnet) -eq $family })
                    if (@(Select-Own $server $adapter $own $mark).Count -eq 0) {
                        $granted = $null
                        $trouble = $null
                        foreach ($address in @($item.wanted | Where-Object { $null -ne $_ -and (Get-Family $_) -eq $family })) {
                            # Not to be had: somebody has it, or it is in another pool. Then the next one is.
                            foreach ($pool in $own) {
                                if ($null -ne $granted) { break }
                                try { $granted = Grant-SCIPAddress -VMMServer $server -StaticIPAddressPool $pool -GrantToObjectType 'VirtualNetworkAdapter' -GrantToObjectID $adapter.ID -IPAddress $address -Description $mark }
                                catch { $trouble = $_ }
                            }
                        }
                        foreach ($pool in $own) {
                            if ($null -ne $granted) { break }
                            try { $granted = Grant-SCIPAddress -VMMServer $server -StaticIPAddressPool $pool -GrantToObjectType 'VirtualNetworkAdapter' -GrantToObjectID $adapter.ID -Description $mark }
                            catch { $trouble = $_ }
                        }
                        if ($null -eq $granted) {
                            if ("$($trouble.CategoryInfo.Category)" -in 'PermissionDenied', 'SecurityError') { throw $trouble }
                            $names = @(foreach ($pool in $own) { "$($pool.Name)" }) -join ', '
                            throw "Secondsite.PoolFull: No $family address of the VM network '$($item.network)' is to be had (pools: $names): $($trouble.Exception.Message)"
                        }
                        $result.changed = $true
                    }
                    # Two engines that asked at the same moment would both find nothing: the first address stays.
                    $held = @(Select-Own $server $adapter $own $mark | Sort-Object -Property { "$($_.Address)" })
                    if ($held.Count -eq 0) { throw "Secondsite.NotConfirmed: VMM shows no address that was granted to its network adapter '$($item.adapter)'." }
                    foreach ($extra in @($held | Select-Object -Skip 1)) {
                        try { $null = Revoke-SCIPAddress -AllocatedIPAddress $extra } catch { $trouble = $_ }
                    }
                    $pool = @($own | Where-Object { "$($_.ID)" -eq "$($held[0].AllocatingAddressPoolID)" })[0]
                    $result.evidence.granted += , [ordered]@{
                        adapter = "$($adapter.Name)"
                        number = [int] $item.number
                        address = "$($held[0].Address)"
                        subnet = "$($pool.Subnet)"
                        pool = "$($pool.Name)"
                        owner_id = "$($adapter.ID)"
                        gateways = [string[]] @(foreach ($gateway in $pool.DefaultGateways) { "$($gateway.IPAddress)" })
                        dns = [string[]] @(foreach ($one in $pool.DNSServers) { "$one" })
                    }
                }
            }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
