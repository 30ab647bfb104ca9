"""Runs as they lie in the journal, row by row: to be carried elsewhere, to be removed one day.

An exported run is its rows, not its meaning: whoever takes it in can verify the hash chain, and
gets the very same journal. What may be removed is decided in `secondsite.run.retention`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, inspect, select, update

from secondsite.errors import JournalError
from secondsite.run.chain import Row, first_fault
from secondsite.run.run_index import index_of
from secondsite.run.schema import changes_allowed, count_events, events, removed, runs

__all__ = ["Archived", "Removal", "put_in", "read_archive", "removals", "remove", "write_archive"]

_FORMAT = "secondsite-journal"
_VERSION = 1
_KEPT = ("run_seq", "at", "type", "step", "body", "prev_hash", "hash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """One run with all of its rows, in their order.

    Attributes:
        head: The hash of its last event.
    """

    run_id: str
    head: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What is left of a run that was removed: that there was one, and the end of its chain."""

    run_id: str
    plan: str
    operation: str
    ended_at: datetime
    event_count: int
    head: str
    removed_at: datetime
    removed_by: str


def write_archive(archived: Iterable[Archived]) -> Iterator[str]:
    """The lines of an archive: JSON, one object a line; first what it is, then run after run."""
    yield json.dumps({"format": _FORMAT, "version": _VERSION})
    for run in archived:
        yield json.dumps({"run": run.run_id, "events": len(run.rows), "head": run.head})
        for row in run.rows:
            facts = asdict(row)
            yield json.dumps({name: facts[name] for name in _KEPT}, ensure_ascii=False)


def read_archive(lines: Iterable[str]) -> Iterator[Archived]:
    """The runs of an archive, each verified.

    Raises:
        JournalError: it is no archive, is cut off, or a run in it is not as it was written.
    """
    numbered = enumerate(lines, start=1)
    _, first = next(numbered, (1, ""))
    known = _object(first, number=1)
    if known.get("format") != _FORMAT:
        raise JournalError(
            "This is no export of a journal. Nothing was taken in.",
            next_step="Write one with: secondsite runs export --to FILE",
        )
    if known.get("version") != _VERSION:
        raise JournalError(
            f"This export has format version {known.get('version')}; this engine knows "
            f"{_VERSION}. Nothing was taken in.",
            next_step="Take it in with the engine that wrote it, or a newer one.",
        )
    for number, line in numbered:
        begun = _object(line, number=number)
        yield _run(begun, numbered, number=number)


def put_in(connection: Connection, run: Archived) -> int:
    """Put a run into the journal, or what it has more than the journal; gives how much that was.

    The caller counts the events, when all runs are in: engines count theirs last, too.

    Raises:
        JournalError: another run has that id, or another history.
    """
    query = select(runs.c.event_count, runs.c.head).where(runs.c.run_id == run.run_id)
    here = connection.execute(query.with_for_update()).first()
    count = here.event_count if here is not None else 0
    if here is None:
        connection.execute(insert(runs).values(**_index_of(run)))
    elif not _is_one_history(connection, run, event_count=count, head=here.head):
        raise JournalError(
            f"{run.run_id} is in this journal already, with another history. Nothing was taken in.",
            next_step="One of the two went on, or was changed. Verify both: secondsite runs verify",
        )
    more = run.rows[count:]
    if here is not None and more:
        mine = runs.c.run_id == run.run_id
        connection.execute(update(runs).where(mine).values(**_index_of(run)))
    if more:
        connection.execute(
            insert(events),
            [{name: getattr(row, name) for name in _KEPT} | {"run_id": run.run_id} for row in more],
        )
    return len(more)


def _is_one_history(connection: Connection, run: Archived, *, event_count: int, head: str) -> bool:
    """Whether the journal's run and the archived one are the same as far as the shorter goes."""
    if len(run.rows) >= event_count:
        return not event_count or run.rows[event_count - 1].hash == head
    here = (events.c.run_id == run.run_id) & (events.c.run_seq == len(run.rows))
    return connection.scalar(select(events.c.hash).where(here)) == run.head


def remove(
    connection: Connection, run_ids: Iterable[str], *, at: datetime, by: str
) -> tuple[Removal, ...]:
    """Remove ended runs; what stays is a line about each. The caller has found them removable.

    The triggers that keep events from being changed are lifted within this transaction only.
    """
    removed.create(connection, checkfirst=True)
    gone: list[Removal] = []
    with changes_allowed(connection):
        for run_id in run_ids:
            row = connection.execute(select(runs).where(runs.c.run_id == run_id)).one()
            gone.append(
                Removal(
                    run_id=run_id,
                    plan=row.plan,
                    operation=row.operation,
                    ended_at=_aware(row.ended_at),
                    event_count=row.event_count,
                    head=row.head,
                    removed_at=at,
                    removed_by=by,
                )
            )
            connection.execute(delete(events).where(events.c.run_id == run_id))
            connection.execute(delete(runs).where(runs.c.run_id == run_id))
    count_events(connection, -sum(each.event_count for each in gone))
    if gone:
        connection.execute(insert(removed), [asdict(each) for each in gone])
    return tuple(gone)


def removals(connection: Connection) -> tuple[Removal, ...]:
    """Every run that was ever removed from this journal, the newest removal last."""
    if not inspect(connection).has_table(removed.name):
        return ()
    query = select(removed).order_by(removed.c.removed_at, removed.c.run_id)
    return tuple(
        Removal(
            **{
                **row,
                "ended_at": _aware(row["ended_at"]),
                "removed_at": _aware(row["removed_at"]),
            }
        )
        for row in connection.execute(query).mappings()
    )


def _run(begun: dict[str, Any], numbered: Iterator[tuple[int, str]], *, number: int) -> Archived:
    try:
        run_id, head, count = str(begun["run"]), str(begun["head"]), int(begun["events"])
    except (KeyError, TypeError, ValueError) as exc:
        raise _damaged(number, "a run was expected here") from exc
    rows = []
    for _ in range(count):
        at, line = next(numbered, (number, ""))
        facts = _object(line, number=at)
        try:
            rows.append(Row(seq=0, run_id=run_id, **facts))
        except TypeError as exc:
            raise _damaged(at, f"an event of {run_id} was expected here") from exc
    fault = first_fault(run_id, rows, event_count=count, head=head)
    if fault is not None:
        raise JournalError(
            f"The export is not as it was written: {fault}. Nothing was taken in.",
            next_step="Export again from the journal that it came from.",
        )
    return Archived(run_id=run_id, head=head, rows=tuple(rows))


def _index_of(run: Archived) -> dict[str, Any]:
    index = index_of(run.rows)
    if index is None or index["run_id"] != run.run_id:
        raise JournalError(
            f"{run.run_id} has no beginning in the export. Nothing was taken in.",
            next_step="Export again from the journal that it came from.",
        )
    return {**index, "event_count": len(run.rows), "head": run.head}


def _object(line: str, *, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as exc:
        what = "it ends too early" if not line else "this is not JSON"
        raise _damaged(number, what) from exc
    if not isinstance(found, dict):
        raise _damaged(number, "an object was expected here")
    return found


def _damaged(number: int, what: str) -> JournalError:
    return JournalError(
        f"The export is damaged at line {number}: {what}. Nothing was taken in.",
        next_step="Copy or export it again.",
    )


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
