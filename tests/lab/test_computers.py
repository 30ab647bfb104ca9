from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secondsite.lab.computers import CmdletGate, PowerShellTiming
from secondsite.lab.estate import LabEstate
from secondsite.lab.events import EventLog
from secondsite.lab.faults import Fault, FaultKind, Faults
from secondsite.lab.powershell.clock import RealClock
from secondsite.lab.powershell.registry import CmdletError
from secondsite.lab.powershell.values import PsEnum, ps_object
from secondsite.lab.world import LabClock


class _Desk:
    """A gate with its log and faults."""

    def __init__(self, folder: Path) -> None:
        self.faults = Faults()
        self.events = EventLog(folder / "log.jsonl")
        self.gate = CmdletGate(
            host="hv-1", shell_id="1", events=self.events, faults=self.faults, clock=RealClock()
        )

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.events.read()[0].splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[_Desk]:
    found = _Desk(tmp_path)
    yield found
    found.events.close()


def test_a_call_is_logged_before_it_runs_with_its_machine(desk: _Desk) -> None:
    vm = ps_object("Microsoft.HyperV.PowerShell.VirtualMachine", Name="sql01")
    state = PsEnum("Microsoft.HyperV.PowerShell.VMState", "Off", 3)

    desk.gate("Start-VM", {"VM": [vm], "Wanted": state, "AsJob": True})

    (event,) = desk.logged()
    assert (event["kind"], event["host"], event["cmdlet"]) == ("request", "hv-1", "Start-VM")
    assert event["vm"] == "sql01"
    assert event["detail"] == {"VM": ["sql01"], "Wanted": "Off", "AsJob": True}


def test_secrets_never_reach_the_log(desk: _Desk) -> None:
    desk.gate("New-Thing", {"Password": "hunter2", "Credential": "hunter2", "Name": "x"})

    assert "hunter2" not in json.dumps(desk.logged())


def test_a_cmdlet_can_be_made_to_fail_for_one_machine(desk: _Desk) -> None:
    desk.faults.add(
        Fault(kind=FaultKind.CMDLET_FAILS, cmdlet="Start-VM", vm="sql02", text="The disk is gone.")
    )

    desk.gate("Start-VM", {"Name": "sql01"})
    with pytest.raises(CmdletError) as caught:
        desk.gate("Start-VM", {"Name": "sql02"})

    assert caught.value.record.message == "The disk is gone."
    assert caught.value.record.fully_qualified_id == (
        "OperationFailed,Microsoft.HyperV.PowerShell.Commands.StartVM"
    )
    assert len(desk.logged()) == 2


@pytest.mark.parametrize("selected", ["sql02", "sql02 - Test"])
def test_a_fault_finds_its_machine_among_many_and_by_its_replica(
    desk: _Desk, selected: str
) -> None:
    desk.faults.add(Fault(kind=FaultKind.CMDLET_FAILS, vm=selected))

    with pytest.raises(CmdletError):
        desk.gate("Start-VM", {"Name": ["sql01 - Test", "sql02 - Test"]})


def test_a_hung_cmdlet_ends_when_its_process_is_killed(desk: _Desk) -> None:
    desk.faults.add(Fault(kind=FaultKind.HUNG_CMDLET, cmdlet="Get-VM"))
    thread = threading.Thread(target=desk.gate, args=("Get-VM", {}))
    thread.start()

    hangs = thread.is_alive()
    desk.gate.interrupt.set()
    thread.join(timeout=2)

    assert hangs
    assert not thread.is_alive()


def test_a_slow_cmdlet_takes_real_seconds(desk: _Desk) -> None:
    desk.faults.add(Fault(kind=FaultKind.SLOW_CMDLET, seconds=0.03))

    begun = time.monotonic()
    desk.gate("Get-VM", {})

    assert time.monotonic() - begun >= 0.03


def test_powershells_own_times_are_scaled_and_a_fault_adds_to_imports() -> None:
    estate = LabEstate.model_validate(
        {
            "name": "small",
            "credentials": {},
            "sites": {"tokyo": {"vmm": {"name": "v"}, "credential": "c", "hosts": [{"name": "h"}]}},
            "powershell": {"process_start": "2s", "module_import": {"Hyper-V": "3s"}},
        }
    )
    faults = Faults()
    timing = PowerShellTiming(estate, LabClock(scale=0.1), faults, "h")

    usual = timing.module_import_s["Hyper-V"]
    faults.add(Fault(kind=FaultKind.SLOW_MODULE_IMPORT, host="h", seconds=5))

    assert timing.process_start_s == pytest.approx(0.2)
    assert usual == pytest.approx(0.3)
    assert timing.module_import_s["Hyper-V"] == pytest.approx(5.3)
