# Has VMM look at its hosts again, so that VMs made or removed there show in its inventory.
[CmdletBinding()]
param(
    # Names of hosts; none: all that this server manages
    [string[]] $Hosts = @()
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$server = Get-SCVMMServer -ComputerName 'localhost'
$refreshed = @(
    foreach ($machine in @(Get-SCVMHost -VMMServer $server)) {
        if ($Hosts.Count -gt 0 -and $Hosts -notcontains $machine.Name -and $Hosts -notcontains ($machine.Name -split '\.')[0]) { continue }
        $null = Read-SCVirtualMachine -VMHost $machine
        "$($machine.Name)"
    }
)
[ordered]@{ hosts = [string[]] $refreshed }
