"""The runs of one plan that tell how it stands: a few of each kind, oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from secondsite.run.journal import Journal
from secondsite.run.proof import CHECK
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay

__all__ = ["LOOKS", "REHEARSAL", "record_of", "records_of", "runs_of", "runs_of_vms"]

REHEARSAL = "rehearse"
"""The operation of a run whose steps are runs: a rehearsal of a plan or of a suite."""
LOOKS = (CHECK, REHEARSAL)
"""Runs that make nothing themselves, and leave nothing behind."""
_TESTS = ("test", "cleanup")
_MOST = 12
_KNOWN_RUNS = 200


def records_of(journal: Journal, plan: str, *, until: datetime | None = None) -> list[RunRecord]:
    """The plan's newest tests and clean-ups and its newest checks, oldest first.

    Args:
        journal: Where they are.
        plan: Its name.
        until: As they were at that time; as they are now if not given.
    """
    found = [
        *journal.runs(plan=plan, operations=_TESTS, until=until, limit=_MOST),
        *journal.runs(plan=plan, operations=(CHECK,), until=until, limit=2),
    ]
    records = [record_of(journal, each.run_id, until=until) for each in found]
    return sorted(records, key=lambda record: record.created_at)


def runs_of(
    journal: Journal,
    plan: str,
    *,
    operations: Sequence[str],
    most: int,
    until: datetime | None = None,
) -> list[RunRecord]:
    """The plan's newest runs of these operations, oldest first; as they were at `until`."""
    found = journal.runs(plan=plan, operations=operations, until=until, limit=most)
    return [record_of(journal, each.run_id, until=until) for each in reversed(found)]


def runs_of_vms(
    journal: Journal, vms: Iterable[str], *, but: str = "", operations: Sequence[str] = ()
) -> list[RunRecord]:
    """The runs that had to do with any of `vms`, in whatever plan, oldest first; not the run `but`.

    Of a journal's newest runs only: what is older is long over.

    Args:
        journal: Where they are.
        vms: Their names.
        but: Id of the run that asks.
        operations: Only those of these operations, if there are any here.
    """
    names = {vm.casefold() for vm in vms}
    known = journal.runs(operations=operations, without=LOOKS, limit=_KNOWN_RUNS)
    records = (record_of(journal, run.run_id) for run in reversed(known) if run.run_id != but)
    return [each for each in records if any(vm.name.casefold() in names for vm in each.vms)]


def record_of(journal: Journal, run_id: str, *, until: datetime | None = None) -> RunRecord:
    """The run, as its events tell it, or those of them that were written by `until`."""
    events = (entry.event for entry in journal.read(run_id))
    return replay(event for event in events if until is None or event.at <= until)
