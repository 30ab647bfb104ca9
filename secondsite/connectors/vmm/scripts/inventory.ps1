# Clouds, hosts, VMs and networks that this VMM server manages. Reads only.
[CmdletBinding()]
param(
    # Names of VMs whose network adapters are told as well; with some, also which hosts each network can be had on
    [string[]] $AdaptersOf = @()
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$server = Get-SCVMMServer -ComputerName 'localhost'

$subnetsOf = @{}
foreach ($subnet in @(Get-SCVMSubnet -VMMServer $server)) { $subnetsOf["$($subnet.VMNetwork.ID)"] += , $subnet }
$poolsOf = @{}
foreach ($pool in @(Get-SCStaticIPAddressPool -VMMServer $server)) {
    # A pool belongs to a VM subnet, or (without isolation) to a site of the logical network.
    $owner = if ($null -ne $pool.VMSubnet) { $pool.VMSubnet } else { $pool.LogicalNetworkDefinition }
    $poolsOf["$($owner.ID)"] += , ([ordered]@{
            name = "$($pool.Name)"
            subnet = "$($pool.Subnet)"
            first = "$($pool.IPAddressRangeStart)"
            last = "$($pool.IPAddressRangeEnd)"
            granted = [int] @(Get-SCIPAddress -VMMServer $server -StaticIPAddressPool $pool).Count
        })
}
$hostsOf = @{}
if ($AdaptersOf.Count -gt 0) {
    foreach ($machine in @(Get-SCVMHost -VMMServer $server)) {
        foreach ($logical in @(Get-SCLogicalNetwork -VMMServer $server -VMHost $machine)) { $hostsOf["$($logical.ID)"] += , "$($machine.Name)" }
    }
}

$networks = @(
    foreach ($network in @(Get-SCVMNetwork -VMMServer $server)) {
        $subnets = @()
        $pools = @()
        foreach ($subnet in $subnetsOf["$($network.ID)"]) {
            $subnets += @(foreach ($part in $subnet.SubnetVLans) { "$($part.Subnet)" })
            foreach ($pool in $poolsOf["$($subnet.ID)"]) { $pools += , $pool }
            if ($null -ne $subnet.LogicalNetworkDefinition) {
                # A network site may have several VLANs, and each VM network is one of them.
                $own = @(foreach ($part in $subnet.SubnetVLans) { "$($part.Subnet)" })
                foreach ($pool in $poolsOf["$($subnet.LogicalNetworkDefinition.ID)"]) { if ($own.Count -eq 0 -or $own -contains "$($pool.subnet)") { $pools += , $pool } }
            }
        }
        $hosts = $null
        if ($AdaptersOf.Count -gt 0) { $hosts = [string[]] @($hostsOf["$($network.LogicalNetwork.ID)"] | Where-Object { $_ }) }
        [ordered]@{
            name = "$($network.Name)"
            id = "$($network.ID)"
            logical_network = "$($network.LogicalNetwork.Name)"
            isolation = "$($network.IsolationType)"
            subnets = [string[]] @($subnets | Where-Object { $_ } | Select-Object -Unique)
            pools = @($pools | Where-Object { $null -ne $_ })
            hosts = $hosts
        }
    }
)
$vms = @(
    foreach ($vm in @(Get-SCVirtualMachine -VMMServer $server)) {
        $cloud = $null
        if ($null -ne $vm.Cloud) { $cloud = "$($vm.Cloud.Name)" }
        $adapters = $null
        if ($AdaptersOf -contains "$($vm.Name)") {
            $adapters = @(
                foreach ($adapter in @($vm.VirtualNetworkAdapters)) {
                    $on = $null
                    if ($null -ne $adapter.VMNetwork) { $on = "$($adapter.VMNetwork.Name)" }
                    [ordered]@{ name = "$($adapter.Name)"; network = $on }
                }
            )
        }
        [ordered]@{
            name = "$($vm.Name)"
            id = "$($vm.VMId)"
            vmm_id = "$($vm.ID)"
            host = "$($vm.HostName)"
            cloud = $cloud
            status = "$($vm.Status)"
            adapters = $adapters
        }
    }
)
[ordered]@{
    clouds = [string[]] @(foreach ($cloud in @(Get-SCCloud -VMMServer $server)) { "$($cloud.Name)" })
    hosts = [string[]] @(foreach ($machine in @(Get-SCVMHost -VMMServer $server)) { "$($machine.Name)" })
    vms = $vms
    networks = $networks
    classifications = [string[]] @(foreach ($class in @(Get-SCStorageClassification -VMMServer $server)) { "$($class.Name)" })
}
