"""What past runs of a plan tell of the next one. Pure.

Compared are the newest runs of one kind in which every VM came into service; the next is expected
to take what the medians of its steps come to, until the last VM is in service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from secondsite.reports.objectives import measure_objectives
from secondsite.reports.prediction import Prediction, predict
from secondsite.reports.recovery_times import recovery_times
from secondsite.run.estimates import estimate_durations
from secondsite.run.record import RunRecord

__all__ = ["FAILOVERS", "MOST_READ", "expected", "in_service"]

FAILOVERS = ("test", "planned", "unplanned")
MOST_READ = 10
"""So many of a plan's newest failovers are read to find those that can be compared."""
_COMPARED = 5
_BRINGS_INTO_SERVICE = frozenset({"start", "ready", "address", "dns", "verify"})


class _Step(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def action(self) -> str: ...


class _Graph(Protocol):
    def __iter__(self) -> Iterator[_Step]: ...
    def waits_for(self, step: str) -> Sequence[str]: ...
    def critical_path(self, durations_s: Mapping[str, float]) -> tuple[Sequence[str], float]: ...


def in_service(runs: Sequence[RunRecord], *, like: RunRecord | None = None) -> list[RunRecord]:
    """Those in which all VMs came into service, oldest first, as `runs` are.

    Args:
        runs: Failovers of one plan.
        like: A run of the kind and direction that count; the newest of them if not given.
    """
    whole = [
        run
        for run in runs
        if measure_objectives(run, now=run.last_event_at)["rto_actual_s"] is not None
    ]
    model = like or (whole[-1] if whole else None)
    wanted = (model.kind, model.direction) if model else None
    return [run for run in whole if (run.kind, run.direction) == wanted][-_COMPARED:]


def expected(graph: _Graph, runs: Sequence[RunRecord]) -> Prediction | None:
    """The next run of the kind of `runs`, until all of its VMs are in service.

    Args:
        graph: Of that run.
        runs: What `in_service` gives.
    """
    if not runs:
        return None
    return predict(
        graph,
        estimate_durations(_until_in_service(graph), runs),
        kind=runs[-1].kind,
        runs=[run.run_id for run in runs],
        lengths_s=[
            (times["rto_s"] or 0.0) - times["people_s"]
            for times in (recovery_times(run)["plan"] for run in runs)
        ],
    )


def _until_in_service(graph: _Graph) -> list[_Step]:
    """The steps that bring VMs into service, and all that these wait for."""
    steps = {step.id: step for step in graph}
    wanted: set[str] = set()
    to_visit = [step.id for step in steps.values() if step.action in _BRINGS_INTO_SERVICE]
    while to_visit:
        step = to_visit.pop()
        if step not in wanted:
            wanted.add(step)
            to_visit += graph.waits_for(step)
    return [step for step in steps.values() if step.id in wanted]
