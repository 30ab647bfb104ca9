"""Who may decide what, now: one rule for the form, the terminal and the time limit. Pure.

A decision that is not refused here is written to the journal, which is where it counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from secondsite.run.events import Decided, Decision
from secondsite.run.record import QuestionRecord, RunRecord

__all__ = ["Proposal", "refusal"]

_ABOUT_GATES = frozenset({Decision.APPROVE, Decision.REJECT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What somebody wants to decide.

    Attributes:
        step: Empty where it is about the run as a whole.
        via: `ui` or `cli`.
    """

    step: str
    decision: Decision
    by: str
    via: str
    comment: str = ""

    def as_event(self, *, at: datetime) -> Decided:
        """As the journal keeps it."""
        return Decided(
            at=at,
            step=self.step,
            decision=self.decision,
            by=self.by,
            via=self.via,
            comment=self.comment,
        )


def refusal(record: RunRecord, proposal: Proposal, *, now: datetime) -> str:
    """Why the proposal does not count, in words; empty if it does.

    Args:
        record: The run as its journal has it now.
        proposal: What is wanted.
        now: Answers after a gate's deadline are late.
    """
    if record.ended_at is not None:
        return f"{record.run_id} is over: {record.summary}"
    if not proposal.by.strip():
        return "Nobody said who decides: give your name."
    if not proposal.step:
        return "" if proposal.decision is Decision.ABORT else "Say which step it is about."
    question = _question(record, proposal.step)
    if question is None:
        return _nothing_to_decide(record, proposal.step)
    if question.about == "gate":
        return _against_gate(question, proposal, now=now)
    if proposal.decision in _ABOUT_GATES:
        return f"{proposal.step} failed: choose retry, skip, mark-done or abort."
    return ""


def _question(record: RunRecord, step: str) -> QuestionRecord | None:
    return next((each for each in record.open_questions if each.id == step), None)


def _nothing_to_decide(record: RunRecord, step: str) -> str:
    if step not in record.by_id:
        return f"{record.run_id} has no step {step}."
    settled = [each for each in record.questions if each.id == step and each.decision is not None]
    if settled:
        last = settled[-1]
        return f"{step} was decided already: {last.decision} by {last.by}."
    return f"Nobody is asked about {step} now: it is {record.by_id[step].state}."


def _against_gate(question: QuestionRecord, proposal: Proposal, *, now: datetime) -> str:
    if proposal.decision not in _ABOUT_GATES:
        return f"{question.title} is a gate: approve or reject it."
    allowed: Mapping[str, str] = {name.casefold(): name for name in question.approvers}
    if allowed and proposal.by.casefold() not in allowed:
        names = ", ".join(question.approvers)
        return f"{proposal.by} may not decide about {question.title}; these may: {names}."
    if question.deadline_at is not None and now > question.deadline_at:
        return (
            f"Too late: {question.title} could be decided until "
            f"{question.deadline_at:%Y-%m-%d %H:%M:%S} UTC."
        )
    voted = {each.by.casefold() for each in question.decisions}
    if proposal.decision is Decision.APPROVE and proposal.by.casefold() in voted:
        return (
            f"{proposal.by} has approved {question.title} already; "
            f"it needs {question.required} different people."
        )
    return ""
