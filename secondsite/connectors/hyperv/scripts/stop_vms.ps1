# Shuts the guest of each VM down, all at the same time, or turns the VMs off; confirms Off.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string[]] $Vms,

    [Parameter(Mandatory = $true)]
    [bool] $TurnOff,

    # How long all of them together may take, in seconds
    [double] $ConfirmS = 60
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/jobs.ps1"
. "$PSScriptRoot/shared/machines.ps1"
. "$PSScriptRoot/shared/power.ps1"

$works = @(
    Start-PowerChange $Vms {
        param($Machine)
        if ("$($Machine.State)" -in 'Off', 'Stopping') { return }
        if ($TurnOff) { Stop-VM -VM $Machine -TurnOff -Force -AsJob -Confirm:$false }
        else { Stop-VM -VM $Machine -Force -AsJob -Confirm:$false }
    }
)
Confirm-PowerChange $works $ConfirmS 'Off'
