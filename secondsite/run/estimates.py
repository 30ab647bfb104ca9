"""How long each step will probably take, from how long it took before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Protocol

from secondsite.run.record import RunRecord
from secondsite.run.states import StepState

__all__ = ["estimate_durations"]

_NOT_OURS = frozenset({"gate", "barrier"})
"""People take as long as they take; barriers take no time."""


class _Step(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def action(self) -> str: ...


def estimate_durations(steps: Iterable[_Step], past: Sequence[RunRecord]) -> Mapping[str, float]:
    """Seconds per step: the median of its own past runs, else of its action's.

    Steps whose like was never done are left out.
    """
    by_step: dict[str, list[float]] = {}
    by_action: dict[str, list[float]] = {}
    for record in past:
        for step in record.steps:
            duration_s = step.duration_s
            if step.state is StepState.DONE and duration_s is not None and not step.done_by_hand:
                by_step.setdefault(step.id, []).append(duration_s)
                by_action.setdefault(step.action, []).append(duration_s)
    estimates: dict[str, float] = {}
    for wanted in steps:
        known = by_step.get(wanted.id) or by_action.get(wanted.action)
        if known and wanted.action not in _NOT_OURS:
            estimates[wanted.id] = median(known)
    return estimates
