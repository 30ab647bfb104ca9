"""What is wrong with `depends_on`: unknown VMs, VMs that start later, and circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from secondsite.errors import Fault
from secondsite.plan.model import Plan
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_dependencies", "find_cycles"]


@dataclass(frozen=True, slots=True)
class _Place:
    group: int
    position: int
    name: str


def check_dependencies(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    """Every fault of the plan's `depends_on`."""
    places = {
        vm.name.casefold(): _Place(index, number, vm.name)
        for index, group in reversed(list(enumerate(plan.groups)))
        for number, vm in enumerate(group.vms)
    }
    edges: dict[str, list[str]] = {}
    for index, group in enumerate(plan.groups):
        for number, vm in enumerate(group.vms):
            wanted = edges.setdefault(vm.name.casefold(), [])
            for position, name in enumerate(vm.depends_on):
                path = ("groups", index, "vms", number, "depends_on", position)
                other = places.get(name.casefold())
                if other is None:
                    known = [each.name for each in places.values() if each.name != vm.name]
                    yield source.fault(
                        f'"{name}" is not a VM of this plan{did_you_mean(name, known)}', *path
                    )
                elif name.casefold() == vm.name.casefold():
                    yield source.fault(f"{vm.name} waits for itself: remove this", *path)
                elif other.group > index:
                    yield source.fault(_too_late(plan, vm.name, index, other), *path)
                elif other.group == index:
                    wanted.append(name.casefold())
    for cycle in find_cycles(edges):
        first = places[cycle[0]]
        words = " → ".join(places[each].name for each in (*cycle, cycle[0]))
        yield source.fault(
            f"these VMs wait for each other: {words}; remove one of these dependencies",
            *("groups", first.group, "vms", first.position, "depends_on"),
        )


def _too_late(plan: Plan, vm: str, index: int, other: _Place) -> str:
    own, later = plan.groups[index].name, plan.groups[other.group].name
    return (
        f'{other.name} is in group "{later}", which starts only after group "{own}" is ready, so '
        f"{vm} would wait for ever: move {vm} to that group or a later one, or move {other.name} "
        f'to group "{own}"'
    )


def find_cycles(edges: Mapping[str, list[str]]) -> list[tuple[str, ...]]:
    """Circles in `edges` (a waits for each of edges[a]): at least one of every tangle."""
    finished: set[str] = set()
    cycles: list[tuple[str, ...]] = []
    for start in edges:
        if start in finished:
            continue
        trail: list[str] = []
        on_trail: dict[str, int] = {}
        pending = [(start, iter(edges.get(start, ())))]
        trail.append(start)
        on_trail[start] = 0
        while pending:
            node, successors = pending[-1]
            following = next(successors, None)
            if following is None:
                pending.pop()
                trail.pop()
                del on_trail[node]
                finished.add(node)
            elif following in on_trail:
                cycles.append(tuple(trail[on_trail[following] :]))
            elif following not in finished:
                on_trail[following] = len(trail)
                trail.append(following)
                pending.append((following, iter(edges.get(following, ()))))
    return list(dict.fromkeys(cycles))
