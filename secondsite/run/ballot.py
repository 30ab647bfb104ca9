"""Who may decide what, now: one rule for the form, the terminal and the time limit. Pure.

A decision that is not refused here is written to the journal, which is where it counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from secondsite.run.codes import CodeRule, CodeVerdict, check_code
from secondsite.run.events import CodeGiven, Decided, Decision, JournalEvent, Noted
from secondsite.run.record import QuestionRecord, RunRecord
from secondsite.run.separation import is_among

__all__ = ["REFUSED", "Proposal", "Submission", "Verdict", "judge", "refusal"]

REFUSED = "refused_answer"
"""Key, in a note's details, of the step about which an answer did not count."""

_ABOUT_GATES = frozenset({Decision.APPROVE, Decision.REJECT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What somebody wants to decide.

    Attributes:
        step: Empty where it is about the run as a whole.
        via: `ui` or `cli`.
        account: The account of the machine at whose terminal it is decided, where there is one.
    """

    step: str
    decision: Decision
    by: str
    via: str
    comment: str = ""
    account: str = ""

    def as_event(self, *, at: datetime, with_code: bool = False) -> Decided:
        """As the journal keeps it."""
        return Decided(
            at=at,
            step=self.step,
            decision=self.decision,
            by=self.by,
            via=self.via,
            comment=self.comment,
            with_code=with_code,
            account=self.account,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What one person decides at once: a form, or a command.

    Attributes:
        proposals: At least one; all by the same person, by the same door.
        code: A one-time code; never kept.
    """

    proposals: tuple[Proposal, ...]
    code: str = ""

    @property
    def by(self) -> str:
        """Who decides."""
        return self.proposals[0].by


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a submission.

    Attributes:
        counted: The decisions that count.
        refused: What does not count, each with the reason in words.
        code: What the journal is to keep of the one-time code, if one was looked at.
    """

    at: datetime
    counted: tuple[Decided, ...]
    refused: tuple[tuple[Proposal, str], ...]
    code: CodeGiven | None = None

    @property
    def events(self) -> tuple[JournalEvent, ...]:
        """The code, then the decisions that it let through."""
        return (self.code, *self.counted) if self.code else self.counted

    @property
    def wrong_code(self) -> tuple[CodeGiven, ...]:
        """The code, if it was wrong."""
        return (self.code,) if self.code and self.code.period is None else ()

    @property
    def notes(self) -> tuple[Noted, ...]:
        """That, and why, answers did not count: for those who are asked again."""
        return tuple(
            Noted(
                at=self.at,
                step=proposal.step,
                text=f"An answer of {proposal.by or 'somebody'} did not count: {reason}",
                level="warning",
                details={REFUSED: proposal.step},
            )
            for proposal, reason in self.refused
        )


def judge(
    record: RunRecord,
    submission: Submission,
    *,
    rule: CodeRule | None,
    earlier: Iterable[CodeGiven],
    now: datetime,
) -> Verdict:
    """What of a submission counts.

    A code is looked at only for what would count with it, so that it is not used up in vain.

    Args:
        record: The run as its journal has it now.
        submission: What is wanted.
        rule: What its author must prove; None if nothing.
        earlier: Every code that any run's journal tells of, oldest first.
        now: Answers after a gate's deadline are late.
    """
    reasons = [refusal(record, each, now=now) for each in submission.proposals]
    proof = CodeVerdict()
    if rule is not None and not all(reasons):
        first = submission.proposals[reasons.index("")]
        proof = check_code(
            submission.code, rule, earlier=earlier, via=first.via, step=first.step, now=now
        )
    reasons = [reason or proof.reason for reason in reasons]
    pairs = list(zip(submission.proposals, reasons, strict=True))
    return Verdict(
        at=now,
        counted=tuple(
            each.as_event(at=now, with_code=rule is not None)
            for each, reason in pairs
            if not reason
        ),
        refused=tuple((each, reason) for each, reason in pairs if reason),
        code=proof.given,
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
    if reason := _against_separation(question, proposal):
        return reason
    voted = {each.by.casefold() for each in question.decisions}
    if proposal.decision is Decision.APPROVE and proposal.by.casefold() in voted:
        return (
            f"{proposal.by} has approved {question.title} already; "
            f"it needs {question.required} different people."
        )
    return ""


def _against_separation(question: QuestionRecord, proposal: Proposal) -> str:
    """Why the proposal may be that of whoever started the run, or of somebody who has decided.

    A name is only what somebody says, unless a one-time code proves it: at a terminal the account
    speaks, too.
    """
    if not question.separate_from:
        return ""
    if is_among(proposal.by, question.separate_from):
        return (
            f"{proposal.by} started this run, and {question.title} needs somebody else's decision."
        )
    if not proposal.account or is_among(proposal.by, question.with_code):
        return ""
    if is_among(proposal.account, question.separate_from):
        return (
            f"{proposal.account} started this run, and from that account only a one-time code "
            f"proves that {proposal.by} decides: decide from another account or in Prefect's UI, "
            "or give the approver a secret for codes (totp, in the estate)."
        )
    other = next(
        (each for each in question.decisions if is_among(each.account, [proposal.account])), None
    )
    if other is not None and not is_among(other.by, [proposal.by]):
        return (
            f"{other.by} has decided from the account {proposal.account} already, and from there "
            f"only a one-time code proves that {proposal.by} is somebody else."
        )
    return ""
