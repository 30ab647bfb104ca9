# Makes record sets of a zone what they shall be, if they are what they must be. Reads, compares,
# sets record by record (Set- refuses when the old record is gone), and reads back. A new value is
# there before an old one goes: at no time is there none. Time stamps of dynamic records are kept.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string] $ZoneName,

    # null: the zone's own content
    [string] $ZoneScope,

    # Each: key, name (relative), type, before and after: null or { ttl_s, values }
    [Parameter(Mandatory = $true)]
    [object[]] $Edits
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/records.ps1"

$zone = @{ ZoneName = $ZoneName }
if ("$ZoneScope" -ne '') { $zone['ZoneScope'] = $ZoneScope }

function Get-RecordSet([string] $Name, [string] $Type) {
    # 9714: no such name; 9701: no such record
    try { Get-DnsServerResourceRecord -Name $Name -RRType $Type -Node @zone }
    catch { if ("$($_.FullyQualifiedErrorId)" -notmatch '^DNS (9714|9701),') { throw } }
}

function Set-Value([object] $Item, [string] $Value) {
    switch ("$($Item.RecordType)") {
        'A' { $Item.RecordData.IPv4Address = [System.Net.IPAddress]::Parse($Value) }
        'AAAA' { $Item.RecordData.IPv6Address = [System.Net.IPAddress]::Parse($Value) }
        'PTR' { $Item.RecordData.PtrDomainName = $Value }
        'CNAME' { $Item.RecordData.HostNameAlias = $Value }
    }
}

# One text for a whole set, to compare by: values in order, then the TTL
function Format-Set([object[]] $Values, [object] $TtlS) {
    if ($Values.Count -eq 0) { return '' }
    "$(($Values | Sort-Object) -join ' ') $TtlS"
}

function Format-Found([object[]] $Found) {
    $values = @(foreach ($item in $Found) { Format-Value $item })
    $ttls = @(foreach ($item in $Found) { [int] $item.TimeToLive.TotalSeconds })
    Format-Set $values ($ttls | Sort-Object | Select-Object -First 1)
}

function Format-Side([object] $Side) {
    if ($null -eq $Side) { return '' }
    Format-Set @($Side.values) $Side.ttl_s
}

function Add-Value([object] $Edit, [string] $Value, [bool] $IsDynamic) {
    $new = @{ Name = $Edit.name; TimeToLive = [timespan]::FromSeconds($Edit.after.ttl_s) }
    if ($IsDynamic) { $new['AgeRecord'] = $true }
    switch ($Edit.type) {
        'A' { Add-DnsServerResourceRecord -A -IPv4Address ([System.Net.IPAddress]::Parse($Value)) @new @zone }
        'AAAA' { Add-DnsServerResourceRecord -AAAA -IPv6Address ([System.Net.IPAddress]::Parse($Value)) @new @zone }
        'PTR' { Add-DnsServerResourceRecord -Ptr -PtrDomainName $Value @new @zone }
        'CNAME' { Add-DnsServerResourceRecord -CName -HostNameAlias $Value @new @zone }
        default { throw "Secondsite.TypeNotPossible: Records of type $($Edit.type) are not changed this way." }
    }
}

$results = @(
    foreach ($edit in $Edits) {
        $result = [ordered]@{ vm = $edit.key; ok = $false; changed = $false; evidence = [ordered]@{ outcome = '' }; error = $null }
        $before = Format-Side $edit.before
        $after = Format-Side $edit.after
        try {
            $found = @(Get-RecordSet $edit.name $edit.type)
            $now = Format-Found $found
            if ($now -eq $after) { $result.evidence.outcome = 'already' }
            elseif ($now -ne $before) { $result.evidence.outcome = 'conflict' }
            else {
                $wanted = @()
                if ($null -ne $edit.after) { $wanted = @($edit.after.values) }
                $gone = @($found | Where-Object { $wanted -notcontains (Format-Value $_) })
                $known = @(foreach ($item in $found) { Format-Value $item })
                $added = @($wanted | Where-Object { $known -notcontains $_ })
                $isDynamic = @($found | Where-Object { $null -ne $_.Timestamp }).Count -gt 0
                $index = 0
                foreach ($item in $gone) {
                    if ($index -ge $added.Count) { break }
                    # Read anew: a copy would share its data with the old one.
                    $value = Format-Value $item
                    $new = @(Get-RecordSet $edit.name $edit.type | Where-Object { (Format-Value $_) -eq $value })
                    if ($new.Count -ne 1) { throw 'Secondsite.RecordGone: The record is not there any more.' }
                    Set-Value $new[0] $added[$index]
                    $new[0].TimeToLive = [timespan]::FromSeconds($edit.after.ttl_s)
                    Set-DnsServerResourceRecord -OldInputObject $item -NewInputObject $new[0] @zone
                    $result.changed = $true
                    $index += 1
                }
                while ($index -lt $added.Count) {
                    Add-Value $edit $added[$index] $isDynamic
                    $result.changed = $true
                    $index += 1
                }
                foreach ($item in @(Get-RecordSet $edit.name $edit.type)) {
                    $value = Format-Value $item
                    if ($wanted -notcontains $value) {
                        if ($known -contains $value) {
                            Remove-DnsServerResourceRecord -InputObject $item -Force @zone
                            $result.changed = $true
                        }
                    }
                    elseif ([int] $item.TimeToLive.TotalSeconds -ne [int] $edit.after.ttl_s) {
                        $new = @(Get-RecordSet $edit.name $edit.type | Where-Object { (Format-Value $_) -eq $value })
                        if ($new.Count -ne 1) { throw 'Secondsite.RecordGone: The record is not there any more.' }
                        $new[0].TimeToLive = [timespan]::FromSeconds($edit.after.ttl_s)
                        Set-DnsServerResourceRecord -OldInputObject $item -NewInputObject $new[0] @zone
                        $result.changed = $true
                    }
                }
                $result.evidence.outcome = 'done'
            }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        # Whatever happened, the records themselves say what became of it.
        try {
            $found = @(Get-RecordSet $edit.name $edit.type)
            $now = Format-Found $found
            $result.evidence.found = @(foreach ($item in $found) { [ordered]@{ type = $edit.type; value = (Format-Value $item); ttl_s = [int] $item.TimeToLive.TotalSeconds; is_dynamic = ($null -ne $item.Timestamp) } })
            if ($now -eq $after) {
                if ($result.evidence.outcome -ne 'already') { $result.evidence.outcome = 'done' }
                $result.ok = $true
            }
            elseif ($now -ne $before) { $result.evidence.outcome = 'conflict' }
            elseif ($result.ok) { $result.evidence.outcome = 'ignored' }
        }
        catch { if ($result.ok) { $result.ok = $false; $result.error = ConvertTo-Failure $_ } }
        $result
    }
)
[ordered]@{ results = $results }
