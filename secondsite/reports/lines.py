"""A run as plain lines, one per thing that happened: for pipes, files and screen readers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from secondsite.reports.phrasing import plain_text, say_duration
from secondsite.reports.redaction import withhold_in_text
from secondsite.reports.verdict import HOW_TO_ANSWER
from secondsite.run.record import QuestionRecord, RunRecord, StepRecord

__all__ = ["LineLog"]

_Standing = tuple[str, int, bool]
_Line = tuple[datetime, str]

_CHANGES_SOMETHING = frozenset(
    {
        *("shutdown", "prepare", "failover", "connect", "start", "dns", "reverse", "commit"),
        *("restore-dns", "cleanup", "grant", "give-back", "make-networks", "networks"),
    }
)


class LineLog:
    """Tells what is new in a record since the one before it.

    A step that failed and was tried again between two looks is told once, with its attempts.
    """

    def __init__(self) -> None:
        self._standings: dict[str, _Standing] = {}
        self._asked: set[tuple[str, str]] = set()
        self._decided = 0
        self._engines = 0
        self._notes = 0

    def lines(self, record: RunRecord) -> list[str]:
        """The new lines, in the order of time: `2026-11-20T13:40:05Z databases/sql02/start …`."""
        new = [
            *self._of_engines(record),
            *self._of_steps(record),
            *self._of_questions(record),
            *self._of_decisions(record),
            *self._of_warnings(record),
        ]
        new.sort(key=lambda line: line[0])  # stable: what happened at once stays in this order
        return [f"{at:%Y-%m-%dT%H:%M:%SZ} {plain_text(withhold_in_text(text))}" for at, text in new]

    def _of_steps(self, record: RunRecord) -> Iterator[_Line]:
        for step in record.steps:
            standing = (step.state.value, step.attempts, step.is_unsettled)
            if self._standings.get(step.id) == standing:
                continue
            self._standings[step.id] = standing
            at = step.ended_at or step.started_at
            if at is None or step.action in {"barrier", "gate"}:
                continue  # a gate is told by its question and its decisions
            yield at, f"{step.id} {_words(step)}"
            if step.state.value == "failed" and step.error is not None:
                yield at, f"{step.id}   cause: {step.error.message}"
                yield at, f"{step.id}   next: {step.error.next or 'see the report'}"

    def _of_questions(self, record: RunRecord) -> Iterator[_Line]:
        for question in record.questions:
            if question.asked_at is None:
                continue
            key = (question.id, str(question.asked_at))
            if key not in self._asked:
                self._asked.add(key)
                yield question.asked_at, f"{question.id} {_asked(question)}"

    def _of_decisions(self, record: RunRecord) -> Iterator[_Line]:
        for made in record.decisions[self._decided :]:
            comment = f": {made.comment}" if made.comment else ""
            text = f"{made.step or 'run'} {made.decision.value} by {made.by}{comment}"
            yield made.at, text
        self._decided = len(record.decisions)

    def _of_warnings(self, record: RunRecord) -> Iterator[_Line]:
        for note in record.notes[self._notes :]:
            if note.level == "warning":
                yield note.at, f"{note.step or 'run'} warning: {note.text}"
        self._notes = len(record.notes)

    def _of_engines(self, record: RunRecord) -> Iterator[_Line]:
        for number, each in enumerate(record.attachments[self._engines :], start=self._engines):
            verb = "taken up again by" if number else "carried by"
            yield each.at, f"run {record.run_id} {verb} {each.holder}"
        self._engines = len(record.attachments)


def _words(step: StepRecord) -> str:
    where = f" on {step.host}" if step.host else ""
    attempts = f", attempt {step.attempts}" if step.attempts > 1 else ""
    match step.state.value:
        case "running":
            return f"started{where}{attempts}"
        case "done" if step.done_by_hand:
            return "done by hand"
        case "done":
            is_idle = not step.changed and step.action in _CHANGES_SOMETHING
            changed = ", nothing to change" if is_idle else ""
            return f"done {say_duration(step.duration_s)}{where}{changed}{attempts}"
        case "failed":
            return f"FAILED after {say_duration(step.duration_s)}{where}{attempts}"
        case "pending":
            return "interrupted, will be looked at" if step.is_unsettled else "will be tried again"
        case state:
            return state


def _asked(question: QuestionRecord) -> str:
    return f"waits for people: {question.title}. {HOW_TO_ANSWER}"
