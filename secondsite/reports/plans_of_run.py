"""The plans that a run is about, in the light of what the journal knew of them at that time.

Nothing but the journal is read, as it was when the run began and when it ended: a report says the
same whenever it is made, whatever has become of the plan's files since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from secondsite.reports.outlook import FAILOVERS, MOST_READ, in_service
from secondsite.reports.plan_facts import plan_facts, unmeasured
from secondsite.reports.shape import PlanOfRunFacts
from secondsite.run.events import Objectives
from secondsite.run.finding import Finding
from secondsite.run.history import REHEARSAL, record_of, records_of, runs_of
from secondsite.run.journal import Journal
from secondsite.run.proof import CHECK, Proof, findings_of, prove
from secondsite.run.record import RunRecord

__all__ = ["plans_of_run"]


def plans_of_run(journal: Journal, record: RunRecord, *, now: datetime) -> list[PlanOfRunFacts]:
    """The plan of `record`, or each plan of the rehearsal that it is."""
    if record.kind != REHEARSAL:
        found = findings_of(record) if record.kind == CHECK else ()
        return [_measured(journal, record, within=record, now=now, findings=found)]
    plans = dict.fromkeys(step.group for step in record.steps)
    return [_rehearsed(journal, record, plan, now=now) for plan in plans]


def _measured(
    journal: Journal,
    record: RunRecord,
    *,
    within: RunRecord,
    now: datetime,
    findings: Sequence[Finding] = (),
) -> PlanOfRunFacts:
    """The plan of `record`, before and after the run `within`: itself, or its rehearsal."""
    before, after = _standings(
        journal, record.plan, within, fingerprint=record.fingerprint, promised=record.objectives
    )
    comparable: list[RunRecord] = []
    if record.kind in FAILOVERS:
        runs = runs_of(
            journal,
            record.plan,
            operations=(record.kind,),
            most=MOST_READ,
            until=record.created_at,
        )
        others = [run for run in runs if run.run_id != record.run_id]
        comparable = in_service([*others, record], like=record)
    return plan_facts(
        record, now=now, before=before, after=after, comparable=comparable, findings=findings
    )


def _rehearsed(
    journal: Journal, rehearsal: RunRecord, plan: str, *, now: datetime
) -> PlanOfRunFacts:
    runs = {
        step.action: str(step.evidence["run_id"])
        for step in rehearsal.steps
        if step.group == plan and step.evidence.get("run_id")
    }
    check = record_of(journal, runs["check"]) if "check" in runs else None
    findings = findings_of(check) if check else []
    if test := runs.get("test"):
        record = record_of(journal, test)
        return _measured(journal, record, within=rehearsal, now=now, findings=findings)
    before, after = _standings(
        journal,
        plan,
        rehearsal,
        fingerprint=check.fingerprint if check else {},
        promised=check.objectives if check else Objectives(),
    )
    return unmeasured(plan, before=before, after=after, findings=findings)


def _standings(
    journal: Journal,
    plan: str,
    run: RunRecord,
    *,
    fingerprint: Mapping[str, str],
    promised: Objectives,
) -> tuple[Proof, Proof | None]:
    """How well the plan was proved when `run` began, and when it had ended."""
    within_s = promised.rehearse_within_s

    def at(moment: datetime, *, without: str = "") -> Proof:
        known = records_of(journal, plan, until=moment)
        return prove(
            plan,
            [each for each in known if each.run_id != without],
            fingerprint=fingerprint,
            within=timedelta(seconds=within_s) if within_s else None,
            now=moment,
        )

    before = at(run.created_at, without=run.run_id)
    return before, at(run.ended_at) if run.ended_at else None
