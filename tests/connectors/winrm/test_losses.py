"""Replies, connections and processes that are lost: nothing is done twice, nothing is guessed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest

from secondsite.connectors.winrm import LaneLimits, Script
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    NotStartedError,
    SiteError,
    UnknownOutcomeError,
)

MakeScript = Callable[..., Script]

SURVIVED = [
    # the request is lost on its way
    {"kind": "reset-before", "action": "Send"},
    {"kind": "stall", "action": "Send"},
    {"kind": "http-status", "status": 503, "action": "Send"},
    {"kind": "http-status", "status": 400, "action": "Send"},
    {"kind": "wsman-fault", "code": 2150859174, "action": "Send"},
    {"kind": "wsman-fault", "code": 995, "action": "Send"},
    {"kind": "drop-shell", "action": "Send"},
    {"kind": "kill-process", "action": "Send"},
    # it is carried out, and the answer is lost
    {"kind": "lose-reply", "action": "Send"},
    {"kind": "stall-after", "action": "Send"},
    {"kind": "half-body", "action": "Send"},
    {"kind": "wsman-fault-after", "code": 2150858793, "action": "Send"},
    {"kind": "wsman-fault-after", "code": 1460, "action": "Send"},
    {"kind": "lose-reply", "action": "Receive"},
    {"kind": "lose-reply", "cmdlet": "Start-VM", "vm": "sql02"},
    {"kind": "stall-after", "action": "Receive"},
    {"kind": "half-body", "action": "Receive"},
    {"kind": "reset-before", "action": "Receive"},
    {"kind": "http-status", "status": 500, "action": "Receive"},
    {"kind": "wsman-fault-after", "code": 995, "action": "Receive"},
    {"kind": "slow-reply", "action": "Receive", "seconds": 0.2},
    # the bytes are spoilt
    {"kind": "duplicate-input", "action": "Send"},
    {"kind": "lose-output"},
    {"kind": "truncate-output"},
    {"kind": "duplicate-output"},
    {"kind": "noise", "text": "WARNING: <<BEGIN 12 is not a frame>>"},
    # twice in a row
    {"kind": "lose-reply", "action": "Send", "times": 2},
    {"kind": "lose-reply", "action": "Receive", "times": 2},
]


def _name(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
@pytest.mark.parametrize("fault", SURVIVED, ids=_name)
def test_a_loss_is_survived_and_the_script_runs_exactly_once(
    lab: Any, script: MakeScript, transport: str, fault: dict[str, Any]
) -> None:
    lane = lab.lane(lab.server(), transport=transport)
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    lab.break_(**fault)

    answer = lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)

    assert answer == {"started": "sql02"}
    assert lab.started == ["sql02"]
    assert set(lab.injected()) == {fault["kind"]}, "the fault must have been met"
    assert lane.call(script("echo"), {"Value": 7}, timeout_s=5) == 7


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_long_request_cut_anywhere_runs_exactly_once(
    lab: Any, script: MakeScript, nth: int
) -> None:
    lane = lab.lane(lab.server())
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    lab.break_("lose-reply", action="Send", nth=nth)

    lane.call(script("start"), {"Name": "sql02", "More": "x" * 150_000}, timeout_s=5)

    assert lab.started == ["sql02"]


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_an_idle_connection_closed_by_the_server_is_survived(
    lab: Any, script: MakeScript, transport: str
) -> None:
    server = lab.server()
    lane = lab.lane(server, transport=transport)
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    refusing = lab.break_("host-refuses", host=server.name)
    lab.mend(refusing)

    lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)

    assert lab.started == ["sql02"]
    assert lab.actions().count("Create") == 1, "the shell outlived the connection"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "kill-process-after"},
        {"kind": "drop-shell", "action": "Receive"},
    ],
    ids=_name,
)
def test_a_process_that_dies_with_its_answer_leaves_the_outcome_unknown(
    lab: Any, script: MakeScript, fault: dict[str, Any]
) -> None:
    lane = lab.lane(lab.server())
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    lab.break_(**fault)

    with pytest.raises(UnknownOutcomeError) as caught:
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)

    assert len(lab.started) <= 1, "it was not repeated"
    assert "HV-O-01" in str(caught.value)
    assert "start.ps1" in str(caught.value)
    assert "Read the state" in caught.value.next_step
    assert lane.call(script("echo"), {"Value": 7}, timeout_s=5) == 7


def test_a_host_that_vanishes_after_the_request_leaves_it_unknown(
    lab: Any, script: MakeScript, fast: LaneLimits
) -> None:
    server = lab.server()
    lane = lab.lane(server, limits=dataclasses.replace(fast, settle_s=0.3))
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    lab.break_("lose-reply", action="Send")
    lab.faults.log = lambda _: lab.break_silently("host-silent")

    with pytest.raises(UnknownOutcomeError):
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)

    assert lab.started == ["sql02"]


def test_an_account_refused_while_an_outcome_is_settled_is_not_tried_again(
    lab: Any, script: MakeScript
) -> None:
    server = lab.server()
    lane = lab.lane(server, transport="ntlm")
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    server.set_password("CORP\\svc-recovery", "another horse")
    lab.break_("lose-reply", action="Send")

    with pytest.raises(UnknownOutcomeError, match="401"):
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)
    with pytest.raises(AccessDeniedError):
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)
    lane.close()

    assert lab.started == ["sql02"]
    assert len([entry for entry in lab.entries if "401" in entry.get("error", "")]) == 1


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("Send", ActionFailedError),
        # the mark that the script was started was lost as well: killed, or ended by itself?
        ("Receive", UnknownOutcomeError),
    ],
)
def test_the_exit_code_of_a_process_that_has_ended_is_learnt_after_a_loss(
    lab: Any, script: MakeScript, action: str, expected: type[SiteError]
) -> None:
    lane = lab.lane(lab.server())
    lab.break_("lose-reply", action=action)

    with pytest.raises(expected, match="exit code 3"):
        lane.call(script("exit", own_process=True), {"Code": 3}, timeout_s=5)


def test_a_script_that_does_not_end_is_ended_at_the_deadline(lab: Any, script: MakeScript) -> None:
    server = lab.server()
    lane = lab.lane(server)
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    begun = time.monotonic()

    with pytest.raises(UnknownOutcomeError, match="time allowed"):
        lane.call(script("sleep"), {"Seconds": 30}, timeout_s=0.7)

    assert time.monotonic() - begun < 1.5
    assert server.shells_count == 0, "the stuck PowerShell is gone"
    assert lane.call(script("echo"), {"Value": 7}, timeout_s=5) == 7


def test_input_damaged_every_time_is_given_up_without_guessing(
    lab: Any, script: MakeScript
) -> None:
    lane = lab.lane(lab.server())
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    lab.break_("truncate-output", times=1000)

    with pytest.raises(SiteError) as caught:
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=1.5)

    assert isinstance(caught.value, UnknownOutcomeError)
    assert lab.started == ["sql02"]


@pytest.mark.parametrize("action", ["Create", "Command"])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lose-reply"},
        {"kind": "reset-before"},
        {"kind": "wsman-fault", "code": 2150859173},
        {"kind": "http-status", "status": 503},
        {"kind": "stall"},
    ],
    ids=_name,
)
def test_a_shell_that_did_not_come_about_is_tried_again(
    lab: Any, script: MakeScript, action: str, fault: dict[str, Any]
) -> None:
    server = lab.server()
    lane = lab.lane(server)
    lab.break_(**fault, action=action)

    assert lane.call(script("echo"), {"Value": 7}, timeout_s=5) == 7
    is_lost = fault["kind"] == "lose-reply" and action == "Create"
    assert server.shells_count == (2 if is_lost else 1), "only a shell never heard of may be left"


def test_a_server_without_a_free_shell_means_not_started(lab: Any, script: MakeScript) -> None:
    lane = lab.lane(lab.server())
    lab.break_("wsman-fault", code=2150859173, action="Create", times=1000)

    with pytest.raises(NotStartedError, match="nothing was changed") as caught:
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)

    assert "quota" in caught.value.next_step
    assert lab.actions().count("Create") == 3, "with pauses, and not for ever"
