# Connects the network adapters of each VM, each to its switch with a VLAN or none; or disconnects them.
[CmdletBinding()]
param(
    # Each: vm, switch (null: disconnect), vlan (null: untagged), and for single adapters: adapters, each:
    # adapter (name), number (among those of that name), switch, vlan, keep (leave it as it is)
    [Parameter(Mandatory = $true)]
    [object[]] $Requests
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../../winrm/failure.ps1"
. "$PSScriptRoot/shared/machines.ps1"

function Select-Connection([object[]] $Adapters) {
    foreach ($adapter in $Adapters) {
        $vlan = $null
        if ("$($adapter.VlanSetting.OperationMode)" -eq 'Access') { $vlan = [int] $adapter.VlanSetting.AccessVlanId }
        [ordered]@{ adapter = "$($adapter.Id)"; name = "$($adapter.Name)"; switch = "$($adapter.SwitchName)"; vlan = $vlan; vlan_mode = "$($adapter.VlanSetting.OperationMode)" }
    }
}

function Select-Wanted([object] $Request, [object[]] $Adapters) {
    # What is wanted for each adapter, in their order; adapters that share a name are told by it.
    $count = @{}
    foreach ($adapter in $Adapters) {
        $number = [int] $count["$($adapter.Name)"]
        $count["$($adapter.Name)"] = $number + 1
        $own = @($Request.adapters | Where-Object { $null -ne $_ -and $_.adapter -eq "$($adapter.Name)" -and [int] $_.number -eq $number })
        if ($own.Count -gt 0) { @{ switch = $own[0].switch; vlan = $own[0].vlan; keep = [bool] $own[0].keep } }
        else { @{ switch = $Request.switch; vlan = $Request.vlan; keep = $false } }
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
            $wanted = @(Select-Wanted $request $adapters)
            $needed = @($request.switch) + @($request.adapters | ForEach-Object { $_.switch })
            foreach ($name in @($needed | Where-Object { $null -ne $_ } | Select-Object -Unique)) {
                if ($switches -notcontains $name) { throw "Secondsite.SwitchNotFound: This host has no virtual switch '$name'; it has: $($switches -join ', ')." }
                if ($adapters.Count -eq 0) { throw 'Secondsite.AdapterNotFound: It has no network adapter.' }
            }
            for ($index = 0; $index -lt $adapters.Count; $index++) {
                $adapter = $adapters[$index]
                $want = $wanted[$index]
                if ($want.keep) { continue }
                $mode = "$($adapter.VlanSetting.OperationMode)"
                if ($null -eq $want.switch) {
                    if ("$($adapter.SwitchName)" -ne '') {
                        Disconnect-VMNetworkAdapter -VMNetworkAdapter $adapter
                        $result.changed = $true
                    }
                    continue
                }
                # The VLAN first: an adapter must never show up on the switch in a wrong one.
                if ($null -eq $want.vlan) {
                    if ($mode -ne 'Untagged') {
                        Set-VMNetworkAdapterVlan -VMNetworkAdapter $adapter -Untagged
                        $result.changed = $true
                    }
                }
                elseif ($mode -ne 'Access' -or [int] $adapter.VlanSetting.AccessVlanId -ne [int] $want.vlan) {
                    Set-VMNetworkAdapterVlan -VMNetworkAdapter $adapter -Access -VlanId $want.vlan
                    $result.changed = $true
                }
                if ("$($adapter.SwitchName)" -ne $want.switch) {
                    Connect-VMNetworkAdapter -VMNetworkAdapter $adapter -SwitchName $want.switch
                    $result.changed = $true
                }
            }
            $result.evidence.after = $result.evidence.before
            if ($result.changed) { $result.evidence.after = @(Select-Connection @(Get-VMNetworkAdapter -VM $machine)) }
            for ($index = 0; $index -lt $wanted.Count; $index++) {
                $want = $wanted[$index]
                if ($want.keep) { continue }
                $item = @($result.evidence.after)[$index]
                if ($item.switch -ne "$($want.switch)") { throw "Secondsite.NotConfirmed: Its adapter '$($item.name)' is connected to '$($item.switch)' instead of '$($want.switch)'." }
                if ($null -ne $want.switch -and "$($item.vlan)" -ne "$($want.vlan)") { throw "Secondsite.NotConfirmed: Its adapter '$($item.name)' is in VLAN '$($item.vlan)' instead of '$($want.vlan)'." }
            }
            $result.ok = $true
        }
        catch { $result.error = ConvertTo-Failure $_ }
        $result
    }
)
[ordered]@{ results = $results }
