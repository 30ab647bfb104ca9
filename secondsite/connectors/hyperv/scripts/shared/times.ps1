# Times as text.
function ConvertTo-UtcText([object] $Time) {
    if ($null -eq $Time) { return $null }
    $Time.ToUniversalTime().ToString('o')
}
