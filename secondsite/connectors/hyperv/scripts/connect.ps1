# Connects all network adapters of each VM to a switch, with a VLAN or none; or disconnects them.
[CmdletBinding()]
param(
    # Each: vm, switch (null: disconnect), vlan (null: untagged)
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

function ConvertTo-Failure([object] $Record) {
    [ordered]@{
        message = "$($Record.Exception.Message)"
        type = $Record.Exception.GetType().FullName
        fqid = "$($Record.FullyQualifiedErrorId)"
        category = "$($Record.CategoryInfo.Category)"
    }
}

function Select-Machine([hashtable] $Named, [string] $Name) {
    $found = @($Named[$Name])
    if ($null -eq $found[0]) { throw 'Secondsite.VmNotFound: There is no VM of this name.' }
    if ($found.Count -gt 1) { throw "Secondsite.SeveralVms: There are $($found.Count) VMs of this name." }
    $found[0]
}

function Select-Connection([object[]] $Adapters) {
    foreach ($adapter in $Adapters) {
        $vlan = $null
        if ("$($adapter.VlanSetting.OperationMode)" -eq 'Access') { $vlan = [int] $adapter.VlanSetting.AccessVlanId }
        [ordered]@{ adapter = "$($adapter.Id)"; switch = "$($adapter.SwitchName)"; vlan = $vlan; vlan_mode = "$($adapter.VlanSetting.OperationMode)" }
    }
}

$named = @{}
foreach ($machine in @(Get-VM)) { $named[$machine.Name] += , $machine }

$switches = [string[]] @(foreach ($switch in @(Get-VMSwitch)) { $switch.Name })

$results = @(
    foreach ($request in $Requests) {
        $result = [ordered]@{ vm = $request.vm; ok = $false; changed = $false; evidence = [ordered]@{}; error = $null }
        try {
            $machine = Select-Machine $named $request.vm
            $adapters = @(Get-VMNetworkAdapter -VM $machine)
            $result.evidence.before = @(Select-Connection $adapters)
            if ($null -ne $request.switch) {
                if ($switches -notcontains $request.switch) { throw "Secondsite.SwitchNotFound: This host has no virtual switch '$($request.switch)'; it has: $($switches -join ', ')." }
                if ($adapters.Count -eq 0) { throw 'Secondsite.AdapterNotFound: It has no network adapter.' }
            }
            foreach ($adapter in $adapters) {
                $mode = "$($adapter.VlanSetting.OperationMode)"
                if ($null -eq $request.switch) {
                    if ("$($adapter.SwitchName)" -ne '') {
                        Disconnect-VMNetworkAdapter -VMNetworkAdapter $adapter
                        $result.changed = $true
                    }
                    continue
                }
                # The VLAN first: an adapter must never show up on the switch in a wrong one.
                if ($null -eq $request.vlan) {
                    if ($mode -ne 'Untagged') {
                        Set-VMNetworkAdapterVlan -VMNetworkAdapter $adapter -Untagged
                        $result.changed = $true
                    }
                }
                elseif ($mode -ne 'Access' -or [int] $adapter.VlanSetting.AccessVlanId -ne [int] $request.vlan) {
                    Set-VMNetworkAdapterVlan -VMNetworkAdapter $adapter -Access -VlanId $request.vlan
                    $result.changed = $true
                }
                if ("$($adapter.SwitchName)" -ne $request.switch) {
                    Connect-VMNetworkAdapter -VMNetworkAdapter $adapter -SwitchName $request.switch
                    $result.changed = $true
                }
            }
            $result.evidence.after = $result.evidence.before
            if ($result.changed) { $result.evidence.after = @(Select-Connection @(Get-VMNetworkAdapter -VM $machine)) }
            foreach ($item in $result.evidence.after) {
                if ($item.switch -ne "$($request.switch)") { throw "Secondsite.NotConfirmed: An adapter is connected to '$($item.switch)' instead of '$($request.switch)'." }
                if ($null -ne $request.switch -and "$($item.vlan)" -ne "$($request.vlan)") { throw "Secondsite.NotConfirmed: An adapter is in VLAN '$($item.vlan)' instead of '$($request.vlan)'." }
            }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
