"""What a gate says about time and about rehearsals, as frozen models."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from secondsite.plan.quantities import Duration
from secondsite.plan.written import Written

__all__ = ["Escalation", "InRehearsal", "OnTimeout"]


class OnTimeout(StrEnum):
    """What an unanswered gate leads to."""

    STOP = "stop"
    CONTINUE = "continue"
    ESCALATE = "escalate"


class InRehearsal(StrEnum):
    """What becomes of a gate in a rehearsal, where nobody waits for it."""

    ASK = "ask"
    SKIP = "skip"
    APPROVE = "approve"


class Escalation(Written):
    """Whom a gate asks in addition when nobody has answered in time.

    Attributes:
        approvers: Who may decide from then on, beside those who were asked before.
        timeout: The new limit, from the escalation on.
        on_timeout: What further silence leads to: `stop` the run, or `continue`.
    """

    approvers: Annotated[tuple[str, ...], Field(min_length=1)]
    timeout: Duration = timedelta(hours=1)
    on_timeout: Literal["stop", "continue"] = "stop"
