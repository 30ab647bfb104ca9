# What this host has, asked at once.
function Read-View {
    # All VMs and relationships at once: asked one by one, Hyper-V takes far longer.
    $view = @{ named = @{}; byId = @{}; relations = @{} }
    foreach ($machine in @(Get-VM)) {
        $view.named[$machine.Name] += , $machine
        $view.byId["$($machine.Id)"] = $machine
    }
    foreach ($relation in @(Get-VMReplication)) { $view.relations["$($relation.VMId)"] += , $relation }
    $view
}
