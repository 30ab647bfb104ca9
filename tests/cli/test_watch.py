"""What `secondsite watch` does at one look, without Prefect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secondsite.cli.watch import claim_taking_up, look_after
from secondsite.errors import UnreachableError
from secondsite.run.attention import CANCELLED, INTERRUPTED, RESUMED
from secondsite.run.events import (
    Asked,
    Noted,
    Reminded,
    RunAttached,
    StepIntent,
    StepOutcome,
)
from secondsite.run.journal import Journal
from secondsite.run.leases import LEASE_S
from tests.run.story import Clock, created

ONE, TWO = "shop-test-1-aaaa", "payroll-test-1-bbbb"


@pytest.fixture
def clock() -> Clock:
    return Clock(now=datetime.now(UTC) - timedelta(minutes=5))


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Iterator[Journal]:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", now=clock) as opened:
        yield opened


def carried(journal: Journal, run_id: str, clock: Clock) -> None:
    """A run in the hands of an engine on another machine: only its heartbeat tells of it."""
    plan = run_id.partition("-")[0]
    attached = RunAttached(at=clock.now, holder="elsewhere:1")
    journal.append(run_id, created(run_id, at=clock.now, plan=plan), attached)
    journal.claim(run_id, plan=plan, vms=[f"{plan}01"], holder="elsewhere:1")


def notes(journal: Journal, run_id: str) -> list[Noted]:
    return [entry.event for entry in journal.read(run_id) if isinstance(entry.event, Noted)]


def test_a_run_whose_heart_stopped_is_noted_once_within_a_minute(
    journal: Journal, clock: Clock
) -> None:
    carried(journal, ONE, clock)
    clock.forward(LEASE_S - 1)
    look_after(journal, resumes=False)
    before = notes(journal, ONE)
    clock.forward(2)

    look_after(journal, resumes=False)
    look_after(journal, resumes=False)

    assert before == []
    [noted] = notes(journal, ONE)
    assert noted.details == {INTERRUPTED: "elsewhere:1"}
    assert f"secondsite resume {ONE}" in noted.text
    assert LEASE_S < 55, "a look every 5 s comes too late"


def test_a_run_that_beats_is_left_alone(journal: Journal, clock: Clock) -> None:
    carried(journal, ONE, clock)

    for _ in range(4):
        clock.forward(LEASE_S - 1)
        journal.beat(ONE, holder="elsewhere:1")
        look_after(journal, resumes=True)

    assert notes(journal, ONE) == []


def test_a_run_that_cannot_be_resumed_now_does_not_hide_the_others(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    carried(journal, ONE, clock)
    carried(journal, TWO, clock)
    clock.forward(LEASE_S + 1)

    with pytest.raises(UnreachableError, match="No Prefect server is known"):
        look_after(journal, resumes=True)

    assert [len(notes(journal, run_id)) for run_id in (ONE, TWO)] == [1, 1]


def test_people_are_reminded_once_an_interval_whoever_watches_and_whoever_carries_the_run(
    journal: Journal, clock: Clock
) -> None:
    carried(journal, ONE, clock)
    at = clock.now
    journal.append(
        ONE,
        StepIntent(at=at, step="preflight"),
        StepOutcome(at=at, step="preflight", state="done"),
        Asked(at=at, step="db/before/storage", approvers=("dba",), remind_every_s=240),
    )
    clock.forward(290)  # the watch has the machine's own clock: about now
    journal.beat(ONE, holder="elsewhere:1")

    for _ in range(3):
        look_after(journal, resumes=False)

    events = [entry.event for entry in journal.read(ONE)]
    [reminded] = [event for event in events if isinstance(event, Reminded)]
    assert (reminded.step, reminded.number) == ("db/before/storage", 1)
    assert reminded.approvers == ("dba",)


def test_a_cancelled_run_is_neither_noted_again_nor_resumed(journal: Journal, clock: Clock) -> None:
    carried(journal, ONE, clock)
    journal.append(ONE, Noted(at=clock.now, text="Cancelled.", details={CANCELLED: True}))
    clock.forward(LEASE_S + 1)

    look_after(journal, resumes=True)

    assert [each.details for each in notes(journal, ONE)] == [{CANCELLED: True}]


def test_of_several_watches_one_takes_a_run_up_and_another_follows_one_that_failed(
    journal: Journal, clock: Clock
) -> None:
    carried(journal, ONE, clock)

    first = claim_taking_up(journal, ONE, now=clock.now)
    second = claim_taking_up(journal, ONE, now=clock.forward(5))
    after_a_minute = claim_taking_up(journal, ONE, now=clock.forward(60))
    journal.append(ONE, Noted(at=clock.now, text="Taken up.", details={RESUMED: True}))
    when_taken_up = claim_taking_up(journal, ONE, now=clock.forward(600))
    journal.append(ONE, RunAttached(at=clock.now, holder="elsewhere:2"))
    when_it_died_again = claim_taking_up(journal, ONE, now=clock.forward(1))

    assert (first, second, after_a_minute) == (True, False, True)
    assert (when_taken_up, when_it_died_again) == (False, True)
