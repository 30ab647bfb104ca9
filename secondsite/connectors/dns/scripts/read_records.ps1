# The records of some names of a zone, as this server holds them. Reads only.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string] $ZoneName,

    # null: the zone's own content
    [string] $ZoneScope,

    # Each: key, name (relative, '@' for the zone itself)
    [Parameter(Mandatory = $true)]
    [AllowEmptyCollection()]
    [object[]] $Wanted
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/records.ps1"

$scope = @{}
if ("$ZoneScope" -ne '') { $scope['ZoneScope'] = $ZoneScope }
$zone = $null
$zoneError = $null
try { $zone = @(Get-DnsServerZone -Name $ZoneName)[0] }
catch { $zoneError = ConvertTo-Failure $_ }

$results = @(
    foreach ($item in $Wanted) {
        $result = [ordered]@{ vm = $item.key; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        try {
            $found = @()
            # 9714: no such name; 9701: no such record
            try { $found = @(Get-DnsServerResourceRecord -ZoneName $ZoneName -Name $item.name -Node @scope) }
            catch { if ("$($_.FullyQualifiedErrorId)" -notmatch '^DNS (9714|9701),') { throw } }
            $result.evidence.records = @(
                foreach ($record in $found) {
                    [ordered]@{ type = "$($record.RecordType)".ToUpperInvariant(); value = (Format-Value $record); ttl_s = [int] $record.TimeToLive.TotalSeconds; is_dynamic = ($null -ne $record.Timestamp) }
                }
            )
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
$answer = [ordered]@{ results = $results; zone_error = $zoneError; zone_type = ''; is_read_only = $false }
if ($null -ne $zone) {
    $answer.zone_type = "$($zone.ZoneType)"
    $answer.is_read_only = [bool] $zone.IsReadOnly
}
$answer
