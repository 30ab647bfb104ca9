"""The journal's tables, and the triggers that keep its events as they were written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    cast,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.types import BigInteger

from secondsite.errors import JournalError

__all__ = [
    "SCHEMA_VERSION",
    "changes_allowed",
    "claims",
    "count_events",
    "events",
    "events_counted",
    "is_prepared",
    "leases",
    "prepare",
    "removed",
    "runs",
]

SCHEMA_VERSION = 1

_metadata = MetaData()
_Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up only an INTEGER

meta = Table(
    "journal_meta",
    _metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "journal_runs",
    _metadata,
    Column("run_id", String(160), primary_key=True),
    Column("plan", String(100), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("end_state", String(16)),
    Column("event_count", Integer, nullable=False),
    Column("head", String(64), nullable=False),
    Index("journal_runs_by_plan", "plan", "created_at"),
)

events = Table(
    "journal_events",
    _metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("run_id", String(160), ForeignKey("journal_runs.run_id"), nullable=False),
    Column("run_seq", Integer, nullable=False),
    Column("at", String(40), nullable=False),
    Column("type", String(40), nullable=False),
    Column("step", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("run_id", "run_seq"),
    sqlite_autoincrement=True,
)

leases = Table(
    "journal_leases",
    _metadata,
    Column("run_id", String(160), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("heartbeat_at", DateTime(timezone=True), nullable=False),
)

claims = Table(
    "journal_claims",
    _metadata,
    Column("kind", String(8), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("run_id", String(160), nullable=False, index=True),
)

removed = Table(
    "journal_removed",
    MetaData(),  # made when the first run is removed: older journals do not have it
    Column("run_id", String(160), primary_key=True),
    Column("plan", String(100), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("head", String(64), nullable=False),
    Column("removed_at", DateTime(timezone=True), nullable=False),
    Column("removed_by", String(200), nullable=False),
)

_LOCK_KEY = 0x5EC0_517E  # of the advisory lock under which PostgreSQL creates the schema

_EVENTS = "events"
"""Key, in the table of meta facts, of the number of all events."""

_VERBS = ("UPDATE", "DELETE")

_SQLITE_TRIGGERS = tuple(
    f"""CREATE TRIGGER IF NOT EXISTS journal_events_no_{verb.lower()}
        BEFORE {verb} ON journal_events
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"""
    for verb in _VERBS
)

_POSTGRESQL_TRIGGERS = (
    """CREATE OR REPLACE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$""",
    """CREATE OR REPLACE TRIGGER journal_events_no_change
       BEFORE UPDATE OR DELETE ON journal_events
       FOR EACH ROW EXECUTE FUNCTION journal_is_append_only()""",
    """CREATE OR REPLACE TRIGGER journal_events_no_truncate
       BEFORE TRUNCATE ON journal_events
       FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()""",
)


def prepare(connection: Connection) -> None:
    """Create the schema if it is not there. `connection` is in a writing transaction.

    Raises:
        JournalError: a newer engine made this journal.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    if is_prepared(connection):
        return
    _metadata.create_all(connection)
    is_sqlite = connection.dialect.name == "sqlite"
    for trigger in _SQLITE_TRIGGERS if is_sqlite else _POSTGRESQL_TRIGGERS:
        connection.exec_driver_sql(trigger)
    connection.execute(insert(meta).values(key="schema", value=str(SCHEMA_VERSION)))
    connection.execute(insert(meta).values(key=_EVENTS, value="0"))


def count_events(connection: Connection, change: int) -> None:
    """Keep count of all events, so that a run that is gone with all of its rows is missed.

    A journal that an older engine made is counted when it is next written to.
    """
    counted = cast(cast(meta.c.value, BigInteger) + change, Text)
    updated = connection.execute(
        update(meta).where(meta.c.key == _EVENTS).values(value=counted)
    ).rowcount
    if not updated:
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE journal_meta IN EXCLUSIVE MODE"))
        if events_counted(connection) is None:
            total = connection.scalar(select(func.count()).select_from(events))
            connection.execute(insert(meta).values(key=_EVENTS, value=str(total)))
        else:  # somebody else has done it in this very moment, without ours
            count_events(connection, change)


def events_counted(connection: Connection) -> int | None:
    """How many events the journal must hold; None in one that was not written to since."""
    value = connection.scalar(select(meta.c.value).where(meta.c.key == _EVENTS))
    return None if value is None else int(value)


@contextmanager
def changes_allowed(connection: Connection) -> Iterator[None]:
    """Within the block, and within its writing transaction only, events may be removed."""
    if connection.dialect.name == "sqlite":
        for verb in _VERBS:
            connection.exec_driver_sql(f"DROP TRIGGER journal_events_no_{verb.lower()}")
        yield
        for trigger in _SQLITE_TRIGGERS:
            connection.exec_driver_sql(trigger)
        return
    table = "ALTER TABLE journal_events"
    connection.exec_driver_sql(f"{table} DISABLE TRIGGER journal_events_no_change")
    yield
    connection.exec_driver_sql(f"{table} ENABLE TRIGGER journal_events_no_change")


def is_prepared(connection: Connection) -> bool:
    """Whether the schema is there. `connection` may be in a reading transaction.

    Raises:
        JournalError: a newer engine made this journal.
    """
    if not inspect(connection).has_table(meta.name):
        return False
    found = connection.scalar(select(meta.c.value).where(meta.c.key == "schema"))
    if found != str(SCHEMA_VERSION):
        raise JournalError(
            f"This journal has schema version {found}; this engine knows {SCHEMA_VERSION}. "
            "Nothing was started.",
            next_step="Use the engine that made it, or name another in SECONDSITE_JOURNAL.",
        )
    return True
