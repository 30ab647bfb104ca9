# Powers on each VM and waits until Hyper-V says Running (the guest may need far longer).
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string[]] $Vms,

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
        if ("$($Machine.State)" -in 'Off', 'Saved', 'FastSaved', 'Hibernated') { Start-VM -VM $Machine -AsJob }
        elseif ("$($Machine.State)" -notin 'Running', 'Starting') {
            throw "Secondsite.WrongVmState: It is $($Machine.State); only a VM that is Off or Saved can be started."
        }
    }
)
Confirm-PowerChange $works $ConfirmS 'Running'
