from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from secondsite.errors import JournalError, RefusedError
from secondsite.run.archive import read_archive, write_archive
from secondsite.run.events import Noted, RunEnded
from secondsite.run.journal import Journal
from secondsite.run.retention import refuse_too_young, removable
from tests.run.story import BEGIN, Clock, created

FIRST = "shop-test-20261120-134005-ab12"
SECOND = "shop-test-20261121-134005-cd34"
THIRD = "shop-planned-20261122-134005-ef56"


def fill(journal: Journal) -> None:
    for number, run_id in enumerate((FIRST, SECOND, THIRD)):
        operation = run_id.split("-")[1]
        at = BEGIN + timedelta(days=number)
        journal.append(
            run_id,
            created(run_id, operation=operation, at=at),
            Noted(at=at, text="Grüße"),
            RunEnded(at=at + timedelta(minutes=5), state="done", summary="done"),
        )


@pytest.fixture
def other(tmp_path: Path, clock: Clock) -> Iterator[Journal]:
    with Journal.open(f"sqlite:///{tmp_path / 'other.db'}", now=clock) as opened:
        yield opened


def lines_of(journal: Journal, *run_ids: str) -> list[str]:
    return list(write_archive(journal.export(run_ids)))


def test_an_export_taken_in_elsewhere_is_the_same_journal(journal: Journal, other: Journal) -> None:
    fill(journal)

    taken = other.take_in(read_archive(lines_of(journal, FIRST, THIRD)))

    assert taken == {FIRST: True, THIRD: True}
    assert other.verify().is_whole
    for run_id in (FIRST, THIRD):
        assert other.verify(run_id).head == journal.verify(run_id).head
        assert other.read(run_id) == journal.read(run_id)
    known = {run.run_id: run for run in journal.runs()}
    assert {run.run_id: run for run in other.runs()} == {k: known[k] for k in (FIRST, THIRD)}


def test_taking_in_twice_changes_nothing(journal: Journal, other: Journal) -> None:
    fill(journal)
    lines = lines_of(journal, FIRST)
    other.take_in(read_archive(lines))

    assert other.take_in(read_archive(lines)) == {FIRST: False}


def test_an_unfinished_run_that_was_taken_in_can_go_on(journal: Journal, other: Journal) -> None:
    journal.append(FIRST, created(FIRST))
    other.take_in(read_archive(lines_of(journal, FIRST)))

    other.append(FIRST, Noted(at=BEGIN, text="taken up here"))

    assert other.verify(FIRST).is_whole
    assert [run.state for run in other.runs()] == ["pending"]


def test_a_longer_history_of_the_same_run_goes_on_where_the_journal_ends(
    journal: Journal, other: Journal
) -> None:
    journal.append(FIRST, created(FIRST))
    shorter = lines_of(journal, FIRST)
    journal.append(FIRST, RunEnded(at=BEGIN, state="done", summary="done"))
    longer = lines_of(journal, FIRST)

    assert other.take_in(read_archive(shorter)) == {FIRST: True}
    assert other.take_in(read_archive(longer)) == {FIRST: True}
    assert other.take_in(read_archive(shorter)) == {FIRST: False}

    assert other.verify(FIRST).head == journal.verify(FIRST).head
    assert [run.state for run in other.runs()] == ["done"]


def test_a_run_with_another_history_is_refused_and_nothing_is_taken_in(
    journal: Journal, other: Journal
) -> None:
    fill(journal)
    other.append(SECOND, created(SECOND), Noted(at=BEGIN, text="something else"))

    with pytest.raises(JournalError, match="another history"):
        other.take_in(read_archive(lines_of(journal, FIRST, SECOND)))

    assert [run.run_id for run in other.runs()] == [SECOND]


def test_a_changed_event_is_found_before_anything_is_taken_in(
    journal: Journal, other: Journal
) -> None:
    fill(journal)
    lines = lines_of(journal, FIRST)
    changed = json.loads(lines[3])
    changed["body"] = changed["body"].replace("Grüße", "Hello")
    lines[3] = json.dumps(changed)

    with pytest.raises(JournalError, match=f"{FIRST}, event 2: changed"):
        other.take_in(read_archive(lines))

    assert not other.runs()


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (slice(0, 4), "damaged at line .*: it ends too early"),
        (slice(1, None), "no export of a journal"),
        (slice(0, 0), "damaged at line 1"),
    ],
)
def test_what_is_no_whole_export_is_refused(
    journal: Journal, other: Journal, cut: slice, words: str
) -> None:
    fill(journal)

    with pytest.raises(JournalError, match=words):
        other.take_in(read_archive(lines_of(journal, FIRST)[cut]))

    assert not other.runs()


def test_a_removed_run_leaves_a_line_and_the_others_as_they_were(journal: Journal) -> None:
    fill(journal)
    head = journal.verify(FIRST).head

    journal.remove([FIRST], by="an auditor")

    assert [run.run_id for run in journal.runs()] == [THIRD, SECOND]
    assert journal.verify().is_whole
    (left,) = journal.removals()
    assert (left.run_id, left.head, left.event_count) == (FIRST, head, 3)
    assert left.removed_by == "an auditor"


def test_after_a_removal_events_are_kept_from_change_as_before(journal: Journal) -> None:
    fill(journal)
    journal.remove([FIRST], by="an auditor")

    for change in ("DELETE FROM journal_events", "UPDATE journal_events SET step = 'x'"):
        with (
            pytest.raises(JournalError, match="append-only"),
            journal._database.writing() as connection,
        ):
            connection.exec_driver_sql(change)


def test_what_is_old_is_removable_but_for_what_a_plan_still_needs(journal: Journal) -> None:
    fill(journal)
    unfinished = "shop-test-20261101-000000-0000"
    journal.append(unfinished, created(unfinished, at=BEGIN - timedelta(days=20)))
    now = BEGIN + timedelta(days=1000)

    old = removable(journal.runs(), now=now, older_than=timedelta(days=730))

    # The newest test and the newest planned failover stay, and what is not over.
    assert [run.run_id for run in old] == [FIRST]
    assert not removable(journal.runs(), now=BEGIN + timedelta(days=700), older_than=timedelta(730))


def test_what_is_younger_than_the_retention_is_refused() -> None:
    with pytest.raises(RefusedError, match="keeps every run for 730 days") as caught:
        refuse_too_young(older_than=timedelta(days=30), retention=timedelta(days=730))

    assert "Nothing was removed" in caught.value.next_step
    refuse_too_young(older_than=timedelta(days=730), retention=timedelta(days=730))
