# Powering many VMs on or off at once: begin each, wait for all, say what came of it.
function Start-PowerChange([string[]] $Vms, [scriptblock] $Change) {
    # Change is given a VM, and gives a job if the VM is not on its way already.
    $named = @{}
    foreach ($machine in @(Get-VM)) { $named[$machine.Name] += , $machine }
    foreach ($name in $Vms) {
        $result = [ordered]@{ vm = $name; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        $work = @{ result = $result; job = $null }
        try {
            $machine = Select-Machine $named $name
            $result.evidence.id = "$($machine.Id)"
            $result.evidence.before = "$($machine.State)"
            $result.evidence.state = "$($machine.State)"
            $work.job = & $Change $machine
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $work
    }
}

function Confirm-PowerChange([object[]] $Works, [double] $LimitS, [string] $Wanted) {
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $pauseMs = 100
    $waiting = @($Works | Where-Object { $null -eq $_.result.error })
    while ($true) {
        foreach ($work in $waiting) {
            $result = $work.result
            $result.ok = $result.evidence.state -eq $Wanted
            if ($result.ok) { $result.changed = $null -ne $work.job }
            elseif ($null -ne $work.job -and "$($work.job.State)" -eq 'Failed') { $result.error = ConvertTo-JobFailure $work.job }
        }
        $waiting = @($waiting | Where-Object { -not $_.result.ok -and $null -eq $_.result.error })
        if ($waiting.Count -eq 0 -or $watch.Elapsed.TotalSeconds -ge $LimitS) { break }
        Start-Sleep -Milliseconds $pauseMs
        $pauseMs = [int] [math]::Min(1000, $pauseMs * 1.5)
        $stateOf = @{}
        foreach ($machine in @(Get-VM)) { $stateOf["$($machine.Id)"] = "$($machine.State)" }
        foreach ($work in $waiting) { $work.result.evidence.state = "$($stateOf[$work.result.evidence.id])" }
    }
    foreach ($work in $waiting) {
        $work.result.changed = $null -ne $work.job
        $work.result.error = [ordered]@{ message = "Secondsite.NotConfirmed: It is '$($work.result.evidence.state)' instead of $Wanted."; type = ''; fqid = ''; category = '' }
    }
    [ordered]@{ results = @(foreach ($work in $Works) { $work.result }) }
}
