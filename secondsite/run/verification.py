"""Whether a journal is as it was written: every row of every run, and that none is gone."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from secondsite.run.chain import ChainFault, Row, first_fault
from secondsite.run.run_index import index_fault
from secondsite.run.schema import events, events_counted, runs

__all__ = ["Verification", "rows_of", "verify"]

_MOST_GAPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a look at the hash chains found.

    Attributes:
        head: Hash of the last event, where one run was verified.
        faults: The first fault of each run that has one; empty when all is as it was written.
    """

    run_count: int
    event_count: int
    head: str
    faults: tuple[ChainFault, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every event is as it was written."""
        return not self.faults


def verify(connection: Connection, run_id: str | None) -> Verification:
    """Check one run, or all of them and the journal as a whole."""
    query = select(runs).order_by(runs.c.run_id)
    if run_id is not None:
        query = query.where(runs.c.run_id == run_id)
    faults: list[ChainFault] = []
    known = connection.execute(query).mappings().all()
    for run in known:
        with closing(rows_of(connection, run["run_id"])) as rows:
            fault = first_fault(
                run["run_id"], rows, event_count=run["event_count"], head=run["head"]
            )
        if fault is None:
            with closing(rows_of(connection, run["run_id"])) as rows:
                fault = index_fault(dict(run), rows)
        faults += [fault] if fault else []
    if run_id is None:
        faults += _orphans(connection)
        faults += [] if faults else _missing(connection)
    return Verification(
        run_count=len(known),
        event_count=sum(run["event_count"] for run in known),
        head=known[0]["head"] if run_id is not None and known else "",
        faults=tuple(faults),
    )


def rows_of(connection: Connection, run_id: str) -> Generator[Row, None, None]:
    """The rows of a run, in their order."""
    query = select(events).where(events.c.run_id == run_id)
    streaming = connection.execution_options(yield_per=500)
    with streaming.execute(query.order_by(events.c.run_seq)) as found:
        for row in found.mappings():
            yield Row(**row)


def _orphans(connection: Connection) -> Iterator[ChainFault]:
    """Events whose run is not in the table of runs any more."""
    known = select(runs.c.run_id)
    query = select(events.c.run_id, func.min(events.c.seq)).where(events.c.run_id.not_in(known))
    for run_id, seq in connection.execute(query.group_by(events.c.run_id)):
        what = "its line in the table of runs is missing"
        yield ChainFault(run_id=run_id, run_seq=1, seq=seq, what=what)


def _missing(connection: Connection) -> Iterator[ChainFault]:
    """Events that were written, and are gone together with their run."""
    counted = events_counted(connection)
    found = connection.scalar(select(func.count()).select_from(events)) or 0
    if counted is None or counted == found:
        return
    if counted > found:
        places = ", ".join(_gaps(connection)) or "the last"
        what = f"{counted - found} events are missing, and their runs with them: rows {places}"
    else:
        what = f"{found - counted} events more are there than were written"
    yield ChainFault(run_id="", run_seq=0, seq=0, what=what)


def _gaps(connection: Connection) -> Iterator[str]:
    """The first numbers of rows that are not there; few are there for other reasons."""
    last = given = 0
    for seq in connection.execution_options(yield_per=1000).scalars(
        select(events.c.seq).order_by(events.c.seq)
    ):
        if seq > last + 1 and given < _MOST_GAPS:
            given += 1
            yield f"{last + 1} to {seq - 1}" if seq > last + 2 else str(seq - 1)
        last = seq
