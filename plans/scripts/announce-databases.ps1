# Says which database servers stand behind an alias now. A place to put what your own site needs:
# registering the alias, mounting a share, telling the load balancer.
#
# Runs under Windows PowerShell 5.1 on the VMM server of the recovery site. Whatever it writes is kept
# as evidence in the run's report; an error that it throws makes the step fail.
[CmdletBinding()]
param(
    # The name under which the applications look for their database.
    [Parameter(Mandatory)]
    [string]$Alias,

    # The database servers behind it.
    [Parameter(Mandatory)]
    [string[]]$Servers,

    # What the run knows of itself: plan, kind, direction, VMs. JSON text, as Azure Site Recovery's
    # runbooks get it.
    $RecoveryPlanContext
)

$ErrorActionPreference = 'Stop'

$where = 'by hand'
if ($RecoveryPlanContext) {
    if ($RecoveryPlanContext -is [string]) {
        $RecoveryPlanContext = $RecoveryPlanContext | ConvertFrom-Json
    }
    $where = "in a $($RecoveryPlanContext.FailoverType) of $($RecoveryPlanContext.RecoveryPlanName)"
}

foreach ($server in $Servers) {
    Write-Output "$Alias is served by $server, $where."
}
