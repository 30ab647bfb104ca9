# Waiting for many of Hyper-V's jobs.
function Wait-Work([object[]] $Work, [double] $LimitS) {
    # Hyper-V works on its jobs side by side: a host with twenty VMs takes about as long as one VM.
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $running = @($Work | Where-Object { $null -ne $_.job })
    while ($watch.Elapsed.TotalSeconds -lt $LimitS) {
        $running = @($running | Where-Object { "$($_.job.State)" -in 'NotStarted', 'Running' })
        if ($running.Count -eq 0) { break }
        Start-Sleep -Milliseconds 100
    }
}
