from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

On = Callable[..., Any]


@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("(Get-SCVMMServer -ComputerName localhost).IsConnected", ["True"]),
        ("(Get-SCVirtualMachine -Name a01).Status", ["PowerOff"]),
        ("(Get-SCVirtualMachine | Sort-Object Name).Name", ["a01", "a02", "solo"]),
        ("@(Get-SCVirtualMachine -Name nowhere).Count", ["0"]),
        ("(Get-SCVirtualMachine a01).HostName", ["hv-west"]),
        ("(Get-SCVirtualMachine a01).Cloud.Name", ["silver"]),
        ("(Get-SCVMHost -ComputerName hv-west).Name", ["hv-west"]),
        ("@(Get-SCVMHost | Get-SCVirtualMachine).Count", ["3"]),
        ("(Get-SCCloud).Name", ["silver"]),
        ("(Get-SCVMNetwork).Name", ["net-west"]),
        ("(Get-SCVMNetwork).LogicalNetwork.Name", ["net-west"]),
        ("(Get-SCLogicalNetwork).Name", ["net-west"]),
        ("(Get-SCVMSubnet).SubnetVLans[0].Subnet", ["10.2.0.0/24"]),
        ("(Get-SCStaticIPAddressPool -Name pool).IPAddressRangeStart", ["10.2.0.50"]),
        ("(Get-SCVirtualMachine a01).VirtualNetworkAdapters[0].MACAddress.Length", ["17"]),
        ("(Get-SCVMHostGroup).Name", ["All Hosts"]),
        (
            "$vm = Get-SCVirtualMachine a01; $p = Get-SCStaticIPAddressPool pool; "
            "$null = Grant-SCIPAddress -StaticIPAddressPool $p -GrantToObjectType VirtualMachine "
            "-GrantToObjectID $vm.ID; (Get-SCIPAddress -GrantToObjectID $vm.ID).Address",
            ["10.2.0.50"],
        ),
    ],
)
def test_a_vmm_cmdlet_gives_what_windows_gives(on: On, script: str, output: list[str]) -> None:
    assert on("vmm-west").run(script) == output


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("Get-SCVMMServer -ComputerName vmm-east", r"AccessDenied,.*GetSCVMMServer: .*"),
        ("Get-VM", r"(CommandNotFoundException|LabSubset): .*"),
        ("Get-SCVirtualMachine -Nme x", r"NamedParameterNotFound,.*"),
        (
            "Grant-SCIPAddress -StaticIPAddressPool (Get-SCStaticIPAddressPool pool) "
            "-GrantToObjectType VirtualMachine -IPAddress 10.9.9.9 "
            "-GrantToObjectID 11111111-2222-3333-4444-555555555555",
            r"AddressNotAvailable,.*GrantSCIPAddress: .*",
        ),
    ],
)
def test_what_vmm_refuses_is_refused_with_an_id(on: On, script: str, error: str) -> None:
    lines = on("vmm-west").run(script)

    assert re.match(f"ERROR {error}", "\n".join(lines), re.DOTALL), lines
