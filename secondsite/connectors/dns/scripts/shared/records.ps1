# Records as text.
function Format-Value([object] $Item) {
    switch ("$($Item.RecordType)") {
        'A' { "$($Item.RecordData.IPv4Address)" }
        'AAAA' { "$($Item.RecordData.IPv6Address)" }
        'PTR' { "$($Item.RecordData.PtrDomainName)".ToLowerInvariant() }
        'CNAME' { "$($Item.RecordData.HostNameAlias)".ToLowerInvariant() }
        default { '' }
    }
}
