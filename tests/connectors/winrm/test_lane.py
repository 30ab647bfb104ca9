"""A lane over the real wire, with nothing going wrong."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from secondsite.connectors.winrm import LaneLimits, Script
from secondsite.errors import NotStartedError, UsageError

MakeScript = Callable[..., Script]


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_a_call_brings_the_scripts_answer(lab: Any, script: MakeScript, transport: str) -> None:
    lane = lab.lane(lab.server(), transport=transport)

    answer = lane.call(script("echo"), {"Value": {"a": [1, None, "ü€😀"]}}, timeout_s=5)

    assert answer == {"a": [1, None, "ü€😀"]}


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_a_warm_call_costs_two_requests(lab: Any, script: MakeScript, transport: str) -> None:
    lane = lab.lane(lab.server(), transport=transport)
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    warm_count = lane.requests_count

    for value in range(5):
        lane.call(script("echo"), {"Value": value}, timeout_s=5)

    assert lane.requests_count - warm_count == 10


def test_300_kb_pass_unharmed_both_ways(lab: Any, script: MakeScript) -> None:
    lane = lab.lane(lab.server())
    value = "Zürich-東京-" * 25_000

    answer = lane.call(script("echo"), {"Value": value}, timeout_s=10)

    assert answer == value
    assert lab.actions().count("Send") > 3, "it must have been cut into several messages"


def test_a_scripts_text_is_sent_once(lab: Any) -> None:
    lane = lab.lane(lab.server())
    long = Script.from_text("echo.ps1", "# echo\nparam($Value)\n,$Value\n" + "# padding\n" * 30_000)
    lane.call(long, {"Value": 1}, timeout_s=5)
    sends_count = lab.actions().count("Send")

    lane.call(long, {"Value": 2}, timeout_s=5)

    assert lab.actions().count("Send") == sends_count + 1


def test_warnings_come_beside_the_output(lab: Any, script: MakeScript) -> None:
    lane = lab.lane(lab.server())

    run = lane.run(script("warn"), {"Value": "the disk is nearly full"}, timeout_s=5)

    assert list(run.warnings) == ["the disk is nearly full"]
    assert lane.call(script("warn"), {"Value": "again"}, timeout_s=5) is None


def test_a_lane_outlives_an_operation_timeout_of_the_server(lab: Any, script: MakeScript) -> None:
    lane = lab.lane(lab.server())

    assert lane.call(script("sleep"), {"Seconds": 1.3}, timeout_s=5) == 1
    assert lab.actions().count("Receive") > 2


def test_a_closed_lane_leaves_no_shell(lab: Any, script: MakeScript) -> None:
    server = lab.server()
    lane = lab.lane(server)
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    assert server.shells_count == 1

    lane.close()

    assert server.shells_count == 0
    with pytest.raises(NotStartedError, match="closed"):
        lane.call(script("echo"), {"Value": 0}, timeout_s=5)


def test_closing_ends_a_call_that_does_not_end(lab: Any, script: MakeScript) -> None:
    server = lab.server()
    lane = lab.lane(server)
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    ended: list[Exception] = []

    def call() -> None:
        try:
            lane.call(script("sleep"), {"Seconds": 60}, timeout_s=60)
        except Exception as exc:
            ended.append(exc)

    thread = threading.Thread(target=call)
    sends_count = lab.actions().count("Send")
    thread.start()
    while lab.actions().count("Send") == sends_count:
        time.sleep(0.01)
    lane.close()
    thread.join(5)

    assert type(ended[0]).__name__ == "UnknownOutcomeError"
    assert server.shells_count == 0


def test_a_lane_gets_a_fresh_powershell_after_enough_requests(
    lab: Any, script: MakeScript, fast: LaneLimits
) -> None:
    server = lab.server()
    lane = lab.lane(server, limits=dataclasses.replace(fast, recycle_requests=3))

    for value in range(7):
        assert lane.call(script("echo"), {"Value": value}, timeout_s=5) == value

    assert lab.actions().count("Create") == 3
    assert server.shells_count == 1


def test_a_script_of_its_own_process_may_exit(lab: Any, script: MakeScript) -> None:
    server = lab.server()
    lane = lab.lane(server)
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)

    run = lane.run(script("exit", own_process=True), {"Code": 0}, timeout_s=5)

    assert run.exit_code == 0
    assert lane.call(script("echo", own_process=True), {"Value": 5}, timeout_s=5) == 5
    assert lane.call(script("echo"), {"Value": 1}, timeout_s=5) == 1
    assert server.shells_count == 1, "only the resident one is left"
    assert lab.actions().count("Create") == 3


def test_parameters_that_are_not_json_are_refused_before_anything_is_sent(
    lab: Any, script: MakeScript
) -> None:
    lane = lab.lane(lab.server())
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    sends_count = lab.actions().count("Send")

    with pytest.raises(UsageError, match=r"echo\.ps1"):
        lane.call(script("echo"), {"Value": object()}, timeout_s=5)
    with pytest.raises(UsageError, match="bytes"):
        lane.call(script("echo"), {"Value": "x" * 2_000_000}, timeout_s=5)

    assert lab.actions().count("Send") == sends_count


def test_values_never_reach_the_command_line(lab: Any, script: MakeScript) -> None:
    lines: list[str] = []

    def remember(command_line: str, info: Any) -> Any:
        lines.append(command_line)
        return lab.process(command_line, info)

    lane = lab.lane(lab.server(process_factory=remember))
    lane.call(script("echo"), {"Value": "a"}, timeout_s=5)
    lab.lane(lab.servers[0]).call(script("echo"), {"Value": "b"}, timeout_s=5)

    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert len(lines[0]) < 8191
