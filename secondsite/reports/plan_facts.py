"""What a run means for its plan: recovery times, trend, the next failover, standing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from secondsite.reports.objectives import measure_objectives
from secondsite.reports.outlook import expected
from secondsite.reports.phrasing import iso_text
from secondsite.reports.recorded_graph import RecordedGraph
from secondsite.reports.recovery_times import recovery_times
from secondsite.reports.redaction import withhold
from secondsite.reports.shape import FindingFacts, PastRunFacts, PlanOfRunFacts, StandingFacts
from secondsite.reports.spread import spread_of
from secondsite.run.finding import Finding, by_severity
from secondsite.run.proof import Proof
from secondsite.run.record import RunRecord

__all__ = ["plan_facts", "unmeasured"]


def plan_facts(
    record: RunRecord,
    *,
    now: datetime,
    before: Proof | None = None,
    after: Proof | None = None,
    comparable: Sequence[RunRecord] = (),
    findings: Sequence[Finding] = (),
) -> PlanOfRunFacts:
    """The plan of a run.

    Args:
        record: The run.
        now: Of the report; aware UTC.
        before: How well the plan was proved when the run began.
        after: Likewise, when it had ended.
        comparable: Failovers like this one, oldest first, this one included.
        findings: What a check found.
    """
    past = [_past(run) for run in comparable]
    return {
        **unmeasured(record.plan, before=before, after=after, findings=findings),
        "run_id": record.run_id,
        "objectives": measure_objectives(record, now=now),
        "recovery": recovery_times(record),
        "past": past,
        "rto": spread_of(run["rto_s"] for run in reversed(past)),
        "rpo": spread_of(run["rpo_s"] for run in reversed(past)),
        "next_run": expected(RecordedGraph(record), comparable),
    }


def unmeasured(
    plan: str, *, before: Proof | None, after: Proof | None, findings: Sequence[Finding] = ()
) -> PlanOfRunFacts:
    """A plan of which nothing was brought up."""
    return {
        "plan": plan,
        "run_id": "",
        "standing_before": _standing(before),
        "standing_after": _standing(after),
        "findings": [
            cast("FindingFacts", withhold(each.as_dict())) for each in by_severity(findings)
        ],
        "objectives": {
            "rto_s": None,
            "rto_actual_s": None,
            "rto_met": None,
            "rpo_s": None,
            "rpo_actual_s": None,
            "rpo_met": None,
            "met": None,
        },
        "recovery": {
            "plan": {"name": plan, "rto_s": None, "people_s": 0.0, "rpo_s": None},
            "groups": [],
            "vms": [],
        },
        "past": [],
        "rto": None,
        "rpo": None,
        "next_run": None,
    }


def _past(run: RunRecord) -> PastRunFacts:
    times = recovery_times(run)["plan"]
    objectives = measure_objectives(run, now=run.last_event_at)
    return {
        "run_id": run.run_id,
        "kind": run.kind,
        "direction": run.direction,
        "created_at": iso_text(run.created_at),
        "rto_s": times["rto_s"],
        "people_s": times["people_s"],
        "rto_met": objectives["rto_met"],
        "rpo_s": times["rpo_s"],
        "rpo_met": objectives["rpo_met"],
    }


def _standing(proof: Proof | None) -> StandingFacts | None:
    return None if proof is None else cast("StandingFacts", withhold(proof.as_dict()))
