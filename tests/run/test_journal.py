from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from secondsite.errors import JournalError
from secondsite.run.chain import GENESIS, hash_of
from secondsite.run.events import (
    JournalEvent,
    Noted,
    RunAttached,
    RunEnded,
    StepIntent,
    StepOutcome,
    to_json,
)
from secondsite.run.following import Following
from secondsite.run.journal import Journal
from tests.run.story import BEGIN, Clock, created

RUN, OTHER = "shop-test-20261120-134005-ab12", "shop-test-20261120-134105-cd34"


@contextmanager
def tampering(url: str) -> Iterator[Any]:
    """A connection of somebody who knows how to get around the triggers."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER journal_events_no_{verb}"))
        else:
            connection.execute(text("ALTER TABLE journal_events DISABLE TRIGGER ALL"))
        yield connection
    engine.dispose()


def fill(journal: Journal, run_id: str = RUN, *, notes: int = 5) -> None:
    journal.append(run_id, created(run_id))
    for number in range(notes):
        journal.append(run_id, Noted(at=BEGIN, text=f"note {number}"))


def test_events_come_back_in_order_and_unchanged(journal: Journal) -> None:
    events: list[JournalEvent] = [
        created(RUN),
        RunAttached(at=BEGIN, holder="engine:1"),
        StepIntent(at=BEGIN, step="preflight"),
        StepOutcome(at=BEGIN, step="preflight", state="done", evidence={"ü": [1, None]}),
    ]

    journal.append(RUN, *events[:2])
    journal.append(RUN, *events[2:])

    entries = journal.read(RUN)
    assert [entry.event for entry in entries] == events
    assert [entry.run_seq for entry in entries] == [1, 2, 3, 4]
    assert [entry.run_seq for entry in journal.read(RUN, after=3)] == [4]


def test_a_run_must_be_created_first_and_only_once(journal: Journal) -> None:
    with pytest.raises(JournalError, match=RUN):
        journal.append(RUN, Noted(at=BEGIN, text="?"))
    journal.append(RUN, created(RUN))
    with pytest.raises(JournalError, match="already"):
        journal.append(RUN, created(RUN))

    assert len(journal.read(RUN)) == 1


def test_nobody_changes_an_event_by_accident(journal: Journal, url: str) -> None:
    fill(journal)
    engine = create_engine(url)

    statements = ["UPDATE journal_events SET step = 'x'", "DELETE FROM journal_events"]
    if engine.dialect.name == "postgresql":
        statements.append("TRUNCATE journal_events")
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    engine.dispose()

    assert len(journal.read(RUN)) == 6


def test_an_untouched_journal_verifies(journal: Journal) -> None:
    fill(journal)
    fill(journal, OTHER)

    found = journal.verify()

    assert found.is_whole
    assert (found.run_count, found.event_count) == (2, 12)
    assert journal.verify(RUN).head == journal.read(RUN)[-1].hash != GENESIS


TAMPERINGS = {
    "body": ("UPDATE journal_events SET body = replace(body, 'note 2', 'note X')"
             " WHERE run_id = '{run}' AND run_seq = 4", 4, "changed"),
    "step": ("UPDATE journal_events SET step = 'x' WHERE run_id = '{run}' AND run_seq = 3",
             3, "changed"),
    "time": ("UPDATE journal_events SET at = '2020-01-01T00:00:00.000000+00:00'"
             " WHERE run_id = '{run}' AND run_seq = 1", 1, "changed"),
    "removed": ("DELETE FROM journal_events WHERE run_id = '{run}' AND run_seq = 3", 3, "missing"),
    "cut off": ("DELETE FROM journal_events WHERE run_id = '{run}' AND run_seq >= 5", 5, "missing"),
    "all gone": ("DELETE FROM journal_events WHERE run_id = '{run}'", 1, "missing"),
    "foreign": ("UPDATE journal_events SET run_seq = 7, run_id = '{run}'"
                " WHERE run_id = '{other}' AND run_seq = 6", 7, "does not follow"),
    "reordered": ("UPDATE journal_events SET run_seq = CASE run_seq WHEN 3 THEN -4 ELSE -3 END"
                  " WHERE run_id = '{run}' AND run_seq IN (3, 4);"
                  "UPDATE journal_events SET run_seq = -run_seq WHERE run_seq < 0", 3, "follow"),
    "moved": ("UPDATE journal_events SET seq = 1000 WHERE run_id = '{run}' AND run_seq = 3",
              4, "its row was moved"),
    "inserted": ("UPDATE journal_events SET run_seq = run_seq + 10"
                 " WHERE run_id = '{run}' AND run_seq > 4;"
                 "UPDATE journal_events SET run_seq = run_seq - 9 WHERE run_seq > 10;"
                 "INSERT INTO journal_events (run_id, run_seq, at, type, step, body, prev_hash,"
                 " hash) SELECT run_id, 5, at, type, step, body, hash, 'f' FROM journal_events"
                 " WHERE run_id = '{run}' AND run_seq = 4", 5, "changed"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampered_row_is_found_and_located(journal: Journal, url: str, name: str) -> None:
    fill(journal)
    fill(journal, OTHER)
    statement, run_seq, what = TAMPERINGS[name]

    with tampering(url) as connection:
        for each in statement.split(";"):
            connection.execute(text(each.format(run=RUN, other=OTHER)))

    fault = next(fault for fault in journal.verify().faults if fault.run_id == RUN)
    assert fault.run_seq == run_seq
    assert what in fault.what
    assert RUN in str(fault)
    assert f"event {run_seq}" in str(fault)


_DELETE = "DELETE FROM journal_{table} WHERE run_id = :run"
OF_RUNS = {
    "plan": ("UPDATE journal_runs SET plan = 'x' WHERE run_id = '{run}'", "runs: plan"),
    "operation": ("UPDATE journal_runs SET operation = 'x' WHERE run_id = '{run}'", "operation"),
    "begin": ("UPDATE journal_runs SET created_at = '2020-01-01 00:00:00' WHERE run_id = '{run}'",
              "created_at"),
    "end": ("UPDATE journal_runs SET end_state = 'done' WHERE run_id = '{run}'", "end_state"),
    "fewer": ("UPDATE journal_runs SET event_count = 5 WHERE run_id = '{run}'", "added by hand"),
    "head": ("UPDATE journal_runs SET head = 'f' WHERE run_id = '{run}'", "missing"),
    "gone": ("DELETE FROM journal_runs WHERE run_id = '{run}'", "its line in the table of runs"),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_RUNS)
def test_a_change_in_the_table_of_runs_is_found(journal: Journal, url: str, name: str) -> None:
    fill(journal)
    journal.append(RUN, RunEnded(at=BEGIN, state="failed"))
    fill(journal, OTHER)
    statement, what = OF_RUNS[name]

    with tampering(url) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE journal_runs DISABLE TRIGGER ALL"))
        connection.execute(text(statement.format(run=RUN)))

    [fault] = journal.verify().faults
    assert fault.run_id == RUN
    assert what in str(fault)


def test_a_run_that_is_gone_with_all_of_its_rows_is_missed_and_the_place_is_told(
    journal: Journal, url: str
) -> None:
    fill(journal, OTHER, notes=1)
    fill(journal)
    fill(journal, f"{OTHER}9", notes=1)

    with tampering(url) as connection:
        for table in ("events", "runs"):
            connection.execute(text(_DELETE.format(table=table)), {"run": RUN})

    [fault] = journal.verify().faults
    assert str(fault) == (
        "the journal: 6 events are missing, and their runs with them: rows 3 to 8"
    )


def test_a_well_made_event_that_somebody_added_is_found(journal: Journal, url: str) -> None:
    fill(journal)
    last = journal.read(RUN)[-1]
    body = to_json(Noted(at=BEGIN, text="It was agreed."))
    at = BEGIN.isoformat(timespec="microseconds")
    forged = hash_of(
        prev_hash=last.hash, run_id=RUN, run_seq=7, at=at, type_="note", step="", body=body
    )

    with tampering(url) as connection:
        connection.execute(
            text(
                "INSERT INTO journal_events (run_id, run_seq, at, type, step, body, prev_hash,"
                " hash) VALUES (:run, 7, :at, 'note', '', :body, :before, :hash)"
            ),
            {"run": RUN, "at": at, "body": body, "before": last.hash, "hash": forged},
        )

    [fault] = journal.verify(RUN).faults
    assert fault.run_seq == 7
    assert "added by hand: 7 events are there, and 6 were written" in fault.what


def test_a_journal_of_an_older_engine_is_counted_when_it_is_next_written_to(
    journal: Journal, url: str
) -> None:
    fill(journal)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM journal_meta WHERE key = 'events'"))
    engine.dispose()

    before = journal.verify()
    fill(journal, OTHER)

    assert before.is_whole
    assert journal.verify().is_whole
    with tampering(url) as connection:
        for table in ("events", "runs"):
            connection.execute(text(_DELETE.format(table=table)), {"run": OTHER})
    assert not journal.verify().is_whole


def test_a_forged_row_with_a_fresh_hash_breaks_the_next(journal: Journal, url: str) -> None:
    fill(journal)
    entries = journal.read(RUN)

    with tampering(url) as connection:
        connection.execute(
            text("UPDATE journal_events SET hash = :new WHERE run_seq = 3"), {"new": "f" * 64}
        )

    (fault,) = journal.verify(RUN).faults
    assert fault.run_seq == 3
    assert len(entries) == 6


def test_runs_are_listed_newest_first(journal: Journal) -> None:
    journal.append(RUN, created(RUN), RunAttached(at=BEGIN, holder="e"))
    later = created(OTHER, at=BEGIN + timedelta(minutes=1), plan="payroll")
    ended = RunEnded(at=BEGIN + timedelta(minutes=2), state="failed")
    journal.append(OTHER, later, RunAttached(at=BEGIN, holder="e"), ended)

    newest, oldest = journal.runs()

    assert (newest.run_id, newest.state, newest.plan) == (OTHER, "failed", "payroll")
    assert newest.ended_at == BEGIN + timedelta(minutes=2)
    assert (oldest.run_id, oldest.state, oldest.ended_at) == (RUN, "running", None)
    assert oldest.created_at == BEGIN
    assert journal.runs(limit=1) == (newest,)
    assert journal.runs(plan="shop") == (oldest,)


def test_a_run_is_found_by_the_end_of_its_id(journal: Journal) -> None:
    fill(journal, notes=0)

    assert journal.find("ab12") == RUN
    assert journal.find(RUN) == RUN
    assert journal.find("b12") is None
    assert journal.find("%") is None


def test_a_run_taken_up_again_has_not_ended(journal: Journal) -> None:
    fill(journal, notes=0)

    journal.append(RUN, RunEnded(at=BEGIN, state="failed"))
    assert journal.runs()[0].state == "failed"
    journal.append(RUN, RunAttached(at=BEGIN, holder="e"))

    assert journal.runs()[0].state == "running"
    assert journal.runs()[0].ended_at is None


def test_many_threads_append_to_many_runs(journal: Journal) -> None:
    runs = [f"shop-test-20261120-134005-{number:04x}" for number in range(4)]

    def carry(run_id: str) -> None:
        fill(journal, run_id, notes=25)

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(carry, runs))

    assert journal.verify().is_whole
    assert {len(journal.read(run_id)) for run_id in runs} == {26}


def test_two_writers_of_one_run_keep_one_chain(journal: Journal, url: str) -> None:
    journal.append(RUN, created(RUN))

    def write(number: int) -> None:
        with Journal.open(url) as own:
            for _ in range(10):
                own.append(RUN, Noted(at=BEGIN, text=f"writer {number}"))

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(write, range(2)))

    assert len(journal.read(RUN)) == 21
    assert journal.verify(RUN).is_whole


def test_a_follower_reads_what_another_process_writes(journal: Journal) -> None:
    journal.append(RUN, created(RUN))
    following = Following(journal, RUN)
    states: list[str] = [following.record.state]

    assert not following.refresh()
    journal.append(RUN, RunAttached(at=BEGIN, holder="e"))
    assert following.refresh()
    states.append(following.record.state)

    assert states == ["pending", "running"]
    with pytest.raises(JournalError, match="moon"):
        Following(journal, "moon")


def test_a_new_journal_is_for_this_user_only(sqlite_url: str) -> None:
    Journal.open(sqlite_url).close()

    path = Path(sqlite_url.removeprefix("sqlite:///"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_processes_may_open_a_new_journal_at_once(url: str) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        for journal in pool.map(Journal.open, [url] * 4):
            journal.close()

    with Journal.open(url) as journal:
        assert journal.runs() == ()


def test_a_journal_of_a_newer_engine_is_left_alone(sqlite_url: str) -> None:
    Journal.open(sqlite_url).close()
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE journal_meta SET value = '99'"))
    engine.dispose()

    with pytest.raises(JournalError, match="schema version 99") as caught:
        Journal.open(sqlite_url)

    assert "Nothing was started" in caught.value.message


def test_a_full_disk_is_told_and_nothing_is_half_written(sqlite_url: str) -> None:
    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=60")

    event.listen(Engine, "connect", limit)
    try:
        with Journal.open(sqlite_url) as journal:
            journal.append(RUN, created(RUN))
            many = [Noted(at=BEGIN, text=f"{number}" * 500) for number in range(1000)]
            with pytest.raises(JournalError, match="full") as caught:
                journal.append(RUN, *many)

            assert "No action was started" in caught.value.message
            assert "secondsite resume" in caught.value.next_step
            assert len(journal.read(RUN)) == 1
            journal.append(RUN, many[0])
            assert journal.verify(RUN).is_whole
    finally:
        event.remove(Engine, "connect", limit)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("not a url", "no database URL"),
        ("oracle://x/y", "driver"),
        ("sqlite:////proc/nowhere/j.db", "cannot be made"),
        ("postgresql://u:hunter2@127.0.0.1:1/x", "cannot be read"),
    ],
)
def test_a_journal_that_cannot_be_had_says_why(bad: str, words: str) -> None:
    with pytest.raises(JournalError, match=words) as caught:
        Journal.open(bad)

    assert caught.value.next_step
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    path.write_text("this is something else, and somebody needs it\n" * 50)

    with pytest.raises(JournalError, match="not a database") as caught:
        Journal.open(f"sqlite:///{path}")

    assert "aside" in caught.value.next_step
    assert path.read_text().startswith("this is something else")


_ENDLESS = """
import sys
from secondsite.run.events import Noted
from secondsite.run.journal import Journal
from tests.run.story import BEGIN, created
journal = Journal.open(sys.argv[1])
journal.append("r", created("r"))
while True:
    last = journal.append("r", *(Noted(at=BEGIN, text="x") for _ in range(3)))[-1]
    sys.stdout.write(f"{last.run_seq}\\n")
    sys.stdout.flush()
"""


@pytest.mark.integration
def test_what_was_appended_survives_kill_9(sqlite_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ENDLESS, sqlite_url], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(20)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout if line.endswith("\n")]

    with Journal.open(sqlite_url) as journal:
        found = journal.verify("r")

    assert found.is_whole
    assert found.event_count >= told[-1]
    assert (found.event_count - 1) % 3 == 0, "a transaction is whole or not there"


def test_the_clock_of_the_journal_is_injected(journal: Journal, clock: Clock) -> None:
    journal.claim(RUN, plan="shop", vms=["a"], holder="e")

    lease = journal.lease(RUN)

    assert lease is not None
    assert lease.heartbeat_at == clock.now


def test_heads_tell_how_far_runs_have_come_without_reading_them(
    journal: Journal, clock: Clock
) -> None:
    journal.append("shop-1", created("shop-1", at=clock.now))
    clock.forward(1)
    journal.append("shop-2", created("shop-2", at=clock.now), Noted(at=clock.now, text="x"))
    journal.append("shop-1", RunEnded(at=clock.now, state="done"))

    heads = journal.heads(limit=5)

    assert [(head.run_id, head.event_count, head.ended_at) for head in heads] == [
        ("shop-2", 2, None),
        ("shop-1", 2, clock.now),
    ]
    assert len(journal.heads(limit=1)) == 1
