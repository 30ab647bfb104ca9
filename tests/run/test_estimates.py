from __future__ import annotations

from datetime import timedelta

import pytest

from secondsite.run.estimates import estimate_durations
from secondsite.run.events import JournalEvent, PlannedStep, RunAttached, StepIntent, StepOutcome
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from tests.run.story import BEGIN, STEPS, created


def past(**lasted_s: float) -> RunRecord:
    """A run in which `preflight` and two independent starts lasted that long."""
    steps = (
        PlannedStep(id="preflight", action="preflight"),
        PlannedStep(id="a/start", action="start"),
        PlannedStep(id="b/start", action="start"),
    )
    events: list[JournalEvent] = [created(steps=steps), RunAttached(at=BEGIN, holder="e")]
    for name, seconds in lasted_s.items():
        step, end = name.replace("_", "/"), BEGIN + timedelta(seconds=seconds)
        events += [StepIntent(at=BEGIN, step=step), StepOutcome(at=end, step=step, state="done")]
    return replay(events)


def test_a_step_takes_as_long_as_it_took_in_the_middle() -> None:
    records = [past(a_start=10.0), past(a_start=90.0), past(a_start=12.0)]

    estimates = estimate_durations(records[0].steps, records)

    assert estimates["a/start"] == pytest.approx(12.0)


def test_a_step_that_never_ran_takes_as_long_as_others_of_its_kind() -> None:
    estimates = estimate_durations(past().steps, [past(a_start=10.0)])

    assert estimates["b/start"] == pytest.approx(10.0)
    assert "preflight" not in estimates


def test_people_and_barriers_are_not_estimated() -> None:
    assert estimate_durations(STEPS, [past(preflight=1.0)]) == {"preflight": 1.0}


def test_without_a_past_there_is_no_estimate() -> None:
    assert estimate_durations(STEPS, []) == {}
