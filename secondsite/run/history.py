"""The runs of one plan that tell how it stands: a few of each kind, oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from secondsite.run.journal import Journal
from secondsite.run.proof import CHECK
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay

__all__ = ["REHEARSAL", "failovers_of", "record_of", "records_of"]

REHEARSAL = "rehearse"
"""The operation of a run whose steps are runs: a rehearsal of a plan or of a suite."""
_TESTS = ("test", "cleanup")
_MOST = 12


def records_of(journal: Journal, plan: str) -> list[RunRecord]:
    """The plan's newest tests and clean-ups and its newest checks, oldest first."""
    found = [
        *journal.runs(plan=plan, operations=_TESTS, limit=_MOST),
        *journal.runs(plan=plan, operations=(CHECK,), limit=2),
    ]
    records = [record_of(journal, each.run_id) for each in found]
    return sorted(records, key=lambda record: record.created_at)


def failovers_of(
    journal: Journal, plan: str, *, operations: Sequence[str], most: int
) -> list[RunRecord]:
    """The plan's newest runs of these operations, oldest first."""
    found = journal.runs(plan=plan, operations=operations, limit=most)
    return [record_of(journal, each.run_id) for each in reversed(found)]


def record_of(journal: Journal, run_id: str) -> RunRecord:
    """The run, as its events tell it."""
    return replay(entry.event for entry in journal.read(run_id))
