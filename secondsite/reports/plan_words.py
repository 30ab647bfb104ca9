"""What a run means for its plan, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from secondsite.reports.phrasing import count_of, say_duration, say_standing
from secondsite.reports.shape import PlanOfRunFacts

__all__ = ["plan_lines", "say_met", "standing_change"]


def standing_change(plan: PlanOfRunFacts) -> str:
    """`! stale before this run, ✓ verified after it`; empty where nobody has asked the journal."""
    before, after = plan["standing_before"], plan["standing_after"]
    if before is None:
        return ""
    words = f"{say_standing(before['state'])} before this run"
    return f"{words}, {say_standing(after['state'])} after it" if after else words


def plan_lines(plan: PlanOfRunFacts) -> Iterator[str]:
    """Standing, spread of the past runs, the next one and what to speed up first."""
    if change := standing_change(plan):
        now = plan["standing_after"] or plan["standing_before"]
        why = "; ".join(now["reasons"]).rstrip(".") if now else ""
        yield f"Standing of the plan: {change}{f' ({why})' if why else ''}."
    spread, lag, expected = plan["rto"], plan["rpo"], plan["next_run"]
    if spread is not None and spread["count"] > 1:
        line = (
            f"{count_of(spread['count'], 'run')} of this kind: recovery time "
            f"{say_duration(spread['median_s'])} (median), from {say_duration(spread['low_s'])} to "
            f"{say_duration(spread['high_s'])}"
        )
        if lag is not None:
            line += (
                f"; age of the data {say_duration(lag['median_s'])} (median), from "
                f"{say_duration(lag['low_s'])} to {say_duration(lag['high_s'])}"
            )
        yield f"{line}."
    if expected is not None:
        yield (
            f"The next run of this kind will take about {say_duration(expected['length_s'])} until "
            "every VM is in service, without the time of people."
        )
        gains = [
            f"{number}. {gain['step']} ({say_duration(gain['gain_s'])} sooner without it)"
            for number, gain in enumerate(expected["speed_up"][:3], start=1)
        ]
        if gains:
            yield f"Speed up first: {', '.join(gains)}."


def say_met(actual_s: float | None, promised_s: float | None, *, is_missed: bool = False) -> str:
    """Whether a time meets what was promised; `is_missed`: without a time, nothing was reached."""
    if promised_s is None:
        return "no objective"
    if actual_s is None:
        return "✗ missed" if is_missed else "-"
    return "✓ met" if actual_s <= promised_s else "✗ missed"
