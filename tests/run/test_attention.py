from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from secondsite.run.attention import (
    CANCELLED,
    INTERRUPTED,
    RESUMED,
    is_left,
    may_resume_by_itself,
    noted_since_engine,
)
from secondsite.run.events import (
    Asked,
    JournalEvent,
    Noted,
    RunAttached,
    RunEnded,
    StepIntent,
    StepOutcome,
)
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from tests.run.story import BEGIN, Clock, created

RUN = "shop-test-20261120-134005-ab12"
ATTACHED = RunAttached(at=BEGIN, holder="engine:1")
STARTED = StepIntent(at=BEGIN, step="preflight")
AT_A_GATE = (
    ATTACHED,
    STARTED,
    StepOutcome(at=BEGIN, step="preflight", state="done"),
    Asked(at=BEGIN, step="db/before/storage", title="Storage released"),
)


def note(key: str) -> Noted:
    return Noted(at=BEGIN, text=key, details={key: True})


def record(*events: JournalEvent) -> RunRecord:
    return replay([created(), *events])


def is_left_after(seconds: float, *events: JournalEvent) -> bool:
    now = BEGIN + timedelta(seconds=seconds)
    return is_left(record(*events), let_go_at=BEGIN, now=now)


def test_a_run_that_nobody_carries_is_left_unless_it_waits_for_people() -> None:
    assert is_left_after(61, ATTACHED, STARTED)
    assert not is_left_after(61, *AT_A_GATE)
    assert not is_left_after(61, ATTACHED, RunEnded(at=BEGIN, state="failed"))


def test_an_answer_at_a_gate_may_take_its_time_to_be_carried_out() -> None:
    assert not is_left_after(20, ATTACHED, STARTED)


@pytest.mark.parametrize("key", [CANCELLED, INTERRUPTED])
def test_a_run_that_was_told_to_stop_is_left_at_once_also_at_a_gate(key: str) -> None:
    assert is_left_after(0, ATTACHED, STARTED, note(key))
    assert is_left_after(0, *AT_A_GATE, note(key))


def test_what_was_noted_is_past_when_an_engine_takes_the_run_up() -> None:
    later = BEGIN + timedelta(seconds=5)
    again = RunAttached(at=later, holder="engine:2")

    assert noted_since_engine(record(ATTACHED, note(CANCELLED)), CANCELLED)
    assert not noted_since_engine(record(ATTACHED, note(CANCELLED), again), CANCELLED)


@pytest.mark.parametrize(
    ("events", "may"),
    [
        ([ATTACHED], True),
        ([ATTACHED, *[note(RESUMED)] * 2], True),
        ([ATTACHED, *[note(RESUMED)] * 3], False),
        ([ATTACHED, note(CANCELLED)], False),
    ],
)
def test_a_run_is_resumed_by_itself_three_times_at_most_and_never_against_a_cancel(
    events: Sequence[JournalEvent], may: bool
) -> None:
    assert may_resume_by_itself(record(*events), is_wanted=True) is may
    assert not may_resume_by_itself(record(*events), is_wanted=False)


def test_the_list_of_runs_shows_who_was_left_and_who_was_cancelled(
    journal: Journal, clock: Clock
) -> None:
    journal.append(RUN, created(RUN), ATTACHED, STARTED)
    journal.claim(RUN, plan="shop", vms=["sql01"], holder="engine:1")
    journal.detach(RUN, holder="engine:1")
    just_now = journal.runs()[0]
    clock.forward(61)
    later = journal.runs()[0]
    journal.append(RUN, note(CANCELLED))
    cancelled = journal.runs()[0]

    assert (just_now.is_interrupted, just_now.is_cancelled) == (False, False)
    assert (later.is_interrupted, later.is_cancelled) == (True, False)
    assert (cancelled.is_interrupted, cancelled.is_cancelled) == (True, True)
