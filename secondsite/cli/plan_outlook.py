"""What the journal tells of a plan: its standing, its past recovery times, the next failover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from secondsite.graph import Operation, compile_graph
from secondsite.plan.estate import Estate
from secondsite.plan.fingerprint import fingerprint
from secondsite.plan.model import Direction, Plan
from secondsite.reports.outlook import FAILOVERS, MOST_READ, expected, in_service
from secondsite.reports.phrasing import say_duration
from secondsite.reports.prediction import Prediction
from secondsite.reports.recovery_times import RecoveryTimes, recovery_times
from secondsite.reports.standing_words import standing_lines
from secondsite.run.history import records_of, runs_of
from secondsite.run.journal import Journal
from secondsite.run.proof import Proof, prove
from secondsite.run.record import RunRecord

__all__ = ["PlanOutlook", "forecast", "outlook_of", "proof_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutlook:
    """A plan as the journal has it.

    Attributes:
        runs: Its newest failovers of one kind, oldest first, whose VMs all came into service.
        next_run: What is to be expected of the next one; None where none has ever succeeded.
    """

    plan: Plan
    proof: Proof
    runs: tuple[RunRecord, ...]
    next_run: Prediction | None

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        rto, rpo = self.plan.objectives.rto, self.plan.objectives.rpo
        return {
            "objectives": {
                "rto_s": rto.total_seconds() if rto else None,
                "rpo_s": rpo.total_seconds() if rpo else None,
            },
            "trend": [
                {"run_id": run.run_id, "kind": run.kind, **times["plan"]}
                for run, times in self._times()
            ],
            "recovery": self._times()[-1][1] if self.runs else None,
            "next_run": self.next_run,
        }

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        first, *rest = standing_lines(self.proof)
        yield f"Standing:  {first}"
        yield from (f"         {line}" for line in rest)
        own = [
            (times["plan"]["rto_s"] or 0.0) - times["plan"]["people_s"]
            for _, times in self._times()
        ]
        rto = self.plan.objectives.rto
        promised = f", promised {say_duration(rto.total_seconds())}" if rto else ""
        if own:
            count = f"{len(own)} {self.runs[-1].kind} runs" if len(own) > 1 else "the last run"
            yield (
                f"RTO:       {say_duration(own[-1])} last time, {say_duration(median(own))} in the "
                f"middle of {count} ({say_duration(min(own))} to {say_duration(max(own))}, without "
                f"the time of people){promised}"
            )
        if self.next_run is not None:
            yield from prediction_lines(self.next_run)

    def _times(self) -> list[tuple[RunRecord, RecoveryTimes]]:
        return [(run, recovery_times(run)) for run in self.runs]


def prediction_lines(expected: Prediction) -> Iterator[str]:
    """What is to be expected, and what to speed up first."""
    lasts = say_duration(expected["length_s"])
    yield f"Next:      a run of kind {expected['kind']} takes about {lasts}"
    for number, gain in enumerate(expected["speed_up"][:3], start=1):
        label = "Speed up:  " if number == 1 else "           "
        yield (
            f"{label}{number}. {gain['step']} ({say_duration(gain['takes_s'])}): without it the "
            f"run ends {say_duration(gain['gain_s'])} sooner"
        )


def proof_of(plan: Plan, estate: Estate, journal: Journal, *, folder: Path) -> Proof:
    """How well the plan is proved, as its files are now."""
    return prove(
        plan.name,
        records_of(journal, plan.name),
        fingerprint=fingerprint(plan, estate, folder=folder),
        within=plan.rehearse_within,
        now=datetime.now(UTC),
    )


def outlook_of(plan: Plan, estate: Estate, journal: Journal, *, folder: Path) -> PlanOutlook:
    """Everything that the journal tells of the plan."""
    known = runs_of(journal, plan.name, operations=FAILOVERS, most=MOST_READ)
    runs = in_service(known)
    return PlanOutlook(
        plan=plan,
        proof=proof_of(plan, estate, journal, folder=folder),
        runs=tuple(runs),
        next_run=forecast(plan, runs),
    )


def forecast(plan: Plan, runs: Sequence[RunRecord]) -> Prediction | None:
    """The next run of the kind of `runs`, as the plan is now, until all VMs are in service."""
    if not runs:
        return None
    newest = runs[-1]
    operation, direction = Operation(newest.kind), Direction(newest.direction)
    return expected(compile_graph(plan, operation=operation, direction=direction), runs)
