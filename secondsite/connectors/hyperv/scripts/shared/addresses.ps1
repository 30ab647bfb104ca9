# What a failover gives to an adapter as its addresses.
function Read-Address([object] $Adapter) {
    $found = Get-VMNetworkAdapterFailoverConfiguration -VMNetworkAdapter $Adapter
    $values = [ordered]@{}
    foreach ($name in $addressNames) {
        $value = "$($found.$name)"
        if ($value -eq '0') { $value = '' }
        $values[$name] = $value
    }
    $values
}

function Test-Address([object] $Found, [object] $Wanted) {
    foreach ($name in $addressNames) {
        if ("$($Found.$name)" -ne "$($Wanted.$name)") { return $false }
    }
    $true
}

function Write-Address([object] $Adapter, [object] $Values) {
    Set-VMNetworkAdapterFailoverConfiguration -VMNetworkAdapter $Adapter -ClearFailoverIPv4Settings -ClearFailoverIPv6Settings
    $settings = @{}
    foreach ($name in $addressNames) {
        if ("$($Values.$name)" -ne '') { $settings[$name] = $Values.$name }
    }
    if ($settings.Count -gt 0) { Set-VMNetworkAdapterFailoverConfiguration -VMNetworkAdapter $Adapter @settings }
}
