"""When a rehearsal is skipped: something is in its way that is no defect of the plan."""

from __future__ import annotations

import asyncio
from datetime import datetime

from flows.elsewhere import elsewhere
from secondsite.plan.model import Plan
from secondsite.run.events import Noted
from secondsite.run.history import LOOKS, records_of
from secondsite.run.journal import Journal
from secondsite.run.record import REAL_FAILOVERS
from secondsite.run.rehearsal import in_the_way

__all__ = ["reason_to_skip"]


async def reason_to_skip(plan: Plan, journal: Journal, *, at: datetime) -> str:
    """Why the plan is not rehearsed now, in words that go on a sentence; empty if it can be.

    The run that is in the way gets a note of it, if the journal knows one.
    """
    why, run_id = await asyncio.to_thread(_unfinished, journal, plan.name)
    if why:
        words = "this run is not over, or was not cleaned up"
        await asyncio.to_thread(_note, journal, run_id, plan.name, at, words)
    elif why := await elsewhere(plan):
        failover = await asyncio.to_thread(_last_failover, journal, plan.name)
        if failover:
            await asyncio.to_thread(_note, journal, failover, plan.name, at, why)
    return why


def _unfinished(journal: Journal, plan: str) -> tuple[str, str]:
    """The plan's run that is not over or not cleaned up, in words, and its id; empty if none is."""
    active = [
        (each.run_id, each.operation)
        for each in journal.runs(plan=plan, without=LOOKS, only_open=True)
    ]
    return in_the_way(active, records_of(journal, plan))


def _last_failover(journal: Journal, plan: str) -> str:
    """Its id; empty if the VMs were failed over by others, or by hand."""
    return next(
        (each.run_id for each in journal.runs(plan=plan, operations=REAL_FAILOVERS, limit=1)), ""
    )


def _note(journal: Journal, run_id: str, plan: str, at: datetime, why: str) -> None:
    """Let the run that was in the way know what did not happen because of it."""
    journal.append(
        run_id,
        Noted(
            at=at,
            text=f"A rehearsal of {plan} was due and was skipped: {why}.",
            level="warning",
            details={"rehearsal_skipped": plan},
        ),
    )
