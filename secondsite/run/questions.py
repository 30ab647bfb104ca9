"""What people were asked, and how it was settled. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from secondsite.run.events import Asked, Decided, Escalated, PlannedStep, Reminded
from secondsite.run.record import QuestionRecord

__all__ = ["Question", "question_records"]


@dataclass(slots=True)
class Question:
    """One question, as far as it has come."""

    asked: Asked
    decisions: list[Decided] = field(default_factory=list)
    escalations: list[Escalated] = field(default_factory=list)
    reminders: list[Reminded] = field(default_factory=list)
    settled: Decided | None = None

    def record(self) -> QuestionRecord:
        """As it stands now."""
        asked, settled = self.asked, self.settled
        added = [name for each in self.escalations for name in each.approvers]
        coded = [name for each in self.escalations for name in each.with_code]
        last = self.escalations[-1] if self.escalations else None
        return QuestionRecord(
            id=asked.step,
            about=asked.about,
            title=asked.title,
            shown=asked.shown,
            approvers=_once((*asked.approvers, *added)),
            required=asked.required,
            asked_at=asked.at,
            deadline_at=last.deadline_at if last else asked.deadline_at,
            decisions=tuple(self.decisions),
            decision=settled.decision if settled else None,
            by=settled.by if settled else "",
            at=settled.at if settled else None,
            comment=settled.comment if settled else "",
            via=settled.via if settled else "",
            with_code=_once((*asked.with_code, *coded)),
            separate_from=asked.separate_from,
            remind_every_s=asked.remind_every_s,
            escalations=tuple(self.escalations),
            reminders=tuple(self.reminders),
        )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    """`names` without those that are there already, in other letters."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.casefold(), name)
    return tuple(first.values())


def question_records(
    steps: Sequence[PlannedStep], questions: Sequence[Question]
) -> tuple[QuestionRecord, ...]:
    """Every gate in the order of the graph, those not come to as well; then the failures."""
    asked = [question.record() for question in questions]
    order = {step.id: index for index, step in enumerate(steps)}
    gates = [question for question in asked if question.about == "gate"]
    known = {question.id for question in gates}
    gates += [_not_asked(step) for step in steps if step.action == "gate" and step.id not in known]
    gates.sort(key=lambda question: order[question.id])
    return (*gates, *(question for question in asked if question.about == "failure"))


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
