# Network adapters that share a name are told by their number.
function Select-Adapter([object] $Machine, [object] $Name, [int] $Number) {
    # Adapters may share a name: then their order tells which one is meant.
    $place = 0
    foreach ($adapter in @(Get-VMNetworkAdapter -VM $Machine)) {
        if ($null -ne $Name -and $adapter.Name -ne $Name) { continue }
        if ($place -eq $Number) {
            if ($adapter.IsLegacy) { throw "Secondsite.LegacyAdapter: Its network adapter '$($adapter.Name)' is a legacy one, for which Hyper-V injects no address." }
            return $adapter
        }
        $place += 1
    }
    throw "Secondsite.AdapterNotFound: It has no network adapter $Name (number $($Number + 1)) to give the address to."
}
