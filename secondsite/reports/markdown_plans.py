"""The plans of a run as Markdown: standing, recovery times against the objectives, past runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secondsite.reports.markdown_text import markdown_table, markdown_text
from secondsite.reports.phrasing import say_duration, say_moment, say_standing
from secondsite.reports.plan_words import plan_lines, say_met
from secondsite.reports.recovery_times import RecoveryTime
from secondsite.reports.shape import PlanOfRunFacts, RunFacts, StandingFacts

__all__ = ["plan_sections"]


def plan_sections(facts: RunFacts) -> Iterator[str]:
    """The lines of all plans; of a rehearsal of several, a table of them first."""
    plans = facts["plans"]
    if len(plans) > 1:
        yield "## Plans"
        yield ""
        yield from markdown_table(
            ("plan", "before", "after", "recovery time", "RTO", "age of its data", "RPO", "test"),
            map(_plan_row, plans),
        )
        yield ""
    for plan in plans:
        of = f" of {markdown_text(plan['plan'])}" if len(plans) > 1 else ""
        yield from _findings(plan, of)
        lines = [markdown_text(line) for line in plan_lines(plan)]
        if not lines and not plan["recovery"]["vms"]:
            continue
        yield f"## Recovery{of}"
        yield ""
        for line in lines:
            yield f"- {line}"
        if lines:
            yield ""
        if plan["recovery"]["vms"]:
            yield from markdown_table(
                ("of", "recovery time", "RTO", "of it people", "age of its data", "RPO"),
                _times(plan),
            )
            yield ""
        if len(plan["past"]) > 1:
            yield from markdown_table(
                ("past run", "began", "recovery time", "of it people", "age of its data"),
                (
                    (
                        run["run_id"],
                        say_moment(run["created_at"]),
                        say_duration(run["rto_s"]),
                        say_duration(run["people_s"]),
                        say_duration(run["rpo_s"]),
                    )
                    for run in plan["past"]
                ),
            )
            yield ""


def _findings(plan: PlanOfRunFacts, of: str) -> Iterator[str]:
    if not plan["findings"]:
        return
    yield f"## What the check found{of}"
    yield ""
    yield from markdown_table(
        ("severity", "about", "found", "what to do"),
        (
            (each["severity"], each["area"], each["sentence"], each["remedy"])
            for each in plan["findings"]
        ),
    )
    yield ""


def _plan_row(plan: PlanOfRunFacts) -> Sequence[str]:
    objectives = plan["objectives"]
    return (
        plan["plan"],
        _state(plan["standing_before"]),
        _state(plan["standing_after"]),
        say_duration(objectives["rto_actual_s"]),
        _said(objectives["rto_s"], objectives["rto_met"]),
        say_duration(objectives["rpo_actual_s"]),
        _said(objectives["rpo_s"], objectives["rpo_met"]),
        plan["run_id"] or "none",
    )


def _times(plan: PlanOfRunFacts) -> Iterator[Sequence[str]]:
    recovery = plan["recovery"]
    yield _time_row(plan, recovery["plan"], "whole plan")
    for group in recovery["groups"]:
        yield _time_row(plan, group, f"group {group['name']}")
    for vm in recovery["vms"]:
        yield _time_row(plan, vm, vm["name"])


def _time_row(plan: PlanOfRunFacts, time: RecoveryTime, name: str) -> Sequence[str]:
    objectives = plan["objectives"]
    is_missed = objectives["rto_met"] is False
    return (
        name,
        "not in service" if time["rto_s"] is None else say_duration(time["rto_s"]),
        say_met(time["rto_s"], objectives["rto_s"], is_missed=is_missed),
        say_duration(time["people_s"]) if time["people_s"] else "-",
        say_duration(time["rpo_s"]),
        say_met(time["rpo_s"], objectives["rpo_s"]),
    )


def _state(standing: StandingFacts | None) -> str:
    return "-" if standing is None else say_standing(standing["state"])


def _said(promised_s: float | None, is_met: bool | None) -> str:
    if promised_s is None:
        return "no objective"
    verdict = {True: "✓ met", False: "✗ missed", None: "not known"}[is_met]
    return f"{verdict}, objective {say_duration(promised_s)}"
