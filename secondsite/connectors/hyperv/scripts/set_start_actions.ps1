# What happens to each VM when its host starts: a fenced one must not come up by itself.
[CmdletBinding()]
param(
    # Each: vm, action (Nothing, StartIfRunning, Start)
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

function Select-Machine([hashtable] $Named, [string] $Name) {
    $found = @($Named[$Name])
    if ($null -eq $found[0]) { throw 'Secondsite.VmNotFound: There is no VM of this name.' }
    if ($found.Count -gt 1) { throw "Secondsite.SeveralVms: There are $($found.Count) VMs of this name." }
    $found[0]
}

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
