# Changing the replication of many VMs at once: begin each, wait for all, say what came of it.
#
# A script that uses this has a function of its own, `Test-Done $Relation $Request`: is it as wanted?
function Select-Relation([hashtable] $View, [object] $Machine) {
    # A VM with an extended replica has two; what is done here is about its own, simple one.
    foreach ($relation in $View.relations["$($Machine.Id)"]) {
        if ("$($relation.ReplicationRelationshipType)" -ne 'Extended') { return $relation }
    }
    throw 'Secondsite.NotReplicated: It is not replicated here, or only as an extended replica.'
}

function Add-State([object] $Evidence, [object] $Relation) {
    $Evidence.mode = "$($Relation.ReplicationMode)"
    $Evidence.replication_state = "$($Relation.ReplicationState)"
    $Evidence.health = "$($Relation.ReplicationHealth)"
    $Evidence.primary_server = "$($Relation.PrimaryServerName)"
    $Evidence.replica_server = "$($Relation.ReplicaServerName)"
}

function Start-Change([object[]] $Requests, [scriptblock] $Change) {
    # Change is given what is known of one VM (request, result, machine, mode, state), and may leave a job in it.
    $view = Read-View
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        $work = @{ request = $request; result = $result; machine = $null; job = $null }
        try {
            $work.machine = Select-Machine $view.named $request.vm
            $relation = Select-Relation $view $work.machine
            $work.relation = $relation
            $work.mode = "$($relation.ReplicationMode)"
            $work.state = "$($relation.ReplicationState)"
            $result.evidence.before = [ordered]@{ mode = $work.mode; replication_state = $work.state; state = "$($work.machine.State)" }
            Add-State $result.evidence $relation
            if (-not (Test-Done $relation $request)) {
                & $Change $work
                $result.changed = $true
            }
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $work
    }
}

function Confirm-Change([object[]] $Works, [double] $LimitS, [string] $Wanted) {
    $watch = [Diagnostics.Stopwatch]::StartNew()
    Wait-Work $Works $LimitS
    $waiting = @($Works | Where-Object { $null -eq $_.result.error })
    while ($waiting.Count -gt 0) {
        $view = Read-View
        foreach ($work in $waiting) {
            $result = $work.result
            try {
                $relation = Select-Relation $view $work.machine
                Add-State $result.evidence $relation
                if (Test-Done $relation $work.request) { $result.ok = $true }
                elseif ($null -ne $work.job) {
                    $result.error = ConvertTo-JobFailure $work.job
                    if ($null -ne $result.error) { $result.changed = $false }
                }
            }
            catch { $result.error = ConvertTo-Failure $_ }
        }
        $waiting = @($waiting | Where-Object { -not $_.result.ok -and $null -eq $_.result.error })
        if ($waiting.Count -eq 0 -or $watch.Elapsed.TotalSeconds -ge $LimitS) { break }
        Start-Sleep -Milliseconds 250
    }
    foreach ($work in $waiting) {
        $work.result.error = [ordered]@{
            message = "Secondsite.NotConfirmed: It is $($work.result.evidence.mode), $($work.result.evidence.replication_state), instead of $Wanted."
            type = ''
            fqid = ''
            category = ''
        }
    }
    [ordered]@{ results = @(foreach ($work in $Works) { $work.result }) }
}
