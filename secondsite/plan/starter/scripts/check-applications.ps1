# Runs under Windows PowerShell 5.1 on the VMM server of the recovery site (`on: recovery`). Whatever it
# writes is kept as evidence in the run's report; an error that it throws makes the step fail.
[CmdletBinding()]
param(
    # From `arguments` of the plan.
    [Parameter(Mandatory)]
    [string[]]$Names,

    # What the run knows of itself, as JSON text with the fields of Azure Site Recovery.
    $RecoveryPlanContext
)

$ErrorActionPreference = 'Stop'

foreach ($name in $Names) {
    Write-Output "Put a check of $name here."
}
