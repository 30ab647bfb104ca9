"""What follows when people have not answered: reminders, escalation, what the plan decides. Pure.

Whoever writes these events reads the run in the same transaction, so that no answer is overtaken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from secondsite.plan.estate import Estate
from secondsite.plan.hooks import GateHook, OnTimeout
from secondsite.run.codes import needing_code
from secondsite.run.events import Decided, Decision, Escalated, Reminded
from secondsite.run.record import QuestionRecord

__all__ = ["has_lapsed", "lapses", "reminders_due"]


def has_lapsed(question: QuestionRecord, *, now: datetime) -> bool:
    """Whether the time to answer an open question is over."""
    return question.deadline_at is not None and question.deadline_at < now


def lapses(
    questions: Iterable[QuestionRecord],
    gates: Mapping[str, GateHook],
    estate: Estate,
    *,
    now: datetime,
) -> Sequence[Escalated | Decided]:
    """What the plan makes of open gates that nobody has answered in time.

    Args:
        questions: What people are asked now.
        gates: The gates of the run, by step.
        estate: Says who proves with a code who they are.
        now: Limits before it are over; those of an escalation count from it.
    """
    return [
        _lapse(question, gates.get(question.id), estate, now=now)
        for question in questions
        if has_lapsed(question, now=now)
    ]


def _lapse(
    question: QuestionRecord, gate: GateHook | None, estate: Estate, *, now: datetime
) -> Escalated | Decided:
    escalation = gate.escalate if gate and gate.on_timeout is OnTimeout.ESCALATE else None
    if escalation is not None and not question.escalations:
        return Escalated(
            at=now,
            step=question.id,
            approvers=escalation.approvers,
            deadline_at=now + escalation.timeout,
            with_code=needing_code(escalation.approvers, estate),
        )
    silence = escalation.on_timeout if escalation else gate.on_timeout if gate else OnTimeout.STOP
    return Decided(
        at=now,
        step=question.id,
        decision=Decision.APPROVE if silence == OnTimeout.CONTINUE else Decision.REJECT,
        by="time-out",
        via="time-out",
        comment=f"Nobody answered until {question.deadline_at:%Y-%m-%d %H:%M:%S} UTC.",
    )


def reminders_due(questions: Iterable[QuestionRecord], *, now: datetime) -> Sequence[Reminded]:
    """Reminders of open questions whose interval has passed; one each, however many were missed."""
    return [
        Reminded(
            at=now,
            step=question.id,
            number=_since_asked(question) + 1,
            approvers=question.approvers,
            deadline_at=question.deadline_at,
        )
        for question in questions
        if _is_to_be_reminded(question, now=now)
    ]


def _is_to_be_reminded(question: QuestionRecord, *, now: datetime) -> bool:
    if question.remind_every_s is None or question.asked_at is None:
        return False
    if has_lapsed(question, now=now):
        return False
    told = [question.asked_at]
    told += [each.at for each in question.escalations]
    told += [each.at for each in question.reminders]
    return now - max(told) >= timedelta(seconds=question.remind_every_s)


def _since_asked(question: QuestionRecord) -> int:
    """How many reminders there were since people were asked, or since it was escalated."""
    since = question.escalations[-1].at if question.escalations else question.asked_at
    return sum(since is not None and each.at >= since for each in question.reminders)
