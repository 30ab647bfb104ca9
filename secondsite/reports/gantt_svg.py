"""The picture of a run as SVG text: one drawing per band, all on the same time axis.

Positions are shares of the width, heights are pixels: the page may be as wide as it likes and the
text stays readable. Colours come from the page's style sheet by class; state is told by pattern and
mark as well, so that nothing depends on colour. Every value is escaped by `markupsafe`.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from secondsite.reports.gantt import Band, Bar, Chart, Row
from secondsite.reports.phrasing import STATE_GLYPHS, plain_text, say_duration
from secondsite.reports.timescale import TimeScale

__all__ = ["axis_svg", "band_svg", "overview_svg", "patterns_svg", "row_height_px"]

_BAR_PX = 14
_LANE_PX = 18
_PAD_PX = 4
_AXIS_PX = 34
_NARROWEST_PX = 520
"""The page never draws the axis narrower than this; labels are fitted to it."""

_LETTER_PX = 5.8


def row_height_px(row: Row) -> int:
    """Height of a row, so that the names beside the drawing keep step with it."""
    return _LANE_PX * row.lanes + _PAD_PX


def patterns_svg() -> Markup:
    """Definitions that all drawings of a page refer to; drawn once, invisible."""
    return Markup(
        '<svg class="defs" width="0" height="0" aria-hidden="true"><defs>'
        '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="6" height="6" class="hatch-ground"/>'
        '<rect width="2.5" height="6" class="hatch-line"/></pattern>'
        '<pattern id="short" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(-45)"><rect width="1" height="6" class="short-line"/></pattern>'
        "</defs></svg>"
    )


def axis_svg(chart: Chart) -> Markup:
    """The time axis with what was promised and what was reached."""
    scale = chart.scale
    parts = [
        Markup(
            '<line x1="{0}" x2="{0}" y1="26" y2="34" class="tick"/>'
            '<text x="{0}" y="23" class="tick-label" text-anchor="{1}">{2}</text>'
        ).format(_share(scale.place(tick.at_s)), _anchor(scale.place(tick.at_s)), tick.label)
        for tick in scale.ticks()
    ]
    for name, at_s in (("all in service", chart.in_service_s), ("RTO", chart.rto_s)):
        if at_s is not None and at_s <= scale.end_s:
            place = scale.place(at_s)
            parts.append(
                Markup(
                    '<line x1="{0}" x2="{0}" y1="12" y2="34" class="mark"/>'
                    '<text x="{0}" y="9" class="mark-label" text-anchor="{1}">{2} {3}</text>'
                ).format(_share(place), _anchor(place, room=0.2), name, say_duration(at_s))
            )
    for each in scale.breaks:
        middle = (scale.place(each.start_s) + scale.place(each.end_s)) / 2
        parts.append(
            Markup('<text x="{}" y="32" class="short-label" text-anchor="{}">⋯</text>').format(
                _share(middle), _anchor(middle)
            )
        )
    return _drawing(parts, height_px=_AXIS_PX, title="Time since the start of the run")


def band_svg(band: Band, chart: Chart) -> Markup:
    """The rows of one band."""
    parts: list[Markup] = []
    y_px = 0
    for number, row in enumerate(band.rows):
        height_px = row_height_px(row)
        parts.append(
            Markup('<rect x="0" y="{}" width="100%" height="{}" class="{}"/>').format(
                y_px, height_px, "stripe" if number % 2 else "ground"
            )
        )
        y_px += height_px
    parts.extend(_background(chart, height_px=y_px))
    y_px = 0
    for row in band.rows:
        for bar in row.bars:
            parts.extend(
                _bar(bar, scale=chart.scale, y_px=y_px + _PAD_PX / 2 + bar.lane * _LANE_PX)
            )
        y_px += row_height_px(row)
    return _drawing(parts, height_px=y_px, title=f"Time line of {band.name}")


def overview_svg(band: Band, chart: Chart) -> Markup:
    """One line for a whole band: when any of its steps was under way."""
    parts = _background(chart, height_px=_BAR_PX)
    for start_s, end_s in band.spans:
        start = chart.scale.place(start_s)
        width = chart.scale.place(end_s) - start
        parts.append(_rect(start, width, y_px=4, height_px=6, css=f"overview s-{band.state}"))
    return _drawing(parts, height_px=_BAR_PX, title=f"{band.name} in the run")


def _background(chart: Chart, *, height_px: int) -> list[Markup]:
    scale = chart.scale
    parts = [
        Markup('<line x1="{0}" x2="{0}" y1="0" y2="{1}" class="grid"/>').format(
            _share(scale.place(tick.at_s)), height_px
        )
        for tick in scale.ticks()
    ]
    for each in scale.breaks:
        start = scale.place(each.start_s)
        width = scale.place(each.end_s) - start
        parts.append(_rect(start, width, y_px=0, height_px=height_px, css="short"))
    if chart.in_service_s is not None and chart.in_service_s <= scale.end_s:
        parts.append(
            Markup('<line x1="{0}" x2="{0}" y1="0" y2="{1}" class="mark"/>').format(
                _share(scale.place(chart.in_service_s)), height_px
            )
        )
    return parts


def _bar(bar: Bar, *, scale: TimeScale, y_px: float) -> list[Markup]:
    start, end = scale.place(bar.start_s), scale.place(bar.end_s)
    css = f"bar a-{bar.action} s-{bar.state}"
    parts = [
        Markup("<g><title>{}</title>").format(plain_text(bar.hint)),
        _rect(start, end - start, y_px=y_px, height_px=_BAR_PX, css=css),
    ]
    if bar.critical:
        parts.append(_rect(start, end - start, y_px=y_px + _BAR_PX, height_px=3, css="critical"))
    room_px = (end - start) * _NARROWEST_PX - 8
    label = bar.label
    if bar.state != "done":
        label = f"{STATE_GLYPHS[bar.state]} {label}"
    if len(label) * _LETTER_PX > room_px:
        label = "" if bar.state == "done" else STATE_GLYPHS[bar.state]
    if label:
        inside = len(label) * _LETTER_PX <= room_px
        parts.append(
            Markup('<text x="{}" dx="{}" y="{}" text-anchor="{}" class="{}">{}</text>').format(
                _share(start if inside else end),
                4 if inside else 5 if end < 0.97 else -1,
                _number(y_px + 10.5),
                "start" if inside or end < 0.97 else "end",
                f"label a-{bar.action} s-{bar.state}" if inside else f"beside s-{bar.state}",
                label,
            )
        )
    parts.append(Markup("</g>"))
    return parts


def _rect(start: float, width: float, *, y_px: float, height_px: float, css: str) -> Markup:
    # A step of a moment must still be seen: the style asks for at least three pixels.
    return Markup(
        '<rect x="{}" y="{}" width="{}" height="{}" style="width:max({},3px)" class="{}"/>'
    ).format(
        _share(min(start, 0.997)),
        _number(y_px),
        _share(width),
        _number(height_px),
        _share(width),
        css,
    )


def _drawing(parts: Iterable[Markup], *, height_px: int, title: str) -> Markup:
    return Markup(
        '<svg class="time" width="100%" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(height_px, plain_text(title), Markup("").join(parts))


def _share(position: float) -> str:
    return f"{_number(position * 100)}%"


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _anchor(position: float, *, room: float = 0.05) -> str:
    return "start" if position < room else "end" if position > 1 - room else "middle"
