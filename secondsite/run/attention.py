"""What a run needs when no engine carries it: that somebody takes it up again. Pure."""

from __future__ import annotations

from datetime import datetime

from secondsite.run.record import RunRecord

__all__ = ["INTERRUPTED", "RESUMED", "is_overdue", "may_resume_by_itself", "noted_since_engine"]

INTERRUPTED = "interrupted"
RESUMED = "resumed_by_itself"
"""Keys, in a note's details, of what was noticed or done about a run that nobody carried."""

_MOST_RESUMPTIONS = 3


def is_overdue(record: RunRecord, *, now: datetime) -> bool:
    """Whether a gate of the run has not been answered in time: the plan says what follows."""
    return any(
        question.deadline_at is not None and question.deadline_at < now
        for question in record.open_questions
    )


def noted_since_engine(record: RunRecord, key: str) -> bool:
    """Whether `key` has been noted since an engine last took the run up."""
    since = record.attachments[-1].at if record.attachments else record.created_at
    return any(key in note.details and note.at >= since for note in record.notes)


def may_resume_by_itself(record: RunRecord, *, is_wanted: bool) -> bool:
    """Whether an interrupted run is taken up without being asked; not for ever."""
    resumed = sum(RESUMED in note.details for note in record.notes)
    return is_wanted and resumed < _MOST_RESUMPTIONS
