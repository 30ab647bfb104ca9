from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondsite.reports.facts import run_facts
from secondsite.reports.gantt import WHOLE_PLAN, Row, lay_out
from secondsite.reports.gantt_svg import axis_svg, band_svg, overview_svg, row_height_px
from secondsite.reports.shape import RunFacts
from secondsite.run.replay import replay
from tests.reports.story import BEGIN, Story, failed, of_size, succeeded, under_way

STORIES = {
    "succeeded": succeeded(),
    "failed": failed(),
    "under way": under_way(),
    "waiting": Story(),
    "hundred": of_size(100),
}


def overlaps(row: Row) -> list[tuple[str, str]]:
    return [
        (one.step, other.step)
        for one, other in itertools.combinations(row.bars, 2)
        if one.lane == other.lane
        and one.start_s < other.end_s - 1e-9
        and other.start_s < one.end_s - 1e-9
    ]


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_every_step_that_began_has_one_bar_and_no_other_step_has(story: Story) -> None:
    facts = run_facts(story.record())

    chart = lay_out(facts)

    drawn = [bar.step for band in chart.bands for row in band.rows for bar in row.bars]
    began = [s["id"] for s in facts["steps"] if s["started_at"] and s["action"] != "barrier"]
    assert sorted(drawn) == sorted(began)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_bars_lie_where_their_steps_were_in_time(story: Story) -> None:
    facts = run_facts(story.record())
    steps = {step["id"]: step for step in facts["steps"]}

    chart = lay_out(facts)

    for bar in (bar for band in chart.bands for row in band.rows for bar in row.bars):
        step = steps[bar.step]
        end = step["ended_at"] or facts["reported_at"]
        assert step["started_at"] is not None
        assert seconds(facts, step["started_at"]) == pytest.approx(bar.start_s)
        assert seconds(facts, end) == pytest.approx(bar.end_s)


def seconds(facts: RunFacts, moment: str) -> float:
    began = datetime.fromisoformat(facts["created_at"])
    return (datetime.fromisoformat(moment) - began).total_seconds()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), min_size=1, max_size=12))
def test_no_bar_hides_another(times: list[tuple[int, int]]) -> None:
    facts = run_facts(Story(groups={"web": ("web01",)}, gates=()).record())
    pattern = facts["steps"][-2]
    facts["steps"] = []
    for number, (start_s, length_s) in enumerate(times):
        start = BEGIN + timedelta(seconds=start_s)
        step = pattern.copy()
        step["id"], step["vm"], step["action"] = f"web/web01/{number}", "web01", "start"
        step["started_at"] = start.isoformat()
        step["ended_at"] = (start + timedelta(seconds=length_s)).isoformat()
        facts["steps"].append(step)

    chart = lay_out(facts)

    (row,) = (row for band in chart.bands for row in band.rows)
    assert len(row.bars) == len(times)
    assert overlaps(row) == []


def test_steps_one_after_another_share_one_lane() -> None:
    chart = lay_out(run_facts(succeeded().record()))

    assert {row.lanes for band in chart.bands for row in band.rows} == {1}


def test_bands_are_the_plans_groups_in_order() -> None:
    chart = lay_out(run_facts(succeeded().record()))

    names = [band.name for band in chart.bands]
    assert names == [WHOLE_PLAN, "directory", "databases", "application", "web"]
    assert [row.name for row in chart.bands[2].rows] == [
        *("sql01", "sql02", "sql03"),
        "after/point-app-at",
    ]


def test_a_step_under_way_reaches_to_the_moment_of_the_report() -> None:
    facts = run_facts(under_way().record(), reported_at=BEGIN + timedelta(seconds=80))

    chart = lay_out(facts)

    running = [
        bar
        for band in chart.bands
        for row in band.rows
        for bar in row.bars
        if bar.state == "running"
    ]
    assert running
    assert {bar.end_s for bar in running} == {80.0}


def test_a_run_that_never_began_is_drawn_without_bars() -> None:
    events = Story().events()
    chart = lay_out(run_facts(replay(events[:1])))

    assert not any(row.bars for band in chart.bands for row in band.rows)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_the_drawings_are_well_formed_and_stay_inside(story: Story) -> None:
    chart = lay_out(run_facts(story.record()))

    for band in chart.bands:
        drawing = well_formed(str(band_svg(band, chart)))
        assert float(drawing.get("height", "0")) == sum(map(row_height_px, band.rows))
        for rect in drawing.iter("rect"):
            left, width = percent(rect.get("x")), percent(rect.get("width"))
            assert 0.0 <= left <= 100.0
            assert left + width <= 100.001
        well_formed(str(overview_svg(band, chart)))
    well_formed(str(axis_svg(chart)))


def well_formed(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)  # noqa: S314  # our own drawing


def percent(text: str | None) -> float:
    assert text is not None
    return float(text.removesuffix("%"))


def test_failure_and_critical_path_are_told_without_colour() -> None:
    chart = lay_out(run_facts(failed().record()))
    databases = next(band for band in chart.bands if band.name == "databases")

    drawing = str(band_svg(databases, chart))

    assert "✗ ready" in drawing
    assert 'class="critical"' in drawing


def test_names_cannot_break_out_of_the_drawing() -> None:
    hostile = "<script>alert(1)</script>\"'&\u202e"
    chart = lay_out(run_facts(Story(groups={"web": (hostile,)}, gates=()).record()))

    drawings = [str(band_svg(band, chart)) for band in chart.bands]

    assert "<script>" not in "".join(drawings)
    assert all(well_formed(drawing) is not None for drawing in drawings)
