"""The history of a plan and the standing of all plans, as pages to print and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment
from markupsafe import Markup

from secondsite.reports.history import EstateFacts, HistoryFacts, HistoryRun
from secondsite.reports.html import breakable, met
from secondsite.reports.markdown_text import markdown_table, markdown_text
from secondsite.reports.pages import page_environment
from secondsite.reports.phrasing import (
    KIND_WORDS,
    STATE_GLYPHS,
    STATE_WORDS,
    count_of,
    say_duration,
    say_moment,
    say_standing,
    say_state,
)
from secondsite.reports.spread import Spread
from secondsite.reports.trend_svg import TrendPoint, trend_point, trend_svg

__all__ = ["estate_html", "estate_markdown", "history_html", "history_markdown"]

_MET = {True: "✓ met", False: "✗ missed", None: "-"}
_LOOKS = {"verified": "done", "stale": "partly", "failing": "failed"}


def history_html(facts: HistoryFacts) -> str:
    """One plan's page."""
    alike = [run for run in reversed(facts["runs"]) if run["kind"] == facts["kind"]]
    return (
        _environment()
        .get_template("history.html.j2")
        .render(
            facts=facts,
            look=_LOOKS.get(facts["standing"].get("state", ""), "pending"),
            rto_trend=trend_svg(
                [_point(run, "rto") for run in alike],
                objective_s=facts["rto_s"],
                title="Recovery time of each run",
            ),
            lag_trend=trend_svg(
                _lag_points(facts, alike),
                objective_s=facts["rpo_s"],
                title="Replication lag over time",
            ),
            has_lag=bool(alike or facts["lag"]),
            trended=alike,
        )
    )


def estate_html(facts: EstateFacts) -> str:
    """The page of all plans."""
    return (
        _environment()
        .get_template("estate.html.j2")
        .render(facts=facts, counts=_counts(facts), looks=_LOOKS)
    )


def history_markdown(facts: HistoryFacts) -> str:
    """One plan's history as Markdown."""
    lines = [
        f"# History of {markdown_text(facts['plan'])}",
        "",
        *([markdown_text(facts["description"]), ""] if facts["description"] else []),
        *_standing_lines(facts),
        f"As of {say_moment(facts['reported_at'])}.",
        "",
        *markdown_table(
            ("objective", "promised", "latest", "median", "lowest", "highest", "runs"),
            (
                ("RTO", *_spread_cells(facts["rto_s"], facts["rto"])),
                ("RPO", *_spread_cells(facts["rpo_s"], facts["rpo"])),
            ),
        ),
        "",
        "## Runs",
        "",
        *markdown_table(
            ("began", "run", "kind", "state", "took", "RTO", "RPO", "failed steps"),
            map(_run_row, facts["runs"]),
        ),
        "",
        *_coming_lines(facts),
        *_lag_lines(facts),
        "## What takes the longest",
        "",
        *markdown_table(
            ("step on the critical path", "runs", "median"),
            (
                (slow["step"], str(slow["runs"]), say_duration(slow["median_s"]))
                for slow in facts["slowest"]
            ),
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


def estate_markdown(facts: EstateFacts) -> str:
    """All plans as Markdown."""
    rows = (
        (
            plan["plan"],
            say_standing(plan["standing"].get("state", "")),
            "; ".join(plan["standing"].get("reasons", ())),
            _last_words(plan["last"]),
            _said_against(plan["rto"], plan["rto_s"]),
            _said_against(plan["rpo"], plan["rpo_s"]),
        )
        for plan in facts["plans"]
    )
    lines = [
        "# Recovery plans",
        "",
        f"{_counts(facts)}. As of {say_moment(facts['reported_at'])}.",
        "",
        *markdown_table(("plan", "standing", "why", "last failover", "RTO", "RPO"), rows),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _standing_lines(facts: HistoryFacts) -> Sequence[str]:
    standing = facts["standing"]
    if not standing:
        return ()
    reasons = "; ".join(standing.get("reasons", ()))
    return [f"**{say_standing(standing['state'])}**: {markdown_text(reasons)}", ""]


def _coming_lines(facts: HistoryFacts) -> Sequence[str]:
    expected = facts["next_run"]
    if expected is None:
        return ()
    length = say_duration(expected["length_s"])
    rows = (
        (gain["step"], say_duration(gain["takes_s"]), say_duration(gain["gain_s"]))
        for gain in expected["speed_up"]
    )
    return [
        "## What to speed up first",
        "",
        f"The next {expected['kind']} run will take about {length} until every VM is in service, "
        "without the time of people.",
        "",
        *markdown_table(("step", "takes", "without it, sooner by"), rows),
        "",
    ]


def _lag_lines(facts: HistoryFacts) -> Sequence[str]:
    if not facts["lag"]:
        return ()
    rows = (
        (
            say_moment(each["at"]),
            each["vm"],
            say_duration(each["lag_s"]),
            _MET[each["met"]],
        )
        for each in reversed(facts["lag"])
    )
    head = ("check at", "VM that lagged most", "lag", "RPO")
    return ["## Replication lag, as checks saw it", "", *markdown_table(head, rows), ""]


def _counts(facts: EstateFacts) -> str:
    states = [plan["standing"].get("state", "") for plan in facts["plans"]]
    told = [
        f"{states.count(state)} {state}"
        for state in ("failing", "stale", "draft", "verified")
        if state in states
    ]
    return f"{count_of(len(states), 'plan')}{': ' if told else ''}{', '.join(told)}"


def _point(run: HistoryRun, objective: str) -> TrendPoint:
    is_rto = objective == "rto"
    return trend_point(
        run["run_id"],
        run["created_at"],
        value_s=run["rto_actual_s"] if is_rto else run["rpo_actual_s"],
        is_met=run["rto_met"] if is_rto else run["rpo_met"],
    )


def _lag_points(facts: HistoryFacts, runs: Sequence[HistoryRun]) -> list[TrendPoint]:
    """Checks and failovers together, in the order of time."""
    seen = [
        (
            each["at"],
            trend_point(
                f"{each['run_id']}, {each['vm']}",
                each["at"],
                value_s=each["lag_s"],
                is_met=each["met"],
            ),
        )
        for each in facts["lag"]
    ]
    seen += [(run["created_at"], _point(run, "rpo")) for run in runs]
    return [point for _, point in sorted(seen, key=lambda pair: pair[0])]


def _run_row(run: HistoryRun) -> Sequence[str]:
    return (
        say_moment(run["created_at"]),
        run["run_id"],
        say_kind(run),
        say_state(run["state"]),
        say_duration(run["duration_s"]),
        f"{say_duration(run['rto_actual_s'])} {_MET[run['rto_met']]}",
        f"{say_duration(run['rpo_actual_s'])} {_MET[run['rpo_met']]}",
        ", ".join(run["failed"][:3]) + (" …" if len(run["failed"]) > 3 else ""),
    )


def say_kind(run: HistoryRun) -> str:
    """The operation in words, and that it went back where it did."""
    words = KIND_WORDS.get(run["kind"], run["kind"])
    return words if run["direction"] == "forward" else f"{words} (back)"


def _last_words(run: HistoryRun | None) -> str:
    if run is None:
        return "never"
    return f"{say_moment(run['created_at'])}, {say_kind(run).lower()}: {say_state(run['state'])}"


def _spread_cells(promised_s: float | None, spread: Spread | None) -> Sequence[str]:
    if spread is None:
        return (say_duration(promised_s), "-", "-", "-", "-", "0")
    times = (spread["latest_s"], spread["median_s"], spread["low_s"], spread["high_s"])
    return (say_duration(promised_s), *map(say_duration, times), str(spread["count"]))


def _said_against(spread: Spread | None, promised_s: float | None) -> str:
    latest = say_duration(spread["latest_s"]) if spread else "-"
    return f"{latest} of {say_duration(promised_s)}" if promised_s is not None else latest


@cache
def _environment() -> Environment:
    return page_environment(
        {
            "against": _said_against,
            "breakable": breakable,
            "met": met,
            "kind": say_kind,
            "last": _last_words,
            "standing": say_standing,
            "state": _state,
        }
    )


def _state(state: str) -> Markup:
    return Markup('<span class="state s-{}">{} {}</span>').format(
        state, STATE_GLYPHS.get(state, ""), STATE_WORDS.get(state, state)
    )
