"""Plan and estate as a run began with them: it goes on with these, whatever the files say later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from secondsite.plan.estate import Estate
from secondsite.plan.model import Plan
from secondsite.run.events import JournalEvent, Noted

__all__ = ["model_in", "model_note"]

_TEXT = "plan and estate as the run began with them"


def model_note(plan: Plan, estate: Estate, *, at: datetime) -> Noted:
    """Plan and estate, as the journal keeps them: whole, and without a secret."""
    details = {"plan": plan.model_dump(mode="json"), "estate": estate.model_dump(mode="json")}
    return Noted(at=at, text=_TEXT, details=details)


def model_in(events: Iterable[JournalEvent]) -> tuple[Plan, Estate] | None:
    """What the run of these events began with; None if it never came to that."""
    for event in events:
        if isinstance(event, Noted) and event.text == _TEXT:
            details = event.details
            plan = Plan.model_validate(details["plan"])
            return plan, Estate.model_validate(details["estate"])
    return None
