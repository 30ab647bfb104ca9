# Adapters of a VM as VMM has them.
function Select-VmmAdapter([object] $Machine, [string] $Name, [int] $Number) {
    $place = 0
    foreach ($adapter in @($Machine.VirtualNetworkAdapters)) {
        if ("$($adapter.Name)" -ne $Name) { continue }
        if ($place -eq $Number) { return $adapter }
        $place += 1
    }
    throw "Secondsite.AdapterNotInVmm: VMM does not know its network adapter '$Name' (number $($Number + 1))."
}
