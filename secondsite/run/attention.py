"""What a run needs when no engine carries it: that somebody takes it up again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from secondsite.run.deadlines import has_lapsed
from secondsite.run.record import RunRecord

__all__ = [
    "CANCELLED",
    "INTERRUPTED",
    "RESUMED",
    "TAKING_UP",
    "is_being_taken_up",
    "is_left",
    "is_overdue",
    "may_resume_by_itself",
    "noted_since_engine",
]

CANCELLED = "cancelled"
INTERRUPTED = "interrupted"
RESUMED = "resumed_by_itself"
TAKING_UP = "taking_up"
"""Keys, in a note's details, of what was noticed or done about a run that nobody carried."""

_MOST_RESUMPTIONS = 3
_TAKING_UP_LASTS = timedelta(minutes=1)
_TAKEN_UP_WITHIN_S = 60.0
"""From an answer at a gate until an engine carries the run again, at the most."""


def is_left(record: RunRecord, *, let_go_at: datetime, now: datetime) -> bool:
    """Whether a run that no process carries since `let_go_at` needs somebody to take it up.

    One that waits for people does not, nor one that has just got its answer.
    """
    if record.ended_at is not None:
        return False
    if any(noted_since_engine(record, key) for key in (CANCELLED, INTERRUPTED)):
        return True
    since = max(let_go_at, record.last_event_at)
    is_late = now - since > timedelta(seconds=_TAKEN_UP_WITHIN_S)
    return record.state != "waiting" and is_late


def is_overdue(record: RunRecord, *, now: datetime) -> bool:
    """Whether a gate of the run has not been answered in time: the plan says what follows."""
    return any(has_lapsed(question, now=now) for question in record.open_questions)


def is_being_taken_up(record: RunRecord, *, now: datetime) -> bool:
    """Whether a watch has taken the run up, or has begun to within the last minute.

    Of several watches one does it; one that failed, or died, is followed by another.
    """
    if noted_since_engine(record, RESUMED):
        return True
    since = record.attachments[-1].at if record.attachments else record.created_at
    return any(
        TAKING_UP in note.details and note.at >= since and now - note.at < _TAKING_UP_LASTS
        for note in record.notes
    )


def noted_since_engine(record: RunRecord, key: str) -> bool:
    """Whether `key` has been noted since an engine last took the run up."""
    since = record.attachments[-1].at if record.attachments else record.created_at
    return any(key in note.details and note.at >= since for note in record.notes)


def may_resume_by_itself(
    record: RunRecord, *, is_wanted: bool, also_cancelled: bool = False
) -> bool:
    """Whether an interrupted run is taken up without being asked; not for ever.

    Never one that a person has cancelled, unless it is taken up only to be brought to its end.
    """
    if noted_since_engine(record, CANCELLED) and not also_cancelled:
        return False
    resumed = sum(RESUMED in note.details for note in record.notes)
    return is_wanted and resumed < _MOST_RESUMPTIONS
