# Gives addresses that we took out of static pools back. Touches nothing that others took.
[CmdletBinding()]
param(
    # Each: vm, owner_id, address, mark
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

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{ address = $request.address }; error = $null }
        try {
            $mark = "secondsite:$($request.mark)"
            foreach ($item in @(Get-SCIPAddress -VMMServer $server -GrantToObjectID $request.owner_id)) {
                if ("$($item.Address)" -ne $request.address) { continue }
                if ("$($item.Description)" -ne $mark) { throw "Secondsite.NotOurAddress: $($request.address) was granted by somebody else ('$($item.Description)')." }
                $null = Revoke-SCIPAddress -AllocatedIPAddress $item
                $result.changed = $true
            }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
