"""The histories of plans, read from the journal: what `report --history` and `--estate` show."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from secondsite.cli.plan_outlook import forecast
from secondsite.plan.estate import Estate
from secondsite.plan.fingerprint import fingerprint
from secondsite.plan.model import Plan
from secondsite.reports.history import EstateFacts, HistoryFacts, estate_facts, history_facts
from secondsite.reports.lag import lag_facts
from secondsite.reports.outlook import FAILOVERS, MOST_READ, in_service
from secondsite.reports.proven import proven_facts
from secondsite.run.history import REHEARSAL, records_of, runs_of
from secondsite.run.journal import Journal
from secondsite.run.proof import CHECK, prove

__all__ = ["histories_of", "history_of"]

_MOST_RUNS = 40
"""The newest runs of a plan that its page tells of; `secondsite runs` lists all."""
_MOST_CHECKS = 60
"""Two months of a check each night."""


def history_of(
    journal: Journal, plan: Plan, estate: Estate, *, folder: Path, now: datetime
) -> HistoryFacts:
    """The history of one plan, every hash chain verified."""
    runs = journal.runs(plan=plan.name, without=(CHECK, REHEARSAL), limit=_MOST_RUNS)
    proof = prove(
        plan.name,
        records_of(journal, plan.name),
        fingerprint=fingerprint(plan, estate, folder=folder),
        within=plan.rehearse_within,
        now=now,
    )
    failovers = runs_of(journal, plan.name, operations=FAILOVERS, most=MOST_READ)
    checks = runs_of(journal, plan.name, operations=(CHECK,), most=_MOST_CHECKS)
    rto, rpo = plan.objectives.rto, plan.objectives.rpo
    return history_facts(
        plan.name,
        [proven_facts(journal, run.run_id, alone=True) for run in runs],
        now=now,
        description=plan.description,
        standing=proof.as_dict(),
        rto_s=rto.total_seconds() if rto else None,
        rpo_s=rpo.total_seconds() if rpo else None,
        lag=lag_facts(checks, rpo_s=rpo.total_seconds() if rpo else None),
        next_run=forecast(plan, in_service(failovers)),
    )


def histories_of(
    journal: Journal, plans: list[Plan], estate: Estate, *, folder: Path, now: datetime
) -> EstateFacts:
    """Where all plans of the estate stand."""
    return estate_facts(
        [history_of(journal, plan, estate, folder=folder, now=now) for plan in plans],
        vms={plan.name: sum(1 for _ in plan.vms) for plan in plans},
        now=now,
    )
