# Takes an address out of a static pool for each VM. Looks whether it has one of us already.
[CmdletBinding()]
param(
    # Each: vm, pool, owner_id (GUID of a VM or adapter), address (null: the next free one), mark
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

function ConvertTo-Failure([object] $Record) {
    [ordered]@{
        message = "$($Record.Exception.Message)"
        type = $Record.Exception.GetType().FullName
        fqid = "$($Record.FullyQualifiedErrorId)"
        category = "$($Record.CategoryInfo.Category)"
    }
}

$server = Get-SCVMMServer -ComputerName 'localhost'
$poolOf = @{}
foreach ($pool in @(Get-SCStaticIPAddressPool -VMMServer $server)) { $poolOf["$($pool.Name)"] = $pool }

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        try {
            $pool = $poolOf[$request.pool]
            if ($null -eq $pool) { throw "Secondsite.PoolNotFound: VMM has no static IP address pool '$($request.pool)'." }
            $mark = "secondsite:$($request.mark)"
            $granted = $null
            foreach ($item in @(Get-SCIPAddress -VMMServer $server -GrantToObjectID $request.owner_id)) {
                if ("$($item.Description)" -eq $mark -and ($null -eq $request.address -or "$($item.Address)" -eq $request.address)) { $granted = $item }
            }
            if ($null -eq $granted) {
                $wanted = @{}
                if ($null -ne $request.address) { $wanted['IPAddress'] = $request.address }
                $granted = Grant-SCIPAddress -VMMServer $server -StaticIPAddressPool $pool -GrantToObjectType 'VirtualMachine' -GrantToObjectID $request.owner_id -Description $mark @wanted
                $result.changed = $true
            }
            $result.evidence.address = "$($granted.Address)"
            $result.evidence.grant_id = "$($granted.ID)"
            $result.evidence.subnet = "$($pool.Subnet)"
            $result.evidence.gateways = [string[]] @(foreach ($gateway in $pool.DefaultGateways) { "$($gateway.IPAddress)" })
            $result.evidence.dns = [string[]] @(foreach ($item in $pool.DNSServers) { "$item" })
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
