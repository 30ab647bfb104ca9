"""What the table of runs says of a run follows from its events, so a change of it shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from secondsite.errors import JournalError
from secondsite.run.chain import ChainFault, Row
from secondsite.run.events import RunAttached, RunCreated, RunEnded, from_json

__all__ = ["index_fault", "index_of"]

_TELLING = frozenset({"run.created", "run.attached", "run.ended"})
"""The types of events that the table is made of."""


def index_of(rows: Iterable[Row]) -> Mapping[str, Any] | None:
    """The columns of a run, from its events; None if they do not begin with its creation.

    Raises:
        JournalError: one of them cannot be read.
    """
    created: RunCreated | None = None
    ended: RunEnded | None = None
    for row in rows:
        if row.type not in _TELLING:
            continue
        match from_json(row.body):
            case RunCreated() as event:
                created = event
            case RunEnded() as event:
                ended = event
            case RunAttached():
                ended = None
    if created is None:
        return None
    return {
        "run_id": created.run_id,
        "plan": created.plan,
        "operation": created.operation,
        "direction": created.direction,
        "created_at": created.at,
        "ended_at": ended.at if ended else None,
        "end_state": ended.state if ended else None,
    }


def index_fault(stored: Mapping[str, Any], rows: Iterable[Row]) -> ChainFault | None:
    """What in the table of runs is not as the run's events have it; None if all is."""
    run_id = stored["run_id"]
    try:
        expected = index_of(rows)
    except JournalError as error:
        return ChainFault(run_id=run_id, run_seq=0, seq=0, what=error.message)
    if expected is None:
        return ChainFault(run_id=run_id, run_seq=1, seq=0, what="its beginning is missing")
    wrong = [name for name, value in expected.items() if _plain(stored[name]) != _plain(value)]
    if not wrong:
        return None
    what = f"changed in the table of runs: {', '.join(wrong)}"
    return ChainFault(run_id=run_id, run_seq=0, seq=0, what=what)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):  # SQLite gives times without their zone; all of ours are UTC
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value
