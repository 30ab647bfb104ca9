# VMs by their name.
function Select-Machine([hashtable] $Named, [string] $Name) {
    $found = @($Named[$Name])
    if ($null -eq $found[0]) { throw 'Secondsite.VmNotFound: There is no VM of this name.' }
    if ($found.Count -gt 1) { throw "Secondsite.SeveralVms: There are $($found.Count) VMs of this name." }
    $found[0]
}
