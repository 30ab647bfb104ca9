from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from secondsite.reports.facts import run_facts
from secondsite.reports.history import EstateFacts, HistoryFacts, estate_facts, history_facts
from secondsite.reports.history_pages import (
    estate_html,
    estate_markdown,
    history_html,
    history_markdown,
)
from secondsite.reports.lag import lag_facts
from secondsite.reports.shape import RunFacts
from secondsite.reports.trend_svg import TrendPoint, trend_svg
from secondsite.run.check_events import CHECK_STEPS, check_events
from secondsite.run.events import RunCreated
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from tests.reports.story import BEGIN, Story, failed, succeeded

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
VERIFIED = {"state": "verified", "reasons": ["storefront-test-3 succeeded"], "next": ""}
HOSTILE = "<script>alert('x')</script>|\u202e"


def a_run(story: Story, *, number: int, rto_s: float | None = None) -> RunFacts:
    begins = BEGIN + timedelta(days=90 * number)
    run_id = f"storefront-test-{number}"
    facts = run_facts(replace(story, run_id=run_id, begins_at=begins).record())
    if rto_s is not None:
        facts["objectives"]["rto_actual_s"] = rto_s
        facts["objectives"]["rto_met"] = rto_s <= 2700
    return facts


@pytest.fixture
def history() -> HistoryFacts:
    """Three tests, the newest first: a slow one, one that failed, a quick one."""
    runs = [
        a_run(succeeded(), number=3, rto_s=3000),
        a_run(failed(), number=2),
        a_run(succeeded(), number=1, rto_s=1000),
    ]
    return history_facts("storefront", runs, now=NOW, standing=VERIFIED, rto_s=2700.0, rpo_s=900.0)


@pytest.fixture
def estate(history: HistoryFacts) -> EstateFacts:
    broken = history_facts(
        "payroll",
        [],
        now=NOW,
        standing={"state": "failing", "reasons": ["sql09 has no replica"], "next": "Mend it"},
    )
    return estate_facts([history, broken], vms={"storefront": 12}, now=NOW)


def parsed(page: str) -> ET.Element:
    return ET.fromstring(page[page.index("<html") :])  # noqa: S314  # our own page


def test_the_spread_is_of_what_was_measured_and_the_newest_run_is_the_latest(
    history: HistoryFacts,
) -> None:
    assert history["rto"] == {
        "count": 2,
        "low_s": 1000,
        "median_s": 2000,
        "high_s": 3000,
        "latest_s": 3000,
    }
    assert history["rpo"] is not None
    assert history["rpo"]["count"] == 3


def test_only_runs_like_the_newest_failover_are_compared() -> None:
    real = replace(succeeded(), kind="planned")
    runs = [
        a_run(real, number=3, rto_s=500),
        a_run(succeeded(), number=2, rto_s=1000),
        a_run(Story(kind="cleanup"), number=1),
    ]

    facts = history_facts("storefront", runs, now=NOW)

    assert facts["kind"] == "planned"
    assert facts["rto"] is not None
    assert facts["rto"]["count"] == 1
    assert [run["kind"] for run in facts["runs"]] == ["planned", "test", "cleanup"]


def test_people_and_the_clean_up_are_not_what_to_speed_up(history: HistoryFacts) -> None:
    steps = [slow["step"] for slow in history["slowest"]]

    assert steps
    assert not [step for step in steps if step == "hold" or step.endswith("/cleanup")]
    whole = [slow["runs"] * slow["median_s"] for slow in history["slowest"]]
    assert whole == sorted(whole, reverse=True)


def test_a_failed_run_names_its_failed_steps(history: HistoryFacts) -> None:
    assert [bool(run["failed"]) for run in history["runs"]] == [False, True, False]
    assert history["runs"][1]["failed"][0] in history_markdown(history)


def test_plans_that_need_attention_come_first(estate: EstateFacts) -> None:
    assert [plan["plan"] for plan in estate["plans"]] == ["payroll", "storefront"]
    assert "2 plans: 1 failing, 1 verified" in estate_markdown(estate)
    assert "sql09 has no replica" in estate_html(estate)


@pytest.mark.parametrize("runs", [0, 3])
def test_the_page_is_well_formed_and_needs_nothing_else(history: HistoryFacts, runs: int) -> None:
    facts = history_facts(
        HOSTILE,
        [a_run(succeeded(), number=number) for number in range(runs)],
        now=NOW,
        description=HOSTILE,
        standing={"state": "stale", "reasons": [HOSTILE], "next": HOSTILE},
    )

    for page in (
        history_html(facts),
        estate_html(estate_facts([facts, history], vms={}, now=NOW)),
    ):
        root = parsed(page)
        assert not {e.tag for e in root.iter()} & {"script", "link", "img", "iframe", "object"}
        assert not re.search(r"url\((?!#)|@import|https?://", page)
    assert "<script" not in history_markdown(facts)


def test_every_run_is_a_dot_and_the_objective_a_line(history: HistoryFacts) -> None:
    page = parsed(history_html(history))

    rto, rpo = [svg for svg in page.iter("svg") if svg.get("class") == "trend-chart"]

    assert [len(dots(rto, css)) for css in ("s-done", "s-failed")] == [1, 1]
    assert len(dots(rpo, "s-done")) == 3
    assert "objective 45 min" in "".join(rto.itertext())


def dots(svg: ET.Element, css: str) -> list[ET.Element]:
    return [each for each in svg.iter() if each.get("class") == f"dot {css}"]


@pytest.mark.parametrize("value_s", [0.0, 0.4, 59.0, 2700.0, 86400.0 * 40])
def test_the_scale_fits_what_it_shows(value_s: float) -> None:
    point = TrendPoint(label="2026-11-24", value_s=value_s, is_good=True, hint="")

    svg = ET.fromstring(str(trend_svg([point], objective_s=None, title="t")))  # noqa: S314

    (dot,) = dots(svg, "s-done")
    assert 14 <= float(dot.get("cy", "0")) <= 160
    assert 2 <= len([e for e in svg.iter() if e.get("class") == "grid"]) <= 7


def test_values_far_below_the_objective_are_no_flat_line() -> None:
    points = [
        TrendPoint(label="2026-11-24", value_s=value_s, is_good=True, hint="", clock=clock)
        for value_s, clock in ((60.0, "03:00"), (120.0, "04:00"))
    ]

    svg = ET.fromstring(str(trend_svg(points, objective_s=14400.0, title="t")))  # noqa: S314

    low, high = dots(svg, "s-done")
    assert float(low.get("cy", "0")) - float(high.get("cy", "0")) > 50
    text = "".join(svg.itertext())
    assert "objective 4 h, far above" in text
    assert text.count("2026-11-24") == 1
    assert "04:00" in text


def a_check(number: int, lag_s: dict[str, float]) -> RunRecord:
    created = RunCreated(
        at=BEGIN + timedelta(days=number),
        run_id=f"storefront-check-{number}",
        plan="storefront",
        plan_digest="sha256:1",
        operation="check",
        direction="forward",
        steps=CHECK_STEPS,
    )
    return replay(check_events(created, [], hardware={}, lag_s=lag_s, ended_at=created.at))


def test_the_lag_that_checks_saw_is_drawn_beside_that_of_the_runs() -> None:
    checks = [a_check(1, {"dc01": 60.0, "sql01": 1200.0}), a_check(2, {}), a_check(3, {"a": 9.0})]

    lag = lag_facts(checks, rpo_s=900.0)
    facts = history_facts(
        "storefront", [a_run(succeeded(), number=1)], now=NOW, rpo_s=900.0, lag=lag
    )

    assert [(each["vm"], each["lag_s"], each["met"]) for each in lag] == [
        ("sql01", 1200.0, False),
        ("a", 9.0, True),
    ]
    _, picture = [
        e for e in parsed(history_html(facts)).iter("svg") if "trend" in e.get("class", "")
    ]
    assert [len(dots(picture, css)) for css in ("s-done", "s-failed")] == [2, 1]
    assert "| sql01 | 20 min | ✗ missed |" in history_markdown(facts)
