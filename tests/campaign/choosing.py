"""Choosing, by a seed, some of very many cases, so that every sort of them is among them."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

__all__ = ["chosen"]

_T = TypeVar("_T")


def chosen(
    every: Sequence[_T], *, points: int, seed: int, sort_of: Callable[[_T], Hashable]
) -> list[_T]:
    """As many of every sort, as far as there are; all of them if `points` is 0."""
    if not points or points >= len(every):
        return list(every)
    chance = random.Random(seed)  # noqa: S311 - no secret
    by_sort: dict[Hashable, list[_T]] = {}
    for each in every:
        by_sort.setdefault(sort_of(each), []).append(each)
    for mine in by_sort.values():
        chance.shuffle(mine)
    in_turn = chain.from_iterable(zip_longest(*by_sort.values()))
    return [each for each in in_turn if each is not None][:points]
