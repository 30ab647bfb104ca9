"""A run's facts straight from the journal, with the proof that nobody has changed it."""

from __future__ import annotations

from datetime import UTC, datetime

from secondsite.reports.facts import run_facts
from secondsite.reports.plans_of_run import plans_of_run
from secondsite.reports.shape import RunFacts
from secondsite.run.journal import Journal, Verification
from secondsite.run.replay import replay

__all__ = ["proven_facts"]


def proven_facts(journal: Journal, run_id: str, *, alone: bool = False) -> RunFacts:
    """The facts of a run, its hash chain verified.

    Args:
        journal: Where it is.
        run_id: The run.
        alone: Do not look at what the other runs of its plan tell.
    """
    record = replay(entry.event for entry in journal.read(run_id))
    proof = journal.verify(run_id)
    now = record.ended_at or datetime.now(UTC)
    return run_facts(
        record,
        reported_at=now,
        plans=None if alone else plans_of_run(journal, record, now=now),
        journal={
            "events": proof.event_count,
            "verified": proof.is_whole,
            "head": proof.head,
            "problem": _faults(proof),
        },
    )


def _faults(proof: Verification) -> str:
    return "; ".join(str(fault) for fault in proof.faults)
