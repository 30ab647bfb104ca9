"""A rehearsal as a run whose steps are runs: check, test and clean-up of each plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from secondsite.run.events import PlannedStep
from secondsite.run.leftovers import leftovers
from secondsite.run.record import RunRecord
from secondsite.run.states import StepState

__all__ = ["Errand", "Part", "errands", "in_the_way", "rehearsal_steps", "summary_of"]

Part = Literal["check", "test", "clean-up"]
_TITLES: dict[Part, str] = {
    "check": "readiness of {plan}",
    "test": "test failover of {plan}",
    "clean-up": "clean-up of {plan}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One step of a rehearsal."""

    plan: str
    part: Part

    @property
    def id(self) -> str:
        """`storefront/test`."""
        return f"{self.plan}/{self.part}"


def errands(plans: Sequence[str], *, clean_up_at_end: bool) -> list[Errand]:
    """The steps in their order; at the end, clean-ups go the other way round."""
    if not clean_up_at_end:
        parts: tuple[Part, ...] = ("check", "test", "clean-up")
        return [Errand(plan=plan, part=part) for plan in plans for part in parts]
    up: tuple[Part, ...] = ("check", "test")
    return [Errand(plan=plan, part=part) for plan in plans for part in up] + [
        Errand(plan=plan, part="clean-up") for plan in reversed(plans)
    ]


def rehearsal_steps(plans: Sequence[str], *, clean_up_at_end: bool) -> tuple[PlannedStep, ...]:
    """The steps as the journal keeps them: each waits for the end of the one before it."""
    steps: list[PlannedStep] = []
    for errand in errands(plans, clean_up_at_end=clean_up_at_end):
        before = (steps[-1].id,) if steps else ()
        steps.append(
            PlannedStep(
                id=errand.id,
                action=errand.part,
                group=errand.plan,
                title=_TITLES[errand.part].format(plan=errand.plan),
                waits_for=before,
                tolerates=before,
            )
        )
    return tuple(steps)


def in_the_way(runs: Iterable[tuple[str, str]], records: Sequence[RunRecord]) -> tuple[str, str]:
    """Why the plan cannot be rehearsed now, and the run that is in the way; empty if it can.

    Args:
        runs: Id and operation of the plan's runs that are not over, other than mere looks.
        records: Its tests and clean-ups, oldest first.
    """
    for run_id, operation in runs:
        return f"its {operation} {run_id} is not over", run_id
    left = leftovers(records)
    if left:
        run_id = next(iter(left.values())).run_id
        return f"the test {run_id} was not cleaned up ({len(left)} VMs are left)", run_id
    return "", ""


def summary_of(record: RunRecord, plans: Sequence[str]) -> str:
    """What came of the rehearsal, plan by plan."""
    return " ".join(f"{plan}: {_outcome(record, plan)}." for plan in plans)


def _outcome(record: RunRecord, plan: str) -> str:
    steps = [step for step in record.steps if step.group == plan]
    failed = [step for step in steps if step.state is StepState.FAILED]
    if failed:
        parts = " and ".join(step.action for step in failed)
        return f"{parts} failed"
    skipped = next((step for step in steps if step.state is StepState.SKIPPED), None)
    if skipped is not None and skipped.evidence.get("why"):
        return f"skipped, because {skipped.evidence['why']}"
    if all(step.state is StepState.DONE for step in steps):
        return "succeeded"
    return "not rehearsed"
