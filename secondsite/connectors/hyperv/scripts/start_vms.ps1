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

$named = @{}
foreach ($machine in @(Get-VM)) { $named[$machine.Name] += , $machine }

$works = @(
    foreach ($name in $Vms) {
        $result = [ordered]@{ vm = $name; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        $work = @{ result = $result; job = $null }
        try {
            $machine = Select-Machine $named $name
            $result.evidence.id = "$($machine.Id)"
            $result.evidence.before = "$($machine.State)"
            $result.evidence.state = "$($machine.State)"
            if ("$($machine.State)" -in 'Off', 'Saved', 'FastSaved', 'Hibernated') { $work.job = Start-VM -VM $machine -AsJob }
            elseif ("$($machine.State)" -notin 'Running', 'Starting') {
                throw "Secondsite.WrongVmState: It is $($machine.State); only a VM that is Off or Saved can be started."
            }
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $work
    }
)

$watch = [Diagnostics.Stopwatch]::StartNew()
$pauseMs = 100
$waiting = @($works | Where-Object { $null -eq $_.result.error })
while ($true) {
    foreach ($work in $waiting) {
        $result = $work.result
        $result.ok = $result.evidence.state -eq 'Running'
        if ($result.ok) { $result.changed = $null -ne $work.job }
        elseif ($null -ne $work.job -and "$($work.job.State)" -eq 'Failed') { $result.error = ConvertTo-JobFailure $work.job }
    }
    $waiting = @($waiting | Where-Object { -not $_.result.ok -and $null -eq $_.result.error })
    if ($waiting.Count -eq 0 -or $watch.Elapsed.TotalSeconds -ge $ConfirmS) { break }
    Start-Sleep -Milliseconds $pauseMs
    $pauseMs = [int] [math]::Min(1000, $pauseMs * 1.5)
    $stateOf = @{}
    foreach ($machine in @(Get-VM)) { $stateOf["$($machine.Id)"] = "$($machine.State)" }
    foreach ($work in $waiting) { $work.result.evidence.state = "$($stateOf[$work.result.evidence.id])" }
}
foreach ($work in $waiting) {
    $work.result.changed = $null -ne $work.job
    $work.result.error = [ordered]@{ message = "Secondsite.NotConfirmed: It is '$($work.result.evidence.state)' instead of Running."; type = ''; fqid = ''; category = '' }
}
[ordered]@{ results = @(foreach ($work in $works) { $work.result }) }
