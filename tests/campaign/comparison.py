"""What is wrong with a run that was disturbed, measured by one that was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.campaign.world import Outcome

__all__ = ["Done", "difference", "unequal"]

Done = Counter[tuple[str, str, str]]
"""How often what must happen once has happened: see `World.done`."""

_LONGEST = 600


def difference(outcome: Outcome, *, expected: tuple[Any, Done], found: tuple[Any, Done]) -> str:
    """What differs, state of the world and what was done in it; empty if nothing does."""
    (state, done), (found_state, found_done) = expected, found
    if outcome.state != "COMPLETED":
        return f"ended {outcome.state}: {outcome.message}"
    twice = {what: (done[what], count) for what, count in found_done.items() if count > done[what]}
    if twice:
        return f"done too often (expected, found): {twice}"
    return "; ".join(unequal(state, found_state))[:_LONGEST]


def unequal(expected: Any, found: Any, place: str = "") -> Iterator[str]:
    """Every place in which two states of the world differ, with both values."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}):
            yield from unequal(expected.get(key), found.get(key), f"{place}/{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from unequal(one, other, f"{place}[{index}]")
    elif expected != found:
        yield f"{place}: {expected} → {found}"
