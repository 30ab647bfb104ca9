# A private virtual switch of this name, made by us: for a test network that lives as long as a test.
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
    if ($found.Count -gt 1) { throw "Secondsite.SeveralSwitches: There are $($found.Count) virtual switches named '$Name'." }
    if ($found.Count -eq 1) {
        if ("$($found[0].SwitchType)" -ne 'Private' -or "$($found[0].Notes)" -ne $notes) {
            throw "Secondsite.NotOurSwitch: A virtual switch '$Name' ($($found[0].SwitchType)) exists, and we did not make it."
        }
        $result.evidence.id = "$($found[0].Id)"
    }
    else {
        $made = New-VMSwitch -Name $Name -SwitchType Private -Notes $notes
        $result.changed = $true
        $result.evidence.id = "$($made.Id)"
    }
    $result.ok = $true
}
catch { $result.error = ConvertTo-Failure $_ }
$result
