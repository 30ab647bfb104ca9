# What a check wants to know of this Hyper-V host besides its survey. Reads only.
[CmdletBinding()]
param()
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$machines = @(Get-VM)
$servicesOf = @{}
$disksOf = @{}
if ($machines.Count -gt 0) {
    foreach ($service in @(Get-VMIntegrationService -VM $machines)) { $servicesOf["$($service.VMId)"] += , $service }
    foreach ($disk in @(Get-VMHardDiskDrive -VM $machines)) { $disksOf["$($disk.VMId)"] += , "$($disk.Path)" }
}
$vms = @(
    foreach ($machine in $machines) {
        $services = @(
            foreach ($service in $servicesOf["$($machine.Id)"]) {
                [ordered]@{
                    # The name is translated on a translated Windows; the end of the id is not.
                    id = "$($service.Id)"
                    name = "$($service.Name)"
                    enabled = [bool] $service.Enabled
                    status = "$($service.PrimaryStatusDescription)"
                }
            }
        )
        [ordered]@{
            id = "$($machine.Id)"
            name = "$($machine.Name)"
            services = $services
            disks = [string[]] @($disksOf["$($machine.Id)"] | Where-Object { $_ })
        }
    }
)
$volumes = @(
    foreach ($volume in @(Get-CimInstance -ClassName Win32_Volume -Property Name, Capacity, FreeSpace, DriveType)) {
        if ([int] $volume.DriveType -eq 3) {
            [ordered]@{
                path = "$($volume.Name)"
                size_mib = [int] [math]::Floor($volume.Capacity / 1MB)
                free_mib = [int] [math]::Floor($volume.FreeSpace / 1MB)
            }
        }
    }
)
[ordered]@{ vms = $vms; volumes = $volumes }
