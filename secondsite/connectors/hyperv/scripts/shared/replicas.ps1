# The replica side of a VM.
function Select-Replica([hashtable] $View, [object] $Machine) {
    foreach ($relation in $View.relations["$($Machine.Id)"]) {
        if ("$($relation.ReplicationMode)" -in 'Replica', 'ExtendedReplica') { return $relation }
    }
    throw 'Secondsite.NotReplica: It is not the replica of a VM on another host.'
}
