"""How a measurement went over the runs, as SVG text: one dot a run, the objective as a line.

Whether the objective was met is told by the mark as well as by its colour. Every value is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from secondsite.reports.phrasing import say_duration

__all__ = ["TrendPoint", "trend_point", "trend_svg"]

_WIDTH, _HEIGHT = 720, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 14, 30
_MOST_LABELS = 8
_FAR = 4
"""An objective so many times as high as the values is not drawn: they would be a flat line."""
_MOST_LEVELS = 5
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_LEVELS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(count * _MINUTE for count in (1, 2, 5, 10, 15, 30)),
    *(count * _HOUR for count in (1, 2, 4, 6, 12)),
    *(count * _DAY for count in (1, 2, 5, 10, 30)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One run.

    Attributes:
        label: Under the axis: its date.
        clock: What takes its place where the point before it has the same label.
        value_s: What was measured; None leaves a gap.
        is_good: Whether the objective was met; None where there is none, or nobody knows.
        hint: Everything that there is to say about it.
    """

    label: str
    value_s: float | None
    is_good: bool | None
    hint: str
    clock: str = ""


def trend_point(
    run_id: str, created_at: str, *, value_s: float | None, is_met: bool | None
) -> TrendPoint:
    """A run's point: its date, what was measured, whether that met the objective."""
    began = datetime.fromisoformat(created_at)
    return TrendPoint(
        label=f"{began:%Y-%m-%d}",
        clock=f"{began:%H:%M}",
        value_s=value_s,
        is_good=is_met,
        hint=f"{run_id}: {say_duration(value_s)}",
    )


def trend_svg(points: Sequence[TrendPoint], *, objective_s: float | None, title: str) -> Markup:
    """The drawing; points in the order of time."""
    values = [point.value_s for point in points if point.value_s is not None]
    highest_s = max([*values, 1.0])
    is_far = objective_s is not None and objective_s > _FAR * highest_s
    if objective_s is not None and not is_far:
        highest_s = max(highest_s, objective_s)
    level_s = next((each for each in _LEVELS_S if highest_s / each <= _MOST_LEVELS), highest_s)
    top_s = highest_s * 1.08
    parts = [_level(number * level_s, top_s) for number in range(int(top_s / level_s) + 1)]
    if objective_s is not None and is_far:
        parts.append(
            Markup(
                '<text x="{}" y="{}" class="mark-label" text-anchor="end">objective {}, far above'
                " ↑</text>"
            ).format(_WIDTH - _RIGHT, _TOP - 3, say_duration(objective_s))
        )
    elif objective_s is not None:
        y = _y(objective_s, top_s)
        parts.append(
            Markup(
                '<line x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}" class="mark"/>'
                '<text x="{}" y="{:.1f}" class="mark-label" text-anchor="end">objective {}</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, _WIDTH - _RIGHT, y - 4, say_duration(objective_s), y=y)
        )
    places = [_x(index, len(points)) for index in range(len(points))]
    known = [(x, p) for x, p in zip(places, points, strict=True) if p.value_s is not None]
    line = " ".join(f"{x:.1f},{_y(point.value_s or 0.0, top_s):.1f}" for x, point in known)
    parts.append(Markup('<polyline points="{}" class="trend"/>').format(line))
    parts += [_dot(x, point, top_s) for x, point in known]
    every = max(1, -(-len(points) // _MOST_LABELS))
    shown = ""
    for index, (x, point) in enumerate(zip(places, points, strict=True)):
        if index % every == 0:
            is_same_day = point.label == shown and bool(point.clock)
            shown = point.label
            parts.append(
                Markup(
                    '<text x="{:.1f}" y="{}" class="tick-label" text-anchor="middle">{}</text>'
                ).format(x, _HEIGHT - 10, point.clock if is_same_day else point.label)
            )
    return Markup(
        '<svg class="trend-chart" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>'
    ).format(_WIDTH, _HEIGHT, title, Markup("").join(parts))


def _level(value_s: float, top_s: float) -> Markup:
    y = _y(value_s, top_s)
    return Markup(
        '<line x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        '<text x="{}" y="{:.1f}" class="tick-label" text-anchor="end">{}</text>'
    ).format(
        _LEFT, _WIDTH - _RIGHT, _LEFT - 6, y + 4, say_duration(value_s) if value_s else "0", y=y
    )


def _dot(x: float, point: TrendPoint, top_s: float) -> Markup:
    y = _y(point.value_s or 0.0, top_s)
    if point.is_good is False:
        return Markup(
            '<g class="dot s-failed"><title>{hint}</title>'
            '<path d="M{l:.1f} {t:.1f}L{r:.1f} {b:.1f}M{l:.1f} {b:.1f}L{r:.1f} {t:.1f}"/></g>'
        ).format(hint=point.hint, l=x - 5, r=x + 5, t=y - 5, b=y + 5)
    css = "s-done" if point.is_good else "s-pending"
    return Markup(
        '<circle cx="{:.1f}" cy="{:.1f}" r="4.5" class="dot {}"><title>{}</title></circle>'
    ).format(x, y, css, point.hint)


def _x(index: int, count: int) -> float:
    room = _WIDTH - _LEFT - _RIGHT
    return _LEFT + room * (index + 0.5) / max(count, 1)


def _y(value_s: float, top_s: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value_s / top_s)
