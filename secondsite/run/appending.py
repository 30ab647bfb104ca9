"""Appending events to the chain of one run, inside a transaction of the journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, insert, select, update

from secondsite.errors import JournalError
from secondsite.run import leases
from secondsite.run.chain import GENESIS, hash_of
from secondsite.run.events import JournalEvent, RunAttached, RunCreated, RunEnded, to_json
from secondsite.run.schema import count_events
from secondsite.run.schema import events as events_table
from secondsite.run.schema import runs as runs_table

__all__ = ["Entry", "append_events"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event in its place.

    Attributes:
        run_seq: 1 for the first event of its run.
        hash: Of this event and, through the chain, of all before it.
    """

    run_id: str
    run_seq: int
    hash: str
    event: JournalEvent


def append_events(
    connection: Connection,
    run_id: str,
    events: Sequence[JournalEvent],
    *,
    holder: str | None = None,
) -> tuple[Entry, ...]:
    """Write events of one run behind those that are there, in the caller's transaction.

    Raises:
        JournalError: there is no such run, or one already.
        RunConflictError: `holder` does not carry the run any more.
    """
    count, head = _head(connection, run_id, events)
    if holder is not None:
        leases.require(connection, run_id=run_id, holder=holder)
    rows = _chained(run_id, events, count=count, head=head)
    if not rows:
        return ()
    connection.execute(insert(events_table), rows)
    count_events(connection, len(rows))
    changes: dict[str, Any] = {"event_count": count + len(rows), "head": rows[-1]["hash"]}
    for event in events:
        changes |= _index_changes(event)
    mine = runs_table.c.run_id == run_id
    connection.execute(update(runs_table).where(mine).values(**changes))
    if changes.get("ended_at"):
        leases.release(connection, run_id=run_id)
    return tuple(
        Entry(run_id=run_id, run_seq=row["run_seq"], hash=row["hash"], event=event)
        for row, event in zip(rows, events, strict=True)
    )


def _head(connection: Connection, run_id: str, events: Iterable[JournalEvent]) -> tuple[int, str]:
    """How many events the run has, and the hash of the last; the run is locked meanwhile."""
    query = select(runs_table.c.event_count, runs_table.c.head)
    row = connection.execute(query.where(runs_table.c.run_id == run_id).with_for_update()).first()
    created = next(iter(events), None)
    if row is not None:
        if isinstance(created, RunCreated):
            raise JournalError(f"The journal has a run {run_id} already; nothing was started.")
        return row.event_count, row.head
    if not isinstance(created, RunCreated) or created.run_id != run_id:
        raise JournalError(
            f"The journal knows no run {run_id}.", next_step="List them: secondsite runs"
        )
    connection.execute(
        insert(runs_table).values(
            run_id=run_id,
            plan=created.plan,
            operation=created.operation,
            direction=created.direction,
            created_at=created.at,
            event_count=0,
            head=GENESIS,
        )
    )
    return 0, GENESIS


def _chained(
    run_id: str, events: Iterable[JournalEvent], *, count: int, head: str
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, event in enumerate(events, start=count + 1):
        at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
        step, body = getattr(event, "step", ""), to_json(event)
        hash_ = hash_of(
            prev_hash=head,
            run_id=run_id,
            run_seq=number,
            at=at,
            type_=event.type,
            step=step,
            body=body,
        )
        rows.append(
            {
                "run_id": run_id,
                "run_seq": number,
                "at": at,
                "type": event.type,
                "step": step,
                "body": body,
                "prev_hash": head,
                "hash": hash_,
            }
        )
        head = hash_
    return rows


def _index_changes(event: JournalEvent) -> dict[str, Any]:
    match event:
        case RunEnded(at=at, state=state):
            return {"ended_at": at, "end_state": state}
        case RunAttached():
            return {"ended_at": None, "end_state": None}
        case _:
            return {}
