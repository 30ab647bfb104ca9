"""Where the time of a run went: its critical path, longest steps first. Pure."""

from __future__ import annotations

from secondsite.reports.shape import RunFacts, StepFacts

__all__ = ["slowest"]


def slowest(facts: RunFacts, *, most: int) -> list[tuple[StepFacts, float]]:
    """The longest steps of the critical path with their share of it, longest first.

    Steps of less than half a percent are left out: they cannot matter.
    """
    whole_s = facts["critical_path_s"]
    if whole_s <= 0:
        return []
    critical = [
        step
        for step in facts["steps"]
        if step["critical"] and (step["duration_s"] or 0) / whole_s >= 0.005
    ]
    critical.sort(key=lambda step: -(step["duration_s"] or 0.0))
    return [(step, (step["duration_s"] or 0.0) / whole_s) for step in critical[:most]]
