"""Stretches of time in seconds: joining them, and taking some out of others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["Span", "merged", "subtract"]

Span = tuple[float, float]
"""From and to, in seconds since the start of the run."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time as `spans`, in order and without overlaps; empty ones fall away."""
    whole: list[Span] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole


def subtract(spans: Iterable[Span], holes: Sequence[Span]) -> list[Span]:
    """What is left of `spans` without `holes`, which are in order and do not overlap."""
    left: list[Span] = []
    for span_start, span_end in spans:
        start = span_start
        for hole_start, hole_end in holes:
            if hole_end <= start or hole_start >= span_end:
                continue
            if hole_start > start:
                left.append((start, hole_start))
            start = max(start, hole_end)
        if start < span_end:
            left.append((start, span_end))
    return left
