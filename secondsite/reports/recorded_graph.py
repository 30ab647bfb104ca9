"""The graph that a run was carried out by, as its record has it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter

from secondsite.run.record import RunRecord, StepRecord

__all__ = ["RecordedGraph"]


class RecordedGraph:
    """Steps, and what each waits for: what `secondsite.graph.RunGraph` is for a plan."""

    def __init__(self, record: RunRecord) -> None:
        self._steps = record.by_id
        waits = {step.id: step.waits_for for step in record.steps}
        self._order = tuple(TopologicalSorter(waits).static_order())

    def __iter__(self) -> Iterator[StepRecord]:
        """The steps, each behind all that it waits for."""
        return (self._steps[step] for step in self._order)

    def waits_for(self, step: str) -> Sequence[str]:
        """The steps that must be over before `step` starts."""
        return self._steps[step].waits_for

    def critical_path(self, durations_s: Mapping[str, float]) -> tuple[tuple[str, ...], float]:
        """The longest chain of steps and its length in seconds; unknown durations count as 0."""
        total: dict[str, float] = {}
        previous: dict[str, str | None] = {}
        for step in self._order:
            last = max(self.waits_for(step), key=total.__getitem__, default=None)
            previous[step] = last
            total[step] = durations_s.get(step, 0.0) + (total[last] if last is not None else 0.0)
        current = max(self._order, key=total.__getitem__, default=None)
        length_s = total[current] if current is not None else 0.0
        path: list[str] = []
        while current is not None:
            path.append(current)
            current = previous[current]
        return tuple(reversed(path)), length_s
