# Logical networks with their network sites, hosts, VM networks and static pools. Reads only.
[CmdletBinding()]
param()
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$server = Get-SCVMMServer -ComputerName 'localhost'
$poolsOf = @{}
foreach ($pool in @(Get-SCStaticIPAddressPool -VMMServer $server)) {
    $owner = if ($null -ne $pool.VMSubnet) { $pool.VMSubnet } else { $pool.LogicalNetworkDefinition }
    $poolsOf["$($owner.ID)"] += , ([ordered]@{
            name = "$($pool.Name)"
            subnet = "$($pool.Subnet)"
            first = "$($pool.IPAddressRangeStart)"
            last = "$($pool.IPAddressRangeEnd)"
            gateways = [string[]] @(foreach ($gateway in $pool.DefaultGateways) { "$($gateway.IPAddress)" })
            dns = [string[]] @(foreach ($one in $pool.DNSServers) { "$one" })
            granted = [int] @(Get-SCIPAddress -VMMServer $server -StaticIPAddressPool $pool).Count
        })
}
$hostsOf = @{}
foreach ($machine in @(Get-SCVMHost -VMMServer $server)) {
    foreach ($logical in @(Get-SCLogicalNetwork -VMMServer $server -VMHost $machine)) { $hostsOf["$($logical.ID)"] += , "$($machine.Name)" }
}
$sitesOf = @{}
foreach ($site in @(Get-SCLogicalNetworkDefinition -VMMServer $server)) {
    $sitesOf["$($site.LogicalNetwork.ID)"] += , ([ordered]@{
            name = "$($site.Name)"
            parts = @(foreach ($part in $site.SubnetVLans) { [ordered]@{ subnet = "$($part.Subnet)"; vlan = [int] $part.VLanID } })
            pools = @($poolsOf["$($site.ID)"] | Where-Object { $null -ne $_ })
        })
}
$subnetsOf = @{}
foreach ($subnet in @(Get-SCVMSubnet -VMMServer $server)) {
    $site = $null
    $pools = @($poolsOf["$($subnet.ID)"] | Where-Object { $null -ne $_ })
    if ($null -ne $subnet.LogicalNetworkDefinition) {
        $site = "$($subnet.LogicalNetworkDefinition.Name)"
        $pools += @($poolsOf["$($subnet.LogicalNetworkDefinition.ID)"] | Where-Object { $null -ne $_ })
    }
    $subnetsOf["$($subnet.VMNetwork.ID)"] += , ([ordered]@{
            name = "$($subnet.Name)"
            site = $site
            parts = @(foreach ($part in $subnet.SubnetVLans) { [ordered]@{ subnet = "$($part.Subnet)"; vlan = [int] $part.VLanID } })
            pools = $pools
        })
}
$networksOf = @{}
foreach ($network in @(Get-SCVMNetwork -VMMServer $server)) {
    $networksOf["$($network.LogicalNetwork.ID)"] += , ([ordered]@{
            name = "$($network.Name)"
            isolation = "$($network.IsolationType)"
            subnets = @($subnetsOf["$($network.ID)"] | Where-Object { $null -ne $_ })
        })
}
$found = @(
    foreach ($logical in @(Get-SCLogicalNetwork -VMMServer $server)) {
        $isolation = 'none'
        if ($logical.IsLogicalNetworkDefinitionIsolated) { $isolation = 'vlan' }
        if ($logical.IsPVLAN) { $isolation = 'pvlan' }
        if ($logical.NetworkVirtualizationEnabled) { $isolation = 'virtual' }
        [ordered]@{
            name = "$($logical.Name)"
            isolation = $isolation
            hosts = [string[]] @($hostsOf["$($logical.ID)"] | Where-Object { $_ })
            sites = @($sitesOf["$($logical.ID)"] | Where-Object { $null -ne $_ })
            networks = @($networksOf["$($logical.ID)"] | Where-Object { $null -ne $_ })
        }
    }
)
[ordered]@{ logical_networks = $found }
