"""A server that hands standard input over only when it ends: one process per request."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from secondsite.connectors.winrm import LaneLimits, Script
from secondsite.errors import NotStartedError, UnknownOutcomeError

MakeScript = Callable[..., Script]


@pytest.fixture
def server(lab: Any) -> Any:
    def start(command_line: str, info: Any) -> Any:
        process = lab.process(command_line, info)
        held, write = [b""], process.write_stdin

        def hold(data: bytes, *, end: bool) -> None:
            held[0] += data
            if end:
                write(held[0], end=True)

        process.write_stdin = hold
        return process

    return lab.server(process_factory=start)


@pytest.fixture
def limits(fast: LaneLimits) -> LaneLimits:
    return dataclasses.replace(fast, start_timeout_s=0.3)


def test_a_lane_falls_back_to_one_process_per_request(
    lab: Any, script: MakeScript, server: Any, limits: LaneLimits
) -> None:
    lane = lab.lane(server, limits=limits)

    assert lane.call(script("echo"), {"Value": 7}, timeout_s=5) == 7
    assert lane.call(script("start"), {"Name": "sql02"}, timeout_s=5) == {"started": "sql02"}
    assert lab.started == ["sql02"]
    assert server.shells_count == 0, "no process outlives its request"
    assert lab.actions().count("Create") == 4, "it tries to have a resident one only once"


def test_without_a_resident_process_a_lost_reply_to_send_is_survived(
    lab: Any, script: MakeScript, server: Any, limits: LaneLimits
) -> None:
    lane = lab.lane(server, limits=limits)
    lane.call(script("echo"), {"Value": 7}, timeout_s=5)
    lab.break_("lose-reply", action="Send")

    assert lane.call(script("start"), {"Name": "sql02"}, timeout_s=5) == {"started": "sql02"}
    assert lab.started == ["sql02"]


def test_without_a_resident_process_a_lost_output_is_unknown(
    lab: Any, script: MakeScript, server: Any, limits: LaneLimits
) -> None:
    lane = lab.lane(server, limits=limits)
    lane.call(script("echo"), {"Value": 7}, timeout_s=5)
    lab.break_("lose-output")

    with pytest.raises(UnknownOutcomeError, match="exit code 0"):
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)

    assert lab.started == ["sql02"]


def test_a_powershell_that_never_answers_means_not_started(
    lab: Any, script: MakeScript, limits: LaneLimits
) -> None:
    def start(command_line: str, info: Any) -> Any:
        process = lab.process(command_line, info)
        process.write_stdin = lambda data, *, end: None
        return process

    lane = lab.lane(lab.server(process_factory=start), limits=limits)

    with pytest.raises(NotStartedError, match="does not answer") as caught:
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=1)

    assert "HV-O-01" in str(caught.value)
