# Makes VM networks for a test, each with its VM subnets and static pools; what is there already is left. Finds its own again.
[CmdletBinding()]
param(
    # Each: name, mark (its description: only a network with it is ours), logical_network, isolation (VMNetworkType), subnets; each of these:
    # name, site (network site; empty: virtual), vlan, prefixes, pools; each of these: name, subnet, first, last, gateways, dns
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"

function Select-OurNetwork([object] $Server, [string] $Name, [string] $Mark) {
    $found = @(Get-SCVMNetwork -VMMServer $Server -Name $Name)
    if ($found.Count -eq 0) { return $null }
    if ("$($found[0].Description)" -ne $Mark) { throw "Secondsite.NotOurNetwork: A VM network '$Name' exists, and we did not make it." }
    return $found[0]
}

function Select-OfName([object[]] $Objects, [string] $Name) {
    foreach ($object in $Objects) { if ("$($object.Name)" -eq $Name) { return $object } }
    return $null
}

$server = Get-SCVMMServer -ComputerName 'localhost'
$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.name; ok = $false; changed = $false; evidence = [ordered]@{ network = $request.name; made = @() }; error = $null }
        try {
            $network = Select-OurNetwork $server $request.name $request.mark
            $logical = Select-OfName @(Get-SCLogicalNetwork -VMMServer $server) $request.logical_network
            if ($null -eq $logical) { throw "Secondsite.LogicalNetworkNotFound: VMM has no logical network '$($request.logical_network)'." }
            if ($null -eq $network) {
                $network = New-SCVMNetwork -VMMServer $server -Name $request.name -LogicalNetwork $logical -IsolationType $request.isolation -Description $request.mark
                $result.changed = $true
                $result.evidence.made += , "$($network.Name)"
            }
            foreach ($wanted in @($request.subnets | Where-Object { $null -ne $_ -and $request.isolation -ne 'NoIsolation' })) {
                $subnet = Select-OfName @(Get-SCVMSubnet -VMMServer $server -VMNetwork $network) $wanted.name
                if ($null -eq $subnet) {
                    $parts = @(
                        foreach ($prefix in $wanted.prefixes) {
                            if ($null -ne $wanted.vlan) { New-SCSubnetVLan -Subnet $prefix -VLanID $wanted.vlan }
                            else { New-SCSubnetVLan -Subnet $prefix }
                        }
                    )
                    if ("$($wanted.site)" -eq '') { $subnet = New-SCVMSubnet -VMMServer $server -Name $wanted.name -VMNetwork $network -SubnetVLan $parts }
                    else {
                        $site = Select-OfName @(Get-SCLogicalNetworkDefinition -VMMServer $server -LogicalNetwork $logical) $wanted.site
                        if ($null -eq $site) { throw "Secondsite.NetworkSiteNotFound: The logical network '$($logical.Name)' has no network site '$($wanted.site)'." }
                        foreach ($other in @(Get-SCVMSubnet -VMMServer $server)) {
                            if ($null -eq $other.LogicalNetworkDefinition -or "$($other.LogicalNetworkDefinition.ID)" -ne "$($site.ID)") { continue }
                            $vlans = @(foreach ($part in $other.SubnetVLans) { [int] $part.VLanID })
                            if ($vlans -contains [int] $wanted.vlan) { throw "Secondsite.VlanTaken: VLAN $($wanted.vlan) of '$($site.Name)' has become that of the VM network '$($other.VMNetwork.Name)' since the preflight." }
                        }
                        $subnet = New-SCVMSubnet -VMMServer $server -Name $wanted.name -VMNetwork $network -LogicalNetworkDefinition $site -SubnetVLan $parts
                    }
                    $result.changed = $true
                    $result.evidence.made += , "$($subnet.Name)"
                }
                foreach ($copied in @($wanted.pools | Where-Object { $null -ne $_ })) {
                    if ($null -ne (Select-OfName @(Get-SCStaticIPAddressPool -VMMServer $server -VMSubnet $subnet) $copied.name)) { continue }
                    $more = @{}
                    $gateways = @(foreach ($address in $copied.gateways) { New-SCDefaultGateway -IPAddress $address -Automatic })
                    if ($gateways.Count -gt 0) { $more['DefaultGateway'] = $gateways }
                    $servers = [string[]] @($copied.dns | Where-Object { $_ })
                    if ($servers.Count -gt 0) { $more['DNSServer'] = $servers }
                    $pool = New-SCStaticIPAddressPool -VMMServer $server -Name $copied.name -VMSubnet $subnet -Subnet $copied.subnet -IPAddressRangeStart $copied.first -IPAddressRangeEnd $copied.last @more
                    $result.changed = $true
                    $result.evidence.made += , "$($pool.Name)"
                }
            }
            if ($null -eq (Select-OurNetwork $server $request.name $request.mark)) { throw "Secondsite.NotConfirmed: VMM does not show the VM network '$($request.name)'." }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
