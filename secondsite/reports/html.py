"""The report of a run as one HTML page that needs nothing else: no script, font, image or network.

What is said is decided in `facts`, `verdict`, `groups` and `path`; this module hands it to the
template, which escapes everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Template
from markupsafe import Markup

from secondsite.reports.choices import say_choices
from secondsite.reports.facts import Reportable, as_facts
from secondsite.reports.gantt import Band, Chart, lay_out
from secondsite.reports.gantt_svg import (
    axis_svg,
    band_svg,
    overview_svg,
    patterns_svg,
    row_height_px,
)
from secondsite.reports.groups import group_progress, vm_standings
from secondsite.reports.pages import page_environment
from secondsite.reports.path import slowest
from secondsite.reports.phrasing import (
    ACTION_WORDS,
    KIND_WORDS,
    STATE_GLYPHS,
    STATE_WORDS,
    clock_time,
    plain_lines,
    plain_text,
    say_action,
    say_how,
    say_standing,
)
from secondsite.reports.plan_words import say_met
from secondsite.reports.shape import PlanOfRunFacts, RunFacts, StepFacts, VmFacts
from secondsite.reports.trend_svg import trend_point, trend_svg
from secondsite.reports.verdict import (
    operation_of,
    outcome_of,
    plan_sentences,
    problems,
    progress_sentence,
    questions,
)

__all__ = ["breakable", "met", "report_html"]

_MOST_OPEN = 40
"""Up to so many VMs everything is unfolded; beyond, groups are folded unless something is amiss."""

_MOST_EVIDENCE = 4000
"""Characters of a step's evidence; the whole of it is in `report --json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folded:
    """One group of a long list, folded unless it is short or something in it needs attention."""

    name: str
    is_open: bool
    steps: tuple[StepFacts, ...] = ()
    vms: tuple[VmFacts, ...] = ()


def report_html(source: Reportable) -> str:
    """The page."""
    facts = as_facts(source)
    chart = lay_out(facts)
    drawn = {bar.action for band in chart.bands for row in band.rows for bar in row.bars}
    return _template().render(
        facts=facts,
        title=f"{operation_of(facts)}: {outcome_of(facts)}",
        objectives=plan_sentences(facts),
        missed=any(plan["objectives"]["met"] is False for plan in facts["plans"]),
        pictures={plan["plan"]: _pictures(plan) for plan in facts["plans"] if plan["past"][1:]},
        most_open=_MOST_OPEN,
        standings=vm_standings(facts),
        choices=say_choices(facts["kind"], facts["parameters"]),
        progress=progress_sentence(facts),
        problems=problems(facts),
        questions=questions(facts),
        groups=group_progress(facts),
        slowest=slowest(facts, most=8),
        chart=chart,
        bands=[(band, _is_open(band, chart)) for band in chart.bands],
        legend=[action for action in ACTION_WORDS if action in drawn],
        step_groups=list(_by_group(facts)),
        vm_groups=list(_vms_by_group(facts)),
        svg={
            "axis": axis_svg(chart),
            "patterns": patterns_svg(),
            "band": lambda band: band_svg(band, chart),
            "overview": lambda band: overview_svg(band, chart),
            "row_height": row_height_px,
        },
    )


def _pictures(plan: PlanOfRunFacts) -> dict[str, Markup]:
    """How recovery time and replication lag went over the past runs, this one included."""
    objectives = plan["objectives"]
    return {
        "rto": trend_svg(
            [
                trend_point(
                    run["run_id"], run["created_at"], value_s=run["rto_s"], is_met=run["rto_met"]
                )
                for run in plan["past"]
            ],
            objective_s=objectives["rto_s"],
            title="Recovery time of each run",
        ),
        "rpo": trend_svg(
            [
                trend_point(
                    run["run_id"], run["created_at"], value_s=run["rpo_s"], is_met=run["rpo_met"]
                )
                for run in plan["past"]
            ],
            objective_s=objectives["rpo_s"],
            title="Age of the data of each run",
        ),
    }


def _is_open(band: Band, chart: Chart) -> bool:
    rows = sum(len(each.rows) for each in chart.bands)
    return rows <= _MOST_OPEN + 10 or band.state in {"failed", "aborted"}


def _by_group(facts: RunFacts) -> Iterable[_Folded]:
    by_group: dict[str, list[StepFacts]] = {}
    for step in facts["steps"]:
        if step["action"] != "barrier":
            by_group.setdefault(step["group"], []).append(step)
    for name, steps in by_group.items():
        yield _Folded(
            name=name or "Whole plan",
            is_open=any(step["state"] in {"failed", "aborted"} for step in steps),
            steps=tuple(steps),
        )


def _vms_by_group(facts: RunFacts) -> Iterable[_Folded]:
    if len(facts["vms"]) <= _MOST_OPEN:
        yield _Folded(name="", is_open=True, vms=tuple(facts["vms"]))
        return
    by_group: dict[str, list[VmFacts]] = {}
    for vm in facts["vms"]:
        by_group.setdefault(vm["group"], []).append(vm)
    for name, vms in by_group.items():
        is_open = any(vm["state"] in {"failed", "aborted"} for vm in vms)
        yield _Folded(name=name, is_open=is_open, vms=tuple(vms))


@cache
def _template() -> Template:
    environment = page_environment(
        {
            "action": say_action,
            "clock": clock_time,
            "evidence": _evidence,
            "how": lambda made: say_how(
                made["via"], with_code=made["with_code"], account=made["account"]
            ),
            "breakable": breakable,
            "met": met,
            "standing": say_standing,
            "state": _state,
        }
    )
    environment.globals |= {"KIND_WORDS": KIND_WORDS}
    return environment.get_template("report.html.j2")


def _state(state: str) -> Markup:
    return Markup('<span class="state s-{}"><span class="glyph">{}</span> {}</span>').format(
        state, STATE_GLYPHS.get(state, ""), STATE_WORDS.get(state, state)
    )


def met(actual_s: float | None, promised_s: float | None, is_missed: bool = False) -> Markup:
    """Whether a time meets what was promised."""
    words = say_met(actual_s, promised_s, is_missed=is_missed)
    css = {"✓": "good", "✗": "bad"}.get(words[:1], "soft")
    return Markup('<span class="{}">{}</span>').format(css, words)


def breakable(text: str) -> Markup:
    """A step's id that may be broken after its slashes."""
    return Markup("/<wbr/>").join(plain_text(text).split("/"))


def _evidence(evidence: dict[str, Any]) -> str:
    text = plain_lines(json.dumps(evidence, indent=1, ensure_ascii=False, default=str))
    if len(text) <= _MOST_EVIDENCE:
        return text
    return f"{text[:_MOST_EVIDENCE]}\n… (the rest is in `secondsite report --json`)"
