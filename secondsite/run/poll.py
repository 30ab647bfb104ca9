"""What a decision must know at the instant in which it is written. Rows of the journal only."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from secondsite.errors import JournalError
from secondsite.run.events import CodeGiven, from_json
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from secondsite.run.schema import events, runs

__all__ = ["close_doors", "codes_given", "record_now"]

_LOCK_KEY = 0x5EC0_BA11  # of the advisory lock under which decisions are written in PostgreSQL


def close_doors(connection: Connection, run_id: str) -> None:
    """Let nobody else decide anything until this writing transaction is over.

    A transaction that writes to SQLite is alone already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        row = select(runs.c.run_id).where(runs.c.run_id == run_id)
        connection.execute(row.with_for_update())  # its engine writes nothing meanwhile


def record_now(connection: Connection, run_id: str) -> RunRecord:
    """The run as the journal has it in this transaction.

    Raises:
        JournalError: there is no such run.
    """
    query = select(events.c.body).where(events.c.run_id == run_id).order_by(events.c.run_seq)
    bodies = connection.scalars(query).all()
    if not bodies:
        raise JournalError(
            f"The journal knows no run {run_id}.", next_step="List them: secondsite runs"
        )
    return replay(from_json(body) for body in bodies)


def codes_given(connection: Connection) -> tuple[CodeGiven, ...]:
    """Every one-time code that was given for any run, oldest first."""
    query = select(events.c.body).where(events.c.type == "code.given").order_by(events.c.seq)
    found = (from_json(body) for body in connection.scalars(query))
    return tuple(each for each in found if isinstance(each, CodeGiven))
