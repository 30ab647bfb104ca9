"""Scripts of a plan inside a VM: PowerShell Direct on a host of the lab, only the wire left out."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from secondsite.connectors.base import TestFailoverRequest
from secondsite.connectors.hyperv import HyperVHost
from secondsite.connectors.planscripts import Guest
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    NotFoundError,
    NotReadyError,
    SiteError,
    UnknownOutcomeError,
    WrongStateError,
)
from secondsite.lab.builder import build_world
from secondsite.lab.estate import LabEstate
from secondsite.lab.world import HyperVHost as WorldHost
from secondsite.lab.world import LabClock, VirtualMachine, World
from tests.connectors.conftest import DirectLane, Hours

LIMIT_S = 600.0
PASSWORD = 'p\'ss "wört" $x; 1'
NOTE = "C:\\drained.txt"


@pytest.fixture
def world(small_estate: dict[str, Any], hours: Hours, log: list[dict[str, Any]]) -> World:
    estate = copy.deepcopy(small_estate)
    estate["credentials"]["inside"] = {"username": "admin"}
    estate["defaults"]["guest"]["credential"] = "inside"
    estate["vms"][1]["guest"] = {"credential": "inside", "system": "Linux"}
    world = build_world(
        LabEstate.model_validate(estate), clock=LabClock(now=hours.now), record=log.append
    )
    world.may_log_on = lambda credential, user, password: (
        (credential, user, password) == ("inside", "admin", PASSWORD)
    )
    return world


def inside(vm: VirtualMachine, password: str = PASSWORD) -> Guest:
    return Guest(vm=vm.name, vm_id=vm.id, username="admin", password=SecretStr(password))


def run(host: HyperVHost, guest: Guest, text: str, **given: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"arguments": {}, "context": {}, "timeout_s": LIMIT_S, **given}
    return dict(host.run_guest_script(text, guest=guest, **facts).evidence)


def test_a_script_runs_inside_that_vm_with_its_arguments_and_context(
    primary_host: HyperVHost, tokyo: WorldHost, osaka: WorldHost
) -> None:
    vm = tokyo.require("sql01")
    text = (
        "param([string] $Word, [object] $RecoveryPlanContext)\n"
        f"Set-Content -Path '{NOTE}' -Value $Word\n"
        "Write-Warning 'careful'\nWrite-Error 'not grave'\n"
        '"$env:COMPUTERNAME in $($RecoveryPlanContext.RecoveryPlanName): $(Get-Content '
        f"'{NOTE}')\""
    )

    found = run(
        primary_host,
        inside(vm),
        text,
        arguments={"Word": "ü 'x' $y"},
        context={"RecoveryPlanName": "shop"},
    )

    assert found["output"] == ["SQL01 in shop: ü 'x' $y"]
    assert (found["warnings"], found["errors"]) == (["careful"], ["not grave"])
    assert (found["guest"], found["running_vm"], found["truncated"]) == ("SQL01", "sql01", False)
    assert vm.guest.files == {NOTE: "ü 'x' $y\r\n"}
    assert osaka.require("sql01").guest.files == {}


def test_it_runs_in_the_test_vm_and_not_in_its_twin(
    replica_host: HyperVHost, tokyo: WorldHost, osaka: WorldHost, hours: Hours
) -> None:
    request = TestFailoverRequest(vm="sql01")
    assert not isinstance(
        replica_host.start_test_failovers([request], timeout_s=LIMIT_S)["sql01"], SiteError
    )
    test_vm = osaka.require("sql01 - Test")
    replica_host.start_vms([test_vm.name], timeout_s=LIMIT_S)
    hours.pass_by(60)

    found = run(replica_host, inside(test_vm), f"Add-Content -Path '{NOTE}' -Value 'here'")

    assert found["running_vm"] == "sql01 - Test"
    assert test_vm.guest.files == {NOTE: "here\r\n"}
    assert tokyo.require("sql01").guest.files == {}
    assert osaka.require("sql01").guest.files == {}


def test_a_guest_that_is_still_booting_is_waited_for(
    primary_host: HyperVHost, tokyo: WorldHost, hours: Hours
) -> None:
    vm = tokyo.require("sql01")
    primary_host.stop_vms([vm.name], turn_off=True, timeout_s=LIMIT_S)
    primary_host.start_vms([vm.name], timeout_s=LIMIT_S)
    before_s = hours.slept_s

    assert run(primary_host, inside(vm), "'up'")["output"] == ["up"]

    assert 30 <= hours.slept_s - before_s <= 50


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("throw 'no way'", ActionFailedError, "threw on sql01 (inside, on hv-tokyo-1): no way"),
        ("'a'; exit 0", UnknownOutcomeError, "sql01 on hv-tokyo-1 the script called `exit`"),
    ],
)
def test_a_script_that_fails_or_exits_is_told_with_the_vm_and_what_to_do(
    text: str, error: type[SiteError], words: str, primary_host: HyperVHost, tokyo: WorldHost
) -> None:
    with pytest.raises(error, match=re.escape(words)) as caught:
        run(primary_host, inside(tokyo.require("sql01")), text)

    assert type(caught.value) is error
    assert caught.value.evidence["guest"] == "SQL01"
    assert (caught.value.host, caught.value.vm) == ("hv-tokyo-1", "sql01")
    assert caught.value.next_step


def off(host: WorldHost, _guest: VirtualMachine) -> Guest:
    vm = host.require("sql01")
    host.stop_vm(vm.id, turn_off=True)
    return inside(vm)


def wrong_password(host: WorldHost, _guest: VirtualMachine) -> Guest:
    return inside(host.require("sql01"), "wrong")


def no_windows(host: WorldHost, _guest: VirtualMachine) -> Guest:
    return inside(host.require("sql02"))


def elsewhere(_host: WorldHost, _guest: VirtualMachine) -> Guest:
    return Guest(vm="sql01", vm_id="0" * 8, username="admin", password=SecretStr(PASSWORD))


@pytest.mark.parametrize(
    ("prepare", "error", "words"),
    [
        (off, WrongStateError, "sql01 on hv-tokyo-1 does not run"),
        (wrong_password, AccessDeniedError, "refused the account 'admin': The credential is inv"),
        (no_windows, NotReadyError, "gives no PowerShell session"),
    ],
)
def test_what_keeps_us_out_is_told_by_its_class_and_nothing_ran(
    prepare: Callable[[WorldHost, VirtualMachine], Guest],
    error: type[SiteError],
    words: str,
    tokyo: WorldHost,
    lane_to: Callable[[str], DirectLane],
) -> None:
    guest = prepare(tokyo, tokyo.require("sql01"))
    lane = lane_to("hv-tokyo-1")

    with pytest.raises(error) as caught:
        run(HyperVHost(name="hv-tokyo-1", lane=lane), guest, f"Set-Content '{NOTE}' 'x'")

    assert type(caught.value) is error
    assert words in str(caught.value)
    assert "Nothing ran inside." in str(caught.value)
    assert not any(vm.guest.files for vm in tokyo.vms.values())
    asked = [name for name, _ in lane.cmdlets].count("Invoke-Command")
    # Silence is waited out; a wrong password is tried once, for it locks accounts.
    assert asked > 10 if error is NotReadyError else asked == 1


def test_a_vm_that_the_host_does_not_have_is_not_found(
    primary_host: HyperVHost, osaka: WorldHost
) -> None:
    with pytest.raises(NotFoundError, match="hv-tokyo-1 has no VM local01"):
        run(primary_host, inside(osaka.require("local01")), "1")


def test_a_vm_that_goes_down_under_the_script_leaves_its_outcome_unknown(
    primary_host: HyperVHost, tokyo: WorldHost, world: World, log: list[dict[str, Any]]
) -> None:
    vm = tokyo.require("sql01")
    note = world._record

    def cut(change: dict[str, Any]) -> None:
        note(change)
        if change["detail"].get("event") == "file written":
            tokyo.power_off(vm)

    world._record = cut
    text = f"Set-Content -Path '{NOTE}' -Value 1\nSet-Content -Path 'C:\\two.txt' -Value 2"

    with pytest.raises(UnknownOutcomeError, match="the session ended before it answered"):
        run(primary_host, inside(vm), text)

    assert list(vm.guest.files) == [NOTE]


def test_the_password_is_in_no_evidence_error_or_log(
    primary_host: HyperVHost,
    tokyo: WorldHost,
    lane_to: Callable[[str], DirectLane],
    log: list[dict[str, Any]],
) -> None:
    vm = tokyo.require("sql01")
    told: list[object] = [repr(inside(vm)), run(primary_host, inside(vm), "$Error; 'fine'")]
    for password, text in ((PASSWORD, "throw $Password"), ("hunter2!", "1")):
        with pytest.raises(SiteError) as caught:
            run(primary_host, inside(vm, password), text)
        told += [str(caught.value), caught.value.next_step, caught.value.evidence]

    written = json.dumps([*told, log], default=repr)

    assert "hunter2!" not in written
    assert json.dumps(PASSWORD)[1:-1] not in written
    assert PASSWORD not in written
