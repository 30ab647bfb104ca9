"""Several measurements of the same thing: the lowest, the middle, the highest, the newest. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

__all__ = ["Spread", "spread_of"]


class Spread(TypedDict):
    """Several measurements of the same thing, in seconds."""

    count: int
    low_s: float
    median_s: float
    high_s: float
    latest_s: float


def spread_of(newest_first: Iterable[float | None]) -> Spread | None:
    """Of measurements in the order of the runs, the newest first; None of none."""
    values = [each for each in newest_first if each is not None]
    if not values:
        return None
    return {
        "count": len(values),
        "low_s": min(values),
        "median_s": round(median(values), 3),
        "high_s": max(values),
        "latest_s": values[0],
    }
