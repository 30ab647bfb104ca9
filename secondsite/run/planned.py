"""The plan and its run graph as the journal keeps them. Knows the graph by what it asks of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

from secondsite.plan.model import Plan
from secondsite.run.events import Objectives, PlannedStep

__all__ = ["planned_steps", "promises_of"]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class _Step(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def side(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def vm(self) -> _Named | None: ...
    @property
    def title(self) -> str: ...
    @property
    def on_failure(self) -> Literal["block", "stop", "continue"]: ...


class _Graph(Protocol):
    def __iter__(self) -> Iterator[_Step]: ...
    def waits_for(self, step: str) -> Iterable[str]: ...
    def tolerates(self, step: str) -> Iterable[str]: ...


def planned_steps(graph: _Graph, *, source_site: str, target_site: str) -> tuple[PlannedStep, ...]:
    """The steps of `graph`, in its order, for the event that creates a run."""
    sites = {"source": source_site, "target": target_site}
    return tuple(
        PlannedStep(
            id=step.id,
            action=str(step.action),
            group=step.group,
            vm=step.vm.name if step.vm else "",
            site=sites.get(step.side, ""),
            title=step.title,
            waits_for=tuple(graph.waits_for(step.id)),
            tolerates=tuple(graph.tolerates(step.id)),
            on_failure=step.on_failure,
        )
        for step in graph
    )


def promises_of(plan: Plan) -> Objectives:
    """What the plan promises, for the event that creates a run."""
    rto, rpo, within = plan.objectives.rto, plan.objectives.rpo, plan.rehearse_within
    return Objectives(
        rto_s=rto.total_seconds() if rto else None,
        rpo_s=rpo.total_seconds() if rpo else None,
        rehearse_within_s=within.total_seconds() if within else None,
    )
