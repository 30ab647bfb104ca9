"""The history of a plan, and where all plans of an estate stand, as objects of facts. Pure.

The pages, the Markdown and the JSON show these objects and nothing else. Times are ISO 8601 in UTC,
durations are seconds, and a fact that is not known is null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from secondsite.reports.lag import LagFacts
from secondsite.reports.phrasing import iso_text
from secondsite.reports.prediction import Prediction
from secondsite.reports.redaction import withhold
from secondsite.reports.shape import RunFacts
from secondsite.reports.spread import Spread, spread_of

__all__ = [
    "EstateFacts",
    "HistoryFacts",
    "HistoryRun",
    "PlanFacts",
    "Slow",
    "estate_facts",
    "history_facts",
]

_FAILOVERS = frozenset({"test", "planned", "unplanned"})
_SLOWEST = 8
_NO_PART = frozenset(
    {"gate", "restore-dns", "cleanup", "networks", "settle", "reverse", "commit", "restore-ttl"}
)
"""People take as long as they take; the others come when the VMs are in service already."""


class HistoryRun(TypedDict):
    """One run of the plan, in a line."""

    run_id: str
    kind: str
    direction: str
    state: str
    headline: str
    requested_by: str
    created_at: str
    ended_at: str | None
    duration_s: float | None
    people_s: float
    rto_actual_s: float | None
    rto_met: bool | None
    rpo_actual_s: float | None
    rpo_met: bool | None
    vms: int
    failed: list[str]
    plan_digest: str
    journal_verified: bool | None


class Slow(TypedDict):
    """A step that was on the critical path: how often, and its median length."""

    step: str
    runs: int
    median_s: float


class HistoryFacts(TypedDict):
    """A plan and its runs, the newest first; `next_run` is what they let expect of the next one.

    `rto` and `rpo` are measured over the runs of the newest failover's kind; `standing` is how well
    the plan is proved, empty where nobody has told.
    """

    plan: str
    description: str
    reported_at: str
    standing: dict[str, Any]
    rto_s: float | None
    rpo_s: float | None
    kind: str
    rto: Spread | None
    rpo: Spread | None
    next_run: Prediction | None
    lag: list[LagFacts]
    slowest: list[Slow]
    runs: list[HistoryRun]


class PlanFacts(TypedDict):
    """One plan among all: its standing, its last failover of any kind, its objectives."""

    plan: str
    description: str
    vms: int
    standing: dict[str, Any]
    rto_s: float | None
    rpo_s: float | None
    rto: Spread | None
    rpo: Spread | None
    last: HistoryRun | None
    runs: int


class EstateFacts(TypedDict):
    """All plans."""

    reported_at: str
    plans: list[PlanFacts]


def history_facts(
    plan: str,
    runs: Sequence[RunFacts],
    *,
    now: datetime,
    description: str = "",
    standing: Mapping[str, Any] | None = None,
    rto_s: float | None = None,
    rpo_s: float | None = None,
    next_run: Prediction | None = None,
    lag: Sequence[LagFacts] = (),
) -> HistoryFacts:
    """The history of `plan`.

    Args:
        plan: Its name.
        runs: Its runs, the newest first.
        now: Aware UTC.
        description: What the plan is for.
        standing: How well it is proved.
        rto_s: What it promises now.
        rpo_s: Likewise.
        next_run: What is to be expected of the next failover.
        lag: What checks saw of its replication, oldest first.
    """
    failovers = [run for run in runs if run["kind"] in _FAILOVERS]
    kind = failovers[0]["kind"] if failovers else ""
    alike = [run for run in failovers if run["kind"] == kind]
    return {
        "plan": plan,
        "description": description,
        "reported_at": iso_text(now),
        "standing": withhold(dict(standing or {})),
        "rto_s": rto_s,
        "rpo_s": rpo_s,
        "kind": kind,
        "rto": spread_of(run["objectives"]["rto_actual_s"] for run in alike),
        "rpo": spread_of(run["objectives"]["rpo_actual_s"] for run in alike),
        "next_run": next_run,
        "lag": list(lag),
        "slowest": _slowest(alike),
        "runs": [_line(run) for run in runs],
    }


def estate_facts(
    histories: Iterable[HistoryFacts], *, vms: Mapping[str, int], now: datetime
) -> EstateFacts:
    """All plans of an estate, those that need attention first.

    Args:
        histories: One for each plan.
        vms: How many VMs each plan has.
        now: Aware UTC.
    """
    plans = [_plan(each, vms=vms.get(each["plan"], 0)) for each in histories]
    plans.sort(key=lambda plan: (_GRAVITY.get(plan["standing"].get("state", ""), 0), plan["plan"]))
    return {"reported_at": iso_text(now), "plans": plans}


_GRAVITY = {"failing": 0, "stale": 1, "draft": 2, "verified": 3}


def _plan(history: HistoryFacts, *, vms: int) -> PlanFacts:
    failovers = [run for run in history["runs"] if run["kind"] in _FAILOVERS]
    return {
        "plan": history["plan"],
        "description": history["description"],
        "vms": vms,
        "standing": history["standing"],
        "rto_s": history["rto_s"],
        "rpo_s": history["rpo_s"],
        "rto": history["rto"],
        "rpo": history["rpo"],
        "last": failovers[0] if failovers else None,
        "runs": len(history["runs"]),
    }


def _line(run: RunFacts) -> HistoryRun:
    objectives = run["objectives"]
    return {
        "run_id": run["run_id"],
        "kind": run["kind"],
        "direction": run["direction"],
        "state": run["state"],
        "headline": run["headline"],
        "requested_by": run["requested_by"],
        "created_at": run["created_at"],
        "ended_at": run["ended_at"],
        "duration_s": run["duration_s"],
        "people_s": run["people_s"],
        "rto_actual_s": objectives["rto_actual_s"],
        "rto_met": objectives["rto_met"],
        "rpo_actual_s": objectives["rpo_actual_s"],
        "rpo_met": objectives["rpo_met"],
        "vms": len(run["vms"]),
        "failed": [step["id"] for step in run["steps"] if step["state"] == "failed"],
        "plan_digest": run["plan_digest"],
        "journal_verified": run["journal"]["verified"],
    }


def _slowest(runs: Sequence[RunFacts]) -> list[Slow]:
    """What was on the critical path, by the time that it takes over all runs together."""
    lengths: dict[str, list[float]] = {}
    for run in runs:
        for step in run["steps"]:
            is_part = step["critical"] and step["action"] not in _NO_PART
            if is_part and step["state"] == "done" and step["duration_s"]:
                lengths.setdefault(step["id"], []).append(step["duration_s"])
    found: list[Slow] = [
        {"step": step, "runs": len(each), "median_s": round(median(each), 3)}
        for step, each in lengths.items()
    ]
    found.sort(key=lambda slow: -slow["runs"] * slow["median_s"])
    return found[:_SLOWEST]
