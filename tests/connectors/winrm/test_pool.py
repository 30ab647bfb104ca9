"""Lanes of many servers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from secondsite.connectors.winrm import LaneLimits, LanePool, Script
from secondsite.errors import UnknownOutcomeError, UsageError

MakeScript = Callable[..., Script]


def test_lanes_are_made_once_per_host_and_purpose(lab: Any) -> None:
    endpoints = [lab.endpoint(lab.server(name)) for name in ("HV-O-01", "HV-O-02")]
    with LanePool(endpoints) as pool:
        act, watch = pool.lane("HV-O-01"), pool.lane("hv-o-01", "watch")

        assert pool.lane("hv-O-01", "act") is act
        assert watch is not act
        assert pool.lane("HV-O-02") is not act
        assert pool.requests_count == 0, "nothing is opened before it is used"


def test_unknown_hosts_and_too_many_lanes_are_refused(lab: Any) -> None:
    with LanePool([lab.endpoint(lab.server())]) as pool:
        with pytest.raises(UsageError, match="HV-O-01"):
            pool.lane("HV-X-01")
        for purpose in ("act", "watch", "watch-2", "guest"):
            pool.lane("HV-O-01", purpose)
        with pytest.raises(UsageError, match="4 lanes"):
            pool.lane("HV-O-01", "even more")


def test_an_executor_has_one_thread_of_its_own(lab: Any) -> None:
    with LanePool([lab.endpoint(lab.server())]) as pool:
        act, watch = pool.executor("HV-O-01"), pool.executor("HV-O-01", "watch")
        idents = {act.submit(threading.get_ident).result() for _ in range(5)}

        assert len(idents) == 1
        assert watch.submit(threading.get_ident).result() not in idents


def test_closing_removes_every_shell_and_keeps_the_count(lab: Any, script: MakeScript) -> None:
    servers = [lab.server(f"HV-O-{number:02}") for number in range(8)]
    pool = LanePool([lab.endpoint(server) for server in servers])
    for server in servers:
        for purpose in ("act", "watch"):
            lane = pool.lane(server.name, purpose)
            pool.executor(server.name, purpose).submit(
                lane.call, script("echo"), {"Value": 1}, timeout_s=10
            ).result()
    used = pool.requests_count
    assert [server.shells_count for server in servers] == [2] * 8

    pool.close()

    assert [server.shells_count for server in servers] == [0] * 8
    assert pool.requests_count >= used + 16
    with pytest.raises(UsageError, match="closed"):
        pool.lane("HV-O-01")


def test_lanes_of_two_servers_work_at_the_same_time(lab: Any, script: MakeScript) -> None:
    servers = [lab.server(f"HV-O-{number:02}") for number in range(4)]
    with LanePool([lab.endpoint(server) for server in servers]) as pool:
        futures = [
            pool.executor(server.name).submit(
                pool.lane(server.name).call, script("sleep"), {"Seconds": 0.3}, timeout_s=5
            )
            for server in servers
        ]

        assert [future.result() for future in futures] == [1] * 4

    first_done = lab.actions().index("Receive")
    assert lab.actions()[:first_done].count("Create") >= 1


def test_closing_does_not_wait_for_a_look_under_way(lab: Any, script: MakeScript) -> None:
    server = lab.server()
    pool = LanePool([lab.endpoint(server)], limits=LaneLimits(close_timeout_s=60))
    watch = pool.lane("HV-O-01", "watch")
    watch.call(script("echo"), {"Value": 1}, timeout_s=10)
    before = lab.actions().count("Send")
    look = pool.executor("HV-O-01", "watch").submit(
        watch.call, script("sleep"), {"Seconds": 120}, timeout_s=130
    )
    while lab.actions().count("Send") == before or lab.actions()[-1] != "Receive":
        time.sleep(0.01)
    began = time.monotonic()

    pool.close()

    assert time.monotonic() - began < 30  # far from the 60 s that it would have waited
    assert server.shells_count == 0
    with pytest.raises(UnknownOutcomeError):
        look.result(timeout=30)
