# What happens to each VM when its host starts: a fenced one must not come up by itself.
[CmdletBinding()]
param(
    # Each: vm, action (Nothing, StartIfRunning, Start)
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/machines.ps1"

$named = @{}
foreach ($machine in @(Get-VM)) { $named[$machine.Name] += , $machine }

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        try {
            $machine = Select-Machine $named $request.vm
            $result.evidence.before = "$($machine.AutomaticStartAction)"
            if ($result.evidence.before -ne $request.action) {
                Set-VM -VM $machine -AutomaticStartAction $request.action
                $result.changed = $true
            }
            $result.evidence.after = "$(@(Get-VM -Id $machine.Id)[0].AutomaticStartAction)"
            if ($result.evidence.after -ne $request.action) { throw "Secondsite.NotConfirmed: It is $($result.evidence.after) instead of $($request.action)." }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
