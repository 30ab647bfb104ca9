"""The run graph, for everybody who must not know networkx."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import networkx as nx

from secondsite.errors import DependencyCycleError
from secondsite.graph.chains import longest_chain
from secondsite.graph.steps import Step, StepId

__all__ = ["Draft", "RunGraph"]

_STEP, _INDEX, _TOLERATES = "step", "index", "tolerates"


class RunGraph:
    """Steps, and what each waits for. Never changes, never has a cycle."""

    def __init__(self, graph: nx.DiGraph[StepId]) -> None:
        """Takes `graph` over: nodes with `step` and `index`, edges with `tolerates`.

        Raises:
            DependencyCycleError: a step waits for itself.
        """
        try:
            order = tuple(
                nx.lexicographical_topological_sort(
                    graph, key=lambda step: graph.nodes[step][_INDEX]
                )
            )
        except nx.NetworkXUnfeasible:
            cycle = [before for before, _ in nx.find_cycle(graph)]
            raise DependencyCycleError(cycle=cycle) from None
        self._graph = graph
        self._order: tuple[StepId, ...] = order
        self.steps: Mapping[str, Step] = {step: graph.nodes[step][_STEP] for step in order}

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Step]:
        """The steps, in `order`."""
        return iter(self.steps.values())

    def __contains__(self, step: object) -> bool:
        return step in self.steps

    def __getitem__(self, step: str) -> Step:
        return self.steps[step]

    @property
    def edges(self) -> tuple[tuple[StepId, StepId], ...]:
        """Every (a, b) where b waits for a."""
        return tuple(self._graph.edges)

    def order(self) -> tuple[StepId, ...]:
        """One order in which the steps may run: always the same, close to how the plan reads."""
        return self._order

    def waits_for(self, step: str) -> tuple[StepId, ...]:
        """The steps that must be over before `step` starts."""
        return tuple(self._graph.predecessors(StepId(step)))

    def tolerates(self, step: str) -> tuple[StepId, ...]:
        """Those of `waits_for` that may fail without holding `step` back."""
        name = StepId(step)
        return tuple(
            before
            for before in self._graph.predecessors(name)
            if self._graph.edges[before, name][_TOLERATES]
        )

    def followers(self, step: str) -> tuple[StepId, ...]:
        """The steps that wait for `step`."""
        return tuple(self._graph.successors(StepId(step)))

    def layers(self) -> tuple[tuple[StepId, ...], ...]:
        """The steps by their distance from the start: what might run at the same time."""
        depth: dict[StepId, int] = {}
        for step in self._order:
            depth[step] = 1 + max((depth[before] for before in self.waits_for(step)), default=-1)
        result: list[list[StepId]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for step, layer in depth.items():
            result[layer].append(step)
        return tuple(map(tuple, result))

    def critical_path(self, durations_s: Mapping[str, float]) -> tuple[tuple[StepId, ...], float]:
        """The longest chain of steps and its length in seconds; unknown durations count as 0."""
        return longest_chain(self._order, self.waits_for, durations_s)


class Draft:
    """A run graph in the making. Steps may be named as waited for before they are added."""

    def __init__(self) -> None:
        self._graph: nx.DiGraph[StepId] = nx.DiGraph()
        self._count = 0

    def add(self, step: Step) -> StepId:
        """Add `step`; its id must be new."""
        if step.id in self._graph and _STEP in self._graph.nodes[step.id]:
            raise ValueError(f"two steps would be called {step.id}")
        self._graph.add_node(step.id, **{_STEP: step, _INDEX: self._count})
        self._count += 1
        return step.id

    def wait(self, step: StepId, *, until: StepId, tolerates: bool = False) -> None:
        """Let `step` wait for `until`; a need is never weakened to a tolerance by a later call."""
        if self._graph.has_edge(until, step):
            tolerates = tolerates and self._graph.edges[until, step][_TOLERATES]
        self._graph.add_edge(until, step, **{_TOLERATES: tolerates})

    def finish(self) -> RunGraph:
        """The finished graph.

        Raises:
            DependencyCycleError: a step waits for itself.
        """
        return RunGraph(self._graph)
