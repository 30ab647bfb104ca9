"""A check as the journal keeps it: a run of one step, whose evidence is what was found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from secondsite.run.events import (
    ErrorFact,
    JournalEvent,
    PlannedStep,
    RunCreated,
    RunEnded,
    StepIntent,
    StepOutcome,
)
from secondsite.run.finding import Finding, Severity, is_sound
from secondsite.run.proof import AWAY, CHECK, FINDINGS, HARDWARE, LAG

__all__ = ["CHECK_STEPS", "check_events", "counted", "verdict"]

CHECK_STEPS = (PlannedStep(id=CHECK, action=CHECK, title="readiness"),)


def check_events(
    created: RunCreated,
    findings: Sequence[Finding],
    *,
    hardware: Mapping[str, Mapping[str, Any]],
    ended_at: datetime,
    lag_s: Mapping[str, float] | None = None,
    away: Sequence[str] = (),
) -> tuple[JournalEvent, ...]:
    """Everything that the journal is told of a check, all at once: it has touched nothing.

    `away` are the VMs that are already in the site to which the failover in question would lead.
    """
    sound = is_sound(findings)
    words = verdict(findings)
    wrong = ErrorFact(
        kind=CHECK, message=words, next=f"Mend these, then: secondsite check {created.plan}"
    )
    return (
        created,
        StepIntent(at=created.at, step=CHECK),
        StepOutcome(
            at=ended_at,
            step=CHECK,
            state="done" if sound else "failed",
            evidence={
                FINDINGS: [each.as_dict() for each in findings],
                HARDWARE: dict(hardware),
                LAG: dict(lag_s or {}),
                **({AWAY: list(away)} if away else {}),
            },
            error=None if sound else wrong,
        ),
        RunEnded(at=ended_at, state="done" if sound else "failed", summary=words),
    )


def verdict(findings: Sequence[Finding]) -> str:
    """What a check found, in a sentence; `findings` are the gravest first."""
    if not findings:
        return "Ready: nothing was found that speaks against it."
    first = f"First: {findings[0].sentence}."
    if is_sound(findings):
        return f"Ready, with {counted(findings)}. {first}"
    return f"Not ready: {counted(findings)}. {first}"


def counted(findings: Sequence[Finding]) -> str:
    """`2 blockers, 1 warning`."""
    counts = {each: sum(found.severity is each for found in findings) for each in Severity}
    return ", ".join(
        f"{count} {severity}{'s' if count > 1 else ''}"
        for severity, count in counts.items()
        if count
    )
