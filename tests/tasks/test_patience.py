"""What an unplanned failover waits in vain for the other site is bounded, phase by phase."""

from __future__ import annotations

import pytest

from tasks.patience import Patience


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def wait(patience: Patience, clock: Clock, phase: str, seconds: float) -> None:
    begun = patience.begin()
    clock.now_s += seconds
    patience.end_in_vain(phase, since=begun)


def test_what_was_waited_in_vain_for_one_server_is_gone_for_the_next(clock: Clock) -> None:
    patience = Patience(60, clock=clock)

    wait(patience, clock, "shutdown", 45)
    left_s = patience.left_s("shutdown")
    wait(patience, clock, "shutdown", left_s)

    assert left_s == 15
    assert patience.left_s("shutdown") == 0


def test_each_phase_has_a_budget_of_its_own(clock: Clock) -> None:
    patience = Patience(60, clock=clock)

    wait(patience, clock, "shutdown", 60)

    assert patience.left_s("shutdown") == 0
    assert patience.left_s("start") == 60


def test_servers_that_are_waited_for_at_once_are_counted_once(clock: Clock) -> None:
    patience = Patience(60, clock=clock)
    first = patience.begin()
    clock.now_s += 10
    second = patience.begin()
    clock.now_s += 20

    patience.end_in_vain("shutdown", since=first)
    patience.end_in_vain("shutdown", since=second)

    assert patience.left_s("shutdown") == 30


def test_time_in_which_nobody_waited_costs_nothing(clock: Clock) -> None:
    patience = Patience(60, clock=clock)
    wait(patience, clock, "shutdown", 10)

    clock.now_s += 1000
    wait(patience, clock, "shutdown", 10)

    assert patience.left_s("shutdown") == 40
