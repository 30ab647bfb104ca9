# Removes the private virtual switch of this name if we made it and no VM is connected to it.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string] $Name
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"

$notes = 'secondsite: made for a test failover, removed with it'
$result = [ordered]@{ ok = $false; changed = $false; evidence = [ordered]@{ switch = $Name }; error = $null }
try {
    $found = @(Get-VMSwitch | Where-Object { $_.Name -eq $Name })
    if ($found.Count -gt 0) {
        if ($found.Count -gt 1 -or "$($found[0].SwitchType)" -ne 'Private' -or "$($found[0].Notes)" -ne $notes) {
            throw "Secondsite.NotOurSwitch: The virtual switch '$Name' is not one that we made."
        }
        $users = @(Get-VMNetworkAdapter -All | Where-Object { "$($_.SwitchName)" -eq $Name })
        if ($users.Count -gt 0) {
            $names = @(foreach ($adapter in $users) { $adapter.VMName }) -join ', '
            throw "Secondsite.SwitchInUse: These VMs are still connected to the virtual switch '$Name': $names."
        }
        Remove-VMSwitch -VMSwitch $found[0] -Force -Confirm:$false
        $result.changed = $true
        if (@(Get-VMSwitch | Where-Object { $_.Name -eq $Name }).Count -gt 0) {
            throw "Secondsite.NotConfirmed: The virtual switch '$Name' is still there."
        }
    }
    $result.ok = $true
}
catch { $result.error = ConvertTo-Failure $_ }
$result
