"""What people were asked, and how it was settled. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from secondsite.run.events import Asked, Decided, PlannedStep
from secondsite.run.record import QuestionRecord

__all__ = ["Question", "question_records"]


@dataclass(slots=True)
class Question:
    """One question, as far as it has come."""

    asked: Asked
    decisions: list[Decided] = field(default_factory=list)
    settled: Decided | None = None


def question_records(
    steps: Sequence[PlannedStep], questions: Sequence[Question]
) -> tuple[QuestionRecord, ...]:
    """Every gate in the order of the graph, those not come to as well; then the failures."""
    asked = [_record(question) for question in questions]
    order = {step.id: index for index, step in enumerate(steps)}
    gates = [question for question in asked if question.about == "gate"]
    known = {question.id for question in gates}
    gates += [_not_asked(step) for step in steps if step.action == "gate" and step.id not in known]
    gates.sort(key=lambda question: order[question.id])
    return (*gates, *(question for question in asked if question.about == "failure"))


def _record(question: Question) -> QuestionRecord:
    asked, settled = question.asked, question.settled
    return QuestionRecord(
        id=asked.step,
        about=asked.about,
        title=asked.title,
        shown=asked.shown,
        approvers=asked.approvers,
        required=asked.required,
        asked_at=asked.at,
        deadline_at=asked.deadline_at,
        decisions=tuple(question.decisions),
        decision=settled.decision if settled else None,
        by=settled.by if settled else "",
        at=settled.at if settled else None,
        comment=settled.comment if settled else "",
        with_code=asked.with_code,
    )


def _not_asked(step: PlannedStep) -> QuestionRecord:
    return QuestionRecord(
        id=step.id,
        about="gate",
        title=step.title,
        shown="",
        approvers=(),
        required=1,
        asked_at=None,
        deadline_at=None,
        decisions=(),
        decision=None,
        by="",
        at=None,
        comment="",
    )
