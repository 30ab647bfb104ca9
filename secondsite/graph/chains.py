"""Chains of steps that wait for each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

__all__ = ["longest_chain"]

StepT = TypeVar("StepT", bound=str)


def longest_chain(
    order: Sequence[StepT],
    waits_for: Callable[[StepT], Iterable[StepT]],
    durations_s: Mapping[str, float],
) -> tuple[tuple[StepT, ...], float]:
    """The longest chain of steps and its length in seconds; unknown durations count as 0.

    Args:
        order: The steps, each behind all that it waits for.
        waits_for: Gives those.
        durations_s: By step.
    """
    total: dict[StepT, float] = {}
    previous: dict[StepT, StepT | None] = {}
    for step in order:
        last = max(waits_for(step), key=total.__getitem__, default=None)
        previous[step] = last
        total[step] = durations_s.get(step, 0.0) + (total[last] if last is not None else 0.0)
    current = max(order, key=total.__getitem__, default=None)
    length_s = total[current] if current is not None else 0.0
    path: list[StepT] = []
    while current is not None:
        path.append(current)
        current = previous[current]
    return tuple(reversed(path)), length_s
