"""The journal: every fact of every run, durable before anyone acts on it, and never changed.

Only this module, what it calls with its connection, and `secondsite.run.writer` do I/O in this
package. All methods are synchronous and may be called from any thread; what `append` returned from
survives the death of the process.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import ColumnElement, select
from sqlalchemy.engine import RowMapping

from secondsite.errors import JournalError
from secondsite.run import archive, leases, poll
from secondsite.run.appending import Entry, append_events
from secondsite.run.attention import CANCELLED, is_left, noted_since_engine
from secondsite.run.database import Database
from secondsite.run.events import (
    CodeGiven,
    JournalEvent,
    from_json,
)
from secondsite.run.holder import is_surely_gone
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from secondsite.run.scheduler import RunState
from secondsite.run.schema import count_events, is_prepared, prepare
from secondsite.run.schema import events as events_table
from secondsite.run.schema import runs as runs_table
from secondsite.run.verification import Verification, rows_of, verify

__all__ = ["Entry", "Journal", "RunHead", "RunSummary", "Verification"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run in a list of runs.

    Attributes:
        is_interrupted: It is not over, and the process that carried it is gone or has let it go,
            other than to wait for people.
        is_cancelled: It was cancelled in Prefect's UI, and is interrupted since.
    """

    run_id: str
    plan: str
    operation: str
    direction: str
    state: RunState
    created_at: datetime
    ended_at: datetime | None
    is_interrupted: bool
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    """How far a run has come, for those who look often: costs no look at its events."""

    run_id: str
    event_count: int
    ended_at: datetime | None


class Journal:
    """The journal of one database. Open it with `Journal.open`."""

    def __init__(
        self, database: Database, *, now: Callable[[], datetime], is_gone: Callable[[str], bool]
    ) -> None:
        """Use `Journal.open`: it makes sure of the schema."""
        self._database = database
        self._now = now
        self._is_gone = is_gone

    @classmethod
    def open(
        cls,
        url: str,
        *,
        now: Callable[[], datetime] = _utc_now,
        is_gone: Callable[[str], bool] = is_surely_gone,
    ) -> Journal:
        """The journal at an SQLAlchemy URL (SQLite or PostgreSQL); made if it is not there.

        Raises:
            JournalError: it cannot be reached or read; nothing was started.
        """
        database = Database(url)
        database.create_folder()
        try:
            with database.reading() as connection:
                is_there = is_prepared(connection)
            if not is_there:
                with database.writing() as connection:
                    prepare(connection)
        except JournalError:
            database.close()
            raise
        return cls(database, now=now, is_gone=is_gone)

    @classmethod
    def exists(cls, url: str) -> bool:
        """Whether a journal was ever made there; for those who must not make one."""
        return Database(url).exists

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections. Everything appended is durable already."""
        self._database.close()

    def append(
        self, run_id: str, *events: JournalEvent, holder: str | None = None
    ) -> tuple[Entry, ...]:
        """Append events of one run, all or none; durable on return.

        The first event of a run is `RunCreated`. With `RunEnded` the run's claims are released.

        Args:
            run_id: The run.
            events: What to append.
            holder: The process that carries the run, where an engine writes about its own run: one
                that was taken for dead, and comes back, must not go on beside its successor.

        Raises:
            JournalError: nothing of it was written.
            RunConflictError: `holder` does not carry the run any more; nothing of it was written.
        """
        with self._database.writing() as connection:
            return append_events(connection, run_id, events, holder=holder)

    def decide(
        self,
        run_id: str,
        choose: Callable[[RunRecord, tuple[CodeGiven, ...]], Sequence[JournalEvent]],
    ) -> tuple[Entry, ...]:
        """Append what `choose` makes of the run as it is in this instant, all or none.

        Nobody else decides anything meanwhile, so two answers at once come one after the other.

        Args:
            run_id: A run that is there.
            choose: Gets the run, and every one-time code given for any run, oldest first.

        Raises:
            JournalError: there is no such run; or nothing was written.
        """
        with self._database.writing() as connection:
            poll.close_doors(connection, run_id)
            known = poll.record_now(connection, run_id), poll.codes_given(connection)
            return append_events(connection, run_id, tuple(choose(*known)))

    def read(self, run_id: str, *, after: int = 0) -> tuple[Entry, ...]:
        """The events of a run, those behind number `after` only.

        Raises:
            JournalError: it cannot be read, or holds what this engine does not understand.
        """
        table = events_table.c
        wanted = (table.run_id == run_id) & (table.run_seq > after)
        with self._database.reading() as connection:
            rows = connection.execute(
                select(table.run_seq, table.hash, table.body).where(wanted).order_by(table.run_seq)
            ).all()
        return tuple(
            Entry(run_id=run_id, run_seq=row.run_seq, hash=row.hash, event=from_json(row.body))
            for row in rows
        )

    def runs(
        self,
        *,
        plan: str | None = None,
        operations: Sequence[str] = (),
        without: Sequence[str] = (),
        until: datetime | None = None,
        only_open: bool = False,
        limit: int = 50,
    ) -> tuple[RunSummary, ...]:
        """The newest runs first.

        Args:
            plan: Only those of this plan.
            operations: Only those of these operations, if there are any here.
            without: None of these operations.
            until: Only those that were created by then.
            only_open: Only those that are not over, however many have begun since.
            limit: At most so many.
        """
        query = select(runs_table).order_by(runs_table.c.created_at.desc(), runs_table.c.run_id)
        if plan is not None:
            query = query.where(runs_table.c.plan == plan)
        if operations:
            query = query.where(runs_table.c.operation.in_(operations))
        if without:
            query = query.where(runs_table.c.operation.not_in(without))
        if until is not None:
            query = query.where(runs_table.c.created_at <= until)
        if only_open:
            query = query.where(runs_table.c.ended_at.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(limit)).mappings().all()
            held = {
                row["run_id"]: leases.lease_of(connection, row["run_id"])
                for row in rows
                if not row["end_state"]
            }
        return tuple(self._summary(row, held.get(row["run_id"])) for row in rows)

    def heads(self, *, limit: int) -> tuple[RunHead, ...]:
        """How far the newest runs have come: those that are not over first, then newest first."""
        table = runs_table.c
        query = select(table.run_id, table.event_count, table.ended_at)
        is_over = table.ended_at.is_not(None)
        newest = query.order_by(is_over, table.created_at.desc(), table.run_id).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(newest).all()
        return tuple(
            RunHead(
                run_id=row.run_id,
                event_count=row.event_count,
                ended_at=_aware(row.ended_at) if row.ended_at else None,
            )
            for row in rows
        )

    def find(self, token: str) -> str | None:
        """The newest run whose id is `token`, or ends in it behind a dash."""
        column = runs_table.c.run_id
        ending: ColumnElement[bool] = column.endswith(f"-{token}", autoescape=True)
        query = select(column).where((column == token) | ending)
        with self._database.reading() as connection:
            return connection.scalar(query.order_by(runs_table.c.created_at.desc()).limit(1))

    def claim(self, run_id: str, *, plan: str, vms: Iterable[str], holder: str) -> None:
        """Claim plan and VMs for a run, and the run for the process `holder`; all or nothing.

        Doing it again for the same run is how a process takes it up after a gate or a crash.

        Raises:
            RunConflictError: names the other run, what it holds, and what to do.
        """
        with self._database.writing() as connection:
            leases.claim(
                connection,
                run_id=run_id,
                plan=plan,
                vms=vms,
                holder=holder,
                now=self._now(),
                is_gone=self._is_gone,
            )

    def beat(self, run_id: str, *, holder: str) -> None:
        """Tell that the process is alive; more often than `leases.LEASE_S`.

        Raises:
            RunConflictError: another process carries the run by now: stop.
        """
        with self._database.writing() as connection:
            leases.beat(connection, run_id=run_id, holder=holder, now=self._now())

    def detach(self, run_id: str, *, holder: str) -> None:
        """The process lets go of a run that waits for people; its claims stay."""
        with self._database.writing() as connection:
            leases.detach(connection, run_id=run_id, holder=holder, now=self._now())

    def release(self, run_id: str) -> None:
        """Free plan and VMs. `RunEnded` does it too."""
        with self._database.writing() as connection:
            leases.release(connection, run_id=run_id)

    def lease(self, run_id: str) -> leases.Lease | None:
        """Who carries a run."""
        with self._database.reading() as connection:
            return leases.lease_of(connection, run_id)

    def stale_runs(self, *, older_than_s: float = leases.LEASE_S) -> tuple[str, ...]:
        """Runs whose process has not been heard of for so long: interrupted ones."""
        with self._database.reading() as connection:
            found = leases.stale_leases(
                connection, now=self._now(), is_gone=self._is_gone, older_than_s=older_than_s
            )
        return tuple(lease.run_id for lease in found)

    def verify(self, run_id: str | None = None) -> Verification:
        """Check the hash chain of one run, or of all, and what the table of runs says of them."""
        with self._database.reading() as connection:
            return verify(connection, run_id)

    def export(self, run_ids: Iterable[str]) -> Generator[archive.Archived, None, None]:
        """The runs, row by row as they lie there, verified.

        Raises:
            JournalError: one of them is not as it was written, or is not there.
        """
        for run_id in run_ids:
            proof = self.verify(run_id)
            if not proof.run_count or not proof.is_whole:
                faults = "; ".join(str(fault) for fault in proof.faults)
                raise JournalError(
                    f"{run_id} is not exported: {faults or 'the journal does not know it'}.",
                    next_step="See: secondsite runs verify",
                )
            with self._database.reading() as connection:
                rows = tuple(rows_of(connection, run_id))
            yield archive.Archived(run_id=run_id, head=proof.head, rows=rows)

    def take_in(self, runs: Iterable[archive.Archived]) -> Mapping[str, bool]:
        """Put exported runs into this journal, all or none; gives per run whether it was new.

        Raises:
            JournalError: one is here with another history, or cannot be read; nothing was taken in.
        """
        with self._database.writing() as connection:
            new = {run.run_id: archive.put_in(connection, run) for run in runs}
            count_events(connection, sum(new.values()))
        return {run_id: bool(count) for run_id, count in new.items()}

    def remove(self, run_ids: Iterable[str], *, by: str) -> tuple[archive.Removal, ...]:
        """Remove ended runs, all or none; `removals` tells of them for ever.

        Raises:
            JournalError: nothing was removed.
        """
        with self._database.writing() as connection:
            return archive.remove(connection, run_ids, at=self._now(), by=by)

    def removals(self) -> tuple[archive.Removal, ...]:
        """Every run that was ever removed from this journal."""
        with self._database.reading() as connection:
            return archive.removals(connection)

    def _summary(self, row: RowMapping, lease: leases.Lease | None) -> RunSummary:
        run_id = row["run_id"]
        summary = RunSummary(
            run_id=run_id,
            plan=row["plan"],
            operation=row["operation"],
            direction=row["direction"],
            state=row["end_state"] or "pending",
            created_at=_aware(row["created_at"]),
            ended_at=_aware(row["ended_at"]) if row["ended_at"] else None,
            is_interrupted=False,
        )
        if row["end_state"]:
            return summary
        record = replay(entry.event for entry in self.read(run_id))
        return replace(
            summary,
            state=record.state,
            is_interrupted=self._is_interrupted(record, lease),
            is_cancelled=noted_since_engine(record, CANCELLED),
        )

    def _is_interrupted(self, record: RunRecord, lease: leases.Lease | None) -> bool:
        if lease is None:
            return False
        if lease.holder:
            return lease.is_stale(now=self._now(), is_gone=self._is_gone)
        return is_left(record, let_go_at=lease.heartbeat_at, now=self._now())


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
