"""The time axis of a run's picture: seconds since its start to a share of the width.

A gate may take four hours and the failover around it four minutes. Where a run only waited for
people, time is drawn short, so that the rest stays readable; the picture marks such places.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from secondsite.reports.spans import Span, merged, subtract

__all__ = ["Break", "Tick", "TimeScale", "make_scale"]

BREAK_FRACTION = 0.06
"""Width of a shortened wait, as a share of the working time."""

_STEPS_S = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A stretch in which the run only waited, drawn shorter than it was."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on the axis."""

    at_s: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeScale:
    """Strictly rising map from seconds to 0…1.

    Attributes:
        knots: Pairs of seconds and drawn position; straight between two of them.
        breaks: Where time is drawn short.
    """

    knots: tuple[tuple[float, float], ...]
    breaks: tuple[Break, ...] = ()

    @property
    def end_s(self) -> float:
        """The last second that is drawn."""
        return self.knots[-1][0]

    def place(self, at_s: float) -> float:
        """Where `at_s` is drawn; what lies outside is drawn at the edge."""
        if at_s <= self.knots[0][0]:
            return 0.0
        for (start_s, start), (end_s, end) in itertools.pairwise(self.knots):
            if at_s <= end_s:
                return start + (end - start) * (at_s - start_s) / (end_s - start_s)
        return 1.0

    def ticks(self, *, most: int = 8) -> tuple[Tick, ...]:
        """Marks at round times, none inside a break or too close to the one before."""
        working_s = self.end_s - sum(each.end_s - each.start_s for each in self.breaks)
        step_s = next((step for step in _STEPS_S if working_s / step <= most), _STEPS_S[-1])
        marks: list[Tick] = []
        drawn = -1.0
        for number in range(int(self.end_s / step_s) + 1):
            at_s = number * step_s
            position = self.place(at_s)
            if position - drawn < 0.5 / most or any(
                each.start_s < at_s < each.end_s for each in self.breaks
            ):
                continue
            marks.append(Tick(at_s=at_s, label=_elapsed(at_s, with_tenths=step_s < 1)))
            drawn = position
        return tuple(marks)


def make_scale(*, end_s: float, working: Iterable[Span], waiting: Iterable[Span]) -> TimeScale:
    """The scale for a run of `end_s` seconds.

    Args:
        end_s: Length of the run.
        working: When a step that is no gate was under way.
        waiting: When a gate was open.
    """
    end_s = max(end_s, 0.001)
    idle = subtract(merged(waiting), merged(working))
    idle_s = sum(end - start for start, end in idle)
    busy_s = max(end_s - idle_s, end_s * 0.001)
    breaks = tuple(
        Break(start_s=start, end_s=end)
        for start, end in idle
        if end - start > busy_s * BREAK_FRACTION * 2 and end <= end_s
    )
    knots: list[tuple[float, float]] = [(0.0, 0.0)]
    for each in breaks:
        _extend(knots, until_s=each.start_s)
        knots.append((each.end_s, knots[-1][1] + busy_s * BREAK_FRACTION))
    _extend(knots, until_s=end_s)
    width = knots[-1][1]
    return TimeScale(knots=tuple((at_s, drawn / width) for at_s, drawn in knots), breaks=breaks)


def _extend(knots: list[tuple[float, float]], *, until_s: float) -> None:
    at_s, drawn = knots[-1]
    if until_s > at_s:
        knots.append((until_s, drawn + until_s - at_s))


def _elapsed(at_s: float, *, with_tenths: bool) -> str:
    if with_tenths:
        return f"{at_s:.1f} s"
    hours, rest = divmod(round(at_s), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
