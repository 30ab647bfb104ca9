"""Reminders, escalation, and what the plan decides about silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from secondsite.plan.estate import Approver, Estate
from secondsite.plan.hooks import GateHook
from secondsite.run.ballot import Proposal, refusal
from secondsite.run.deadlines import lapses, reminders_due
from secondsite.run.events import (
    Asked,
    Decided,
    Decision,
    Escalated,
    RunAttached,
    StepIntent,
    StepOutcome,
)
from secondsite.run.record import QuestionRecord
from secondsite.run.replay import Replay
from tests.run.story import BEGIN, created

GATE = "db/before/storage"
ESTATE = Estate.model_construct(
    sites={}, approvers=(Approver(name="boss", totp="boss-codes"), Approver(name="chief"))
)
ASKED = Asked(
    at=BEGIN,
    step=GATE,
    title="Storage released",
    approvers=("dba",),
    deadline_at=BEGIN + timedelta(hours=1),
    remind_every_s=600,
)


def at_the_gate(asked: Asked = ASKED) -> Replay:
    replay = Replay(created())
    replay.apply(RunAttached(at=BEGIN, holder="engine:1"))
    replay.apply(StepIntent(at=BEGIN, step="preflight"))
    replay.apply(StepOutcome(at=BEGIN, step="preflight", state="done"))
    replay.apply(asked)
    return replay


def gate(**written: Any) -> dict[str, GateHook]:
    basis = {"gate": "Storage released", "approvers": ["dba"]}
    return {GATE: GateHook.model_validate(basis | written)}


ESCALATING = gate(
    on_timeout="escalate",
    escalate={"approvers": ["boss", "chief"], "timeout": "30m", "on_timeout": "continue"},
)


def question(replay: Replay) -> QuestionRecord:
    [found] = replay.open_questions()
    return found


@pytest.mark.parametrize(
    ("on_timeout", "decision"), [("stop", Decision.REJECT), ("continue", Decision.APPROVE)]
)
def test_silence_decides_as_the_plan_says_and_not_before_the_limit(
    on_timeout: str, decision: Decision
) -> None:
    replay = at_the_gate()
    gates = gate(on_timeout=on_timeout)
    limit = BEGIN + timedelta(hours=1)

    before = lapses(replay.open_questions(), gates, ESTATE, now=limit)
    [after] = lapses(replay.open_questions(), gates, ESTATE, now=limit + timedelta(seconds=1))

    assert before == []
    assert isinstance(after, Decided)
    assert (after.decision, after.by, after.via) == (decision, "time-out", "time-out")
    assert "Nobody answered until 2026-11-20 14:40:05 UTC." in after.comment


def test_a_gate_is_escalated_once_with_a_new_limit_from_then_on_and_then_decided() -> None:
    replay = at_the_gate()
    late = BEGIN + timedelta(hours=10)  # everything was down for a while

    [first] = lapses(replay.open_questions(), ESCALATING, ESTATE, now=late)
    replay.apply(first)
    still = lapses(replay.open_questions(), ESCALATING, ESTATE, now=late + timedelta(minutes=30))
    [second] = lapses(replay.open_questions(), ESCALATING, ESTATE, now=late + timedelta(minutes=31))

    assert isinstance(first, Escalated)
    assert first.approvers == ("boss", "chief")
    assert first.with_code == ("boss",)
    assert first.deadline_at == late + timedelta(minutes=30)
    assert still == []
    assert isinstance(second, Decided)
    assert second.decision is Decision.APPROVE


def test_after_an_escalation_the_others_may_decide_and_those_asked_first_still_may() -> None:
    replay = at_the_gate()
    now = BEGIN + timedelta(hours=1, minutes=1)

    def told(by: str) -> str:
        proposal = Proposal(step=GATE, decision=Decision.APPROVE, by=by, via="ui")
        return refusal(replay.record(), proposal, now=now)

    before = told("boss"), told("dba")
    replay.apply(lapses(replay.open_questions(), ESCALATING, ESTATE, now=now)[0])

    assert "boss may not decide" in before[0]
    assert before[1].startswith("Too late")
    assert told("Boss") == told("chief") == told("dba") == ""
    assert question(replay).approvers == ("dba", "boss", "chief")
    assert question(replay).with_code == ("boss",)


def test_people_are_reminded_at_intervals_once_for_all_that_were_missed_and_not_too_late() -> None:
    replay = at_the_gate()
    told = []

    for minute in range(80):
        if minute not in range(15, 35):  # the watch was down
            for reminder in reminders_due(
                replay.open_questions(), now=BEGIN + timedelta(minutes=minute)
            ):
                replay.apply(reminder)
                told.append((minute, reminder.number))

    assert told == [(10, 1), (35, 2), (45, 3), (55, 4)]
    assert len(question(replay).reminders) == 4


def test_an_escalation_is_news_of_its_own_and_reminders_count_from_it() -> None:
    replay = at_the_gate()
    now = BEGIN + timedelta(hours=2)
    for reminder in reminders_due(replay.open_questions(), now=BEGIN + timedelta(minutes=20)):
        replay.apply(reminder)
    replay.apply(lapses(replay.open_questions(), ESCALATING, ESTATE, now=now)[0])

    at_once = reminders_due(replay.open_questions(), now=now + timedelta(minutes=9))
    [later] = reminders_due(replay.open_questions(), now=now + timedelta(minutes=10))

    assert at_once == []
    assert later.number == 1
    assert later.approvers == ("dba", "boss", "chief")


def test_nobody_is_reminded_of_what_is_decided_nor_where_it_is_not_wanted() -> None:
    decided, quiet = at_the_gate(), at_the_gate(Asked(at=BEGIN, step=GATE))
    decided.apply(Decided(at=BEGIN, step=GATE, decision=Decision.APPROVE, by="dba"))
    now = BEGIN + timedelta(minutes=30)

    assert not reminders_due(decided.open_questions(), now=now)
    assert not reminders_due(quiet.open_questions(), now=now)


def test_what_comes_in_the_moment_of_the_answer_changes_nothing() -> None:
    replay = at_the_gate()
    late = lapses(replay.open_questions(), ESCALATING, ESTATE, now=BEGIN + timedelta(hours=2))
    reminders = reminders_due(replay.open_questions(), now=BEGIN + timedelta(minutes=30))
    replay.apply(Decided(at=BEGIN, step=GATE, decision=Decision.APPROVE, by="dba"))

    for event in (*late, *reminders):
        replay.apply(event)

    [told] = replay.record().gates
    assert (told.decision, told.escalations, told.reminders) == (Decision.APPROVE, (), ())
