"""How the journal's database is opened, and how its errors become ours. SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from secondsite.errors import JournalError

__all__ = ["Database"]

_BUSY_TIMEOUT_S = 15
_WRITES = "secondsite_writes"


class Database:
    """Transactions of one database, safe to use from any thread.

    SQLite runs in WAL mode and waits for the disk at every commit (`synchronous=FULL`): what is
    committed survives the loss of the process, and of the machine's power.
    """

    def __init__(self, url: str) -> None:
        """Nothing is opened yet.

        Raises:
            JournalError: not a URL of a database that a journal can be kept in.
        """
        parsed = _parse(url)
        self.name = parsed.render_as_string(hide_password=True)
        self._path = _sqlite_path(parsed)
        try:
            self._engine = create_engine(parsed, pool_pre_ping=parsed.drivername != "sqlite")
        except (NoSuchModuleError, ArgumentError, ModuleNotFoundError) as exc:
            raise JournalError(
                f"The journal {self.name} needs a database driver that is not here: {exc}",
                next_step="For PostgreSQL install secondsite[postgresql], or use sqlite:///PATH.",
            ) from exc
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        self._writing = self._engine.execution_options(**{_WRITES: True})

    def create_folder(self) -> None:
        """Make the folder of a SQLite file, for this user only."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.touch(mode=0o600, exist_ok=True)
        except OSError as exc:
            raise JournalError(
                f"The journal {self._path} cannot be made: {exc.strerror}. Nothing was started.",
                next_step="Make that folder writable, or name another file in SECONDSITE_JOURNAL.",
            ) from exc

    @property
    def exists(self) -> bool:
        """Whether there is something to open; of a server only opening it can tell."""
        return self._path is None or self._path.exists()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._transaction(self._engine, "read") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; it is durable when the block has ended."""
        with self._transaction(self._writing, "written") as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine, verb: str) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except SQLAlchemyError as exc:
            raise self._translated(exc, verb) from exc

    def _translated(self, error: SQLAlchemyError, verb: str) -> JournalError:
        original = error.orig if isinstance(error, DBAPIError) else error
        reason = " ".join(str(original).split())
        return JournalError(
            f"The journal {self.name} cannot be {verb}: {reason}. No action was started since.",
            next_step=_advice(reason),
        )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise JournalError(
            "SECONDSITE_JOURNAL is no database URL.",
            next_step="Write sqlite:////full/path.db or postgresql://user@host/database.",
        ) from exc
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _sqlite_path(url: URL) -> Path | None:
    is_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
    return Path(url.database) if is_file and url.database else None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = (
        None  # transactions begin where we say, not where the driver guesses
    )
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_S * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer that began as a reader could fail half-way; IMMEDIATE waits for its turn instead.
    is_writing = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


_TAKE_UP = "let the run go on where it stopped: secondsite resume RUN"


def _advice(reason: str) -> str:
    lowered = reason.casefold()
    if "full" in lowered or "no space" in lowered:
        return f"Free space on that disk, then {_TAKE_UP}"
    if "readonly" in lowered or "unable to open" in lowered or "permission" in lowered:
        return "Make the file and its folder writable for this user, then try again."
    if "locked" in lowered:
        return "Another process has held it for too long: end that one, then try again."
    if "malformed" in lowered or "not a database" in lowered:
        return "Put that file aside (keep it: it is evidence) and restore its last good copy."
    return f"See that the database answers, then {_TAKE_UP}"
