# Test VMs, and the mark by which they are known.
function Select-TestMachine([hashtable] $View, [object] $Replica) {
    # A VM that merely bears the name of a test VM is none.
    foreach ($relation in $View.relations["$($Replica.Id)"]) {
        if ($null -ne $relation.TestVirtualMachine) { return $View.byId["$($relation.TestVirtualMachine.Id)"] }
    }
    foreach ($machine in $View.named["$($Replica.Name) - Test"]) {
        if ("$($machine.ReplicationMode)" -eq 'TestReplica') { return $machine }
    }
}

function Read-Mark([object] $Machine) {
    if ("$($Machine.Notes)" -match '(?m)^secondsite:(\{.*\})\s*$') { ConvertFrom-Json -InputObject $Matches[1] }
}
