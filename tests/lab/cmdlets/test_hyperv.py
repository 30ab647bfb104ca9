from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

import pytest

from secondsite.lab.cmdlets import host_registry, vm_of
from secondsite.lab.powershell.values import ps_object
from secondsite.lab.world import HyperVHost

On = Callable[..., Any]
COMMANDS = r"Microsoft\.HyperV\.PowerShell\.Commands"


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("Get-VM | Sort-Object Name | ForEach-Object Name", ["a01", "a02", "solo"]),
        ("(Get-VM -Name a0*).Name", ["a01", "a02"]),
        ("(Get-VM a01, solo).Name", ["a01", "solo"]),
        ("(Get-VM -Id (Get-VM solo).Id).Name", ["solo"]),
        ("(Get-VM solo).State", ["Off"]),
        ("(Get-VM solo).State -eq 'off'", ["True"]),
        ("(Get-VM solo).VMName", ["solo"]),
        ("$null -eq (Get-VM solo).Heartbeat", ["True"]),
        ("(Get-VM a01).ReplicationMode", ["Replica"]),
        ("(Get-VMReplication a01).State", ["Replicating"]),
        ("(Get-VMReplication -Name a01).ReplicationState.value__", ["4"]),
        ("(Get-VMReplication a01).PrimaryServer", ["hv-east"]),
        ("@(Get-VMReplication).Count", ["2"]),
        ("@(Get-VMReplication -Mode Primary).Count", ["0"]),
        ("(Get-VM a02 | Get-VMReplication).Health", ["Normal"]),
        ("(Measure-VMReplication -VMName a01).Mode", ["Replica"]),
        ("@(Get-VMSnapshot -VMName a01 -SnapshotType Replica).Count", ["2"]),
        ("@(Get-VM a01 | Get-VMSnapshot).Count", ["4"]),
        ("(Get-VMNetworkAdapter -VMName a01).VlanSetting.OperationMode", ["Untagged"]),
        ("@(Get-VMNetworkAdapter -All).Count", ["2"]),
        ("(Get-VMSwitch).Name", ["vs"]),
        ("(Get-VMSwitch vs).SwitchType", ["External"]),
        ("(Get-VMHost).Name", ["HV-WEST"]),
        ("(Get-VMReplicationServer).ReplicationEnabled", ["True"]),
        ("(Get-CimInstance Win32_ComputerSystem).Name", ["HV-WEST"]),
        ("(Get-VMIntegrationService -VMName solo -Name Heartbeat).Name", ["Heartbeat"]),
        ("Get-VM -Name a01 -ComputerName localhost | ForEach-Object Name", ["a01"]),
        ("Get-VM -Name a01 -ComputerName HV-WEST | ForEach-Object Name", ["a01"]),
        ("Start-VM solo; (Get-VM solo).State", ["Running"]),
        ("Start-VM solo -Passthru | ForEach-Object { $_.State }", ["Running"]),
        ("Start-VM solo; Stop-VM solo -TurnOff; (Get-VM solo).State", ["Off"]),
        ("(Start-VM solo -AsJob).State", ["Running"]),
        ("$j = Start-VM solo -AsJob; Start-Sleep 10; $j.State", ["Completed"]),
        ("(Start-VM a01 -AsJob).State", ["Failed"]),
        ("(Start-VM a01 -AsJob).Error[0].CategoryInfo.Category", ["InvalidOperation"]),
        ("Set-VM solo -Notes 'hello'; (Get-VM solo).Notes", ["hello"]),
        ("Start-VMFailover a01 -AsTest -Confirm:$false; (Get-VM 'a01 - Test').State", ["Off"]),
        (
            "Start-VMFailover a01 -AsTest -Confirm:$false; "
            "(Get-VMReplication a01).TestVirtualMachine.Name",
            ["a01 - Test"],
        ),
        (
            "Get-VMSnapshot a01 | Select-Object -First 1 | Start-VMFailover -Confirm:$false; "
            "(Get-VMReplication a01).State",
            ["FailedOverWaitingCompletion"],
        ),
        (
            "New-VMSwitch -Name t -SwitchType Private | Out-Null; "
            "Connect-VMNetworkAdapter -VMName a01 -SwitchName t; "
            "(Get-VMNetworkAdapter a01).SwitchName",
            ["t"],
        ),
        (
            "Set-VMNetworkAdapterVlan -VMName a01 -Access -VlanId 7; "
            "(Get-VMNetworkAdapterVlan a01).AccessVlanId",
            ["7"],
        ),
        (
            "Set-VMNetworkAdapterFailoverConfiguration a01 -IPv4Address 10.2.0.9 "
            "-IPv4SubnetMask 255.255.255.0 -IPv4PreferredDNSServer 10.2.0.10; "
            "$c = Get-VMNetworkAdapterFailoverConfiguration a01; "
            '"$($c.IPv4Address) $($c.IPv4SubnetMask) $($c.IPv4PreferredDNSServer)"',
            ["10.2.0.9 255.255.255.0 10.2.0.10"],
        ),
    ],
)
def test_a_hyper_v_cmdlet_gives_what_windows_gives(on: On, script: str, output: list[str]) -> None:
    assert on("hv-west").run(script) == output


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("Get-VM nowhere", rf"InvalidParameter,{COMMANDS}\.GetVM: .*unable to find.*nowhere"),
        ("Start-VM a01", rf"InvalidState,{COMMANDS}\.StartVM: .*"),
        ("Stop-VMFailover a01", rf"InvalidState,{COMMANDS}\.StopVMFailover: .*not in a valid"),
        ("Get-VMReplication solo", rf"InvalidState,{COMMANDS}\.GetVMReplication: .*not enabled"),
        ("Get-VM a01 -ComputerName hv-east", rf"AccessDenied,{COMMANDS}\.GetVM: .*permission"),
        ("Get-VM -Bogus", r"NamedParameterNotFound,.*"),
        ("Start-VMFailover a01 -AsTest -Prepare -Confirm:$false", r"AmbiguousParameterSet,.*"),
        ("Start-VMFailover a01 -AsTest", r".*: .*NonInteractive mode.*"),
        ("Complete-VMFailover a01", r".*: .*NonInteractive mode.*"),
        ("Get-VMReplication a01 -State Bogus", r"CannotConvertArgumentNoMessage,.*"),
        ("Get-SCVirtualMachine", r"(CommandNotFoundException|LabSubset): .*"),
        (
            "Set-VMNetworkAdapterFailoverConfiguration a01 -IPv4Address 10.2.0.9",
            rf"InvalidParameter,{COMMANDS}\.SetVMNetworkAdapterFailoverConfiguration: .*together.*",
        ),
        (
            "Set-VMNetworkAdapterFailoverConfiguration a01 -IPv4Address x -IPv4SubnetMask y",
            rf"InvalidParameter,{COMMANDS}\..*: .*not valid.*",
        ),
        ("Set-VMNetworkAdapterVlan a01 -Access", rf"InvalidParameter,{COMMANDS}\..*"),
        ("Get-CimInstance Win32_Fan", r"HRESULT 0x80041010,.*: lab: .*"),
    ],
)
def test_what_windows_refuses_is_refused_with_its_id(on: On, script: str, error: str) -> None:
    lines = on("hv-west").run(script)

    assert re.match(f"ERROR {error}", "\n".join(lines), re.DOTALL), lines


def test_one_bad_name_does_not_stop_the_others(on: On) -> None:
    script = "(Get-VM a01, nowhere, solo -ErrorAction SilentlyContinue).Name"

    assert on("hv-west").run(script) == ["a01", "solo"]


def test_dates_are_local_so_that_forgetting_to_convert_them_shows(on: On) -> None:
    console = on("hv-west", zone=timezone(timedelta(hours=9)))

    assert console.run("(Get-VMReplication a01).LastReplicationTime.Kind") == ["Local"]
    assert console.run("(Get-VMReplication a01).LastReplicationTime.ToString('o')") == [
        "2026-03-01T12:00:00.0000000+09:00"
    ]
    assert console.run(
        "(Get-VMReplication a01).LastReplicationTime.ToUniversalTime().ToString('o')"
    ) == ["2026-03-01T03:00:00.0000000Z"]


def test_an_address_keeps_what_a_later_call_does_not_name(on: On, west: HyperVHost) -> None:
    on("hv-west").run(
        "Set-VMNetworkAdapterFailoverConfiguration a01 -IPv4Address 10.2.0.9 "
        "-IPv4SubnetMask 255.255.255.0 -IPv4DefaultGateway 10.2.0.1; "
        "Set-VMNetworkAdapterFailoverConfiguration a01 -IPv6Address 2001:db8::9 "
        "-IPv6SubnetPrefixLength 64 -IPv6AlternateDNSServer 2001:db8::a"
    )

    setting = west.get_vm("a01")[0].adapters[0].failover
    assert str(setting.ipv4) == "10.2.0.9/24"
    assert str(setting.ipv4_gateway) == "10.2.0.1"
    assert str(setting.ipv6) == "2001:db8::9/64"
    assert [str(server) for server in setting.ipv6_dns] == ["2001:db8::a"]


def test_waiting_for_a_heartbeat_waits_for_it(on: On, west: HyperVHost) -> None:
    console = on("hv-west")

    console.run("Start-VM solo; Restart-VM solo -Wait -For Heartbeat -Confirm:$false")

    assert west.get_vm("solo")[0].heartbeat.is_ok


def test_each_simulated_cmdlet_is_one_that_windows_documents() -> None:
    for kind in ("hyper-v", "vmm"):
        for registration in host_registry(kind):
            assert registration.facts.source, registration.name


@pytest.mark.parametrize(
    ("parameters", "vm"),
    [
        ({"Name": ["a", "b"]}, "a, b"),
        ({"VMName": "a"}, "a"),
        ({"VM": [ps_object("X.VirtualMachine", Name="a")]}, "a"),
        ({"VMNetworkAdapter": ps_object("X.Adapter", Name="LAN", VMName="a")}, "a"),
        ({"VMName": "a", "Name": "LAN"}, "a"),
        ({}, ""),
    ],
)
def test_the_log_names_the_machine_of_a_call(parameters: dict[str, object], vm: str) -> None:
    assert vm_of(parameters) == vm
