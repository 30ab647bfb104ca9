"""Plan and estate as a run began with them: it goes on with these, whatever the files say later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from secondsite.plan.estate import Estate
from secondsite.plan.model import Plan
from secondsite.plan.written import Written
from secondsite.run.events import JournalEvent, Noted

__all__ = ["model_in", "model_note"]

ModelT = TypeVar("ModelT", bound=Written)

_TEXT = "plan and estate as the run began with them"


def model_note(plan: Plan, estate: Estate, *, at: datetime) -> Noted:
    """Plan and estate, as the journal keeps them: whole, and without a secret.

    They are texts, because events sort the keys of what they hold, and which network a person has
    written first makes a difference.
    """
    details = {"plan": plan.model_dump_json(), "estate": estate.model_dump_json()}
    return Noted(at=at, text=_TEXT, details=details)


def model_in(events: Iterable[JournalEvent]) -> tuple[Plan, Estate] | None:
    """What the run of these events began with; None if it never came to that."""
    for event in events:
        if isinstance(event, Noted) and event.text == _TEXT:
            return _read(Plan, event.details["plan"]), _read(Estate, event.details["estate"])
    return None


def _read(model: type[ModelT], kept: Any) -> ModelT:
    """The model; journals of earlier versions hold objects, whose keys are sorted."""
    if isinstance(kept, str):
        return model.model_validate_json(kept)
    return model.model_validate(kept)
