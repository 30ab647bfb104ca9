"""The graph that a run was carried out by, as its record has it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter

from secondsite.graph.chains import longest_chain
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
        return longest_chain(self._order, self.waits_for, durations_s)
