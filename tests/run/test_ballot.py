"""Who may decide what, now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from secondsite.run.ballot import Proposal, refusal
from secondsite.run.events import (
    Asked,
    Decided,
    Decision,
    ErrorFact,
    RunAttached,
    RunEnded,
    StepIntent,
    StepOutcome,
)
from secondsite.run.record import RunRecord
from secondsite.run.replay import Replay
from tests.run.story import BEGIN, created

GATE = "db/before/storage"
LATER = BEGIN + timedelta(minutes=10)


def at_the_gate(**asked: object) -> Replay:
    replay = Replay(created())
    replay.apply(RunAttached(at=BEGIN, holder="engine:1"))
    replay.apply(StepIntent(at=BEGIN, step="preflight"))
    replay.apply(StepOutcome(at=BEGIN, step="preflight", state="done"))
    question = Asked(
        at=BEGIN,
        step=GATE,
        title="Storage released",
        approvers=("dba-on-call", "storage-on-call"),
        required=2,
        deadline_at=BEGIN + timedelta(hours=1),
    )
    replay.apply(replace(question, **asked))  # type: ignore[arg-type]
    return replay


def approval(by: str, decision: Decision = Decision.APPROVE) -> Proposal:
    return Proposal(step=GATE, decision=decision, by=by, via="cli")


def words(record: RunRecord, proposal: Proposal, after: timedelta = timedelta(minutes=10)) -> str:
    return refusal(record, proposal, now=BEGIN + after)


def test_an_approver_may_decide_whatever_the_case_of_the_name() -> None:
    assert words(at_the_gate().record(), approval("DBA-on-call")) == ""


def test_without_approvers_anybody_may_decide_who_gives_a_name() -> None:
    record = at_the_gate(approvers=()).record()

    assert words(record, approval("Aiko")) == ""
    assert words(record, approval(" ")) == "Nobody said who decides: give your name."


def test_somebody_else_may_not_and_is_told_who_may() -> None:
    told = words(at_the_gate().record(), approval("Mallory"))

    assert "Mallory may not decide" in told
    assert "dba-on-call, storage-on-call" in told


def test_two_approvals_of_one_person_are_one() -> None:
    replay = at_the_gate()
    replay.apply(approval("dba-on-call").as_event(at=LATER))

    told = words(replay.record(), approval("DBA-ON-CALL"))

    assert "has approved Storage released already" in told
    assert words(replay.record(), approval("storage-on-call")) == ""


def test_a_late_answer_does_not_count() -> None:
    told = words(at_the_gate().record(), approval("dba-on-call"), timedelta(hours=2))

    assert told.startswith("Too late")


def test_a_second_decision_is_harmless_and_told() -> None:
    replay = at_the_gate(required=1)
    replay.apply(approval("dba-on-call").as_event(at=LATER))

    told = words(replay.record(), approval("storage-on-call", Decision.REJECT))

    assert told == f"{GATE} was decided already: approve by dba-on-call."


@pytest.mark.parametrize("decision", [Decision.RETRY, Decision.SKIP, Decision.MARK_DONE])
def test_a_gate_is_approved_or_rejected_and_nothing_else(decision: Decision) -> None:
    assert "is a gate" in words(at_the_gate().record(), approval("dba-on-call", decision))


def test_a_failed_step_is_retried_skipped_or_marked_and_nothing_else() -> None:
    replay = at_the_gate(required=1)
    replay.apply(approval("dba-on-call").as_event(at=LATER))
    start = "db/sql01/start"
    replay.apply(StepIntent(at=LATER, step=start))
    error = ErrorFact(kind="wrong-state", message="It is paused.")
    replay.apply(StepOutcome(at=LATER, step=start, state="failed", error=error))
    unasked = words(
        replay.record(), Proposal(step=start, decision=Decision.RETRY, by="x", via="cli")
    )
    replay.apply(Asked(at=LATER, step=start, about="failure", shown="It is paused."))

    def told(decision: Decision) -> str:
        return words(replay.record(), Proposal(step=start, decision=decision, by="Aiko", via="ui"))

    assert unasked == f"Nobody is asked about {start} now: it is failed."
    assert told(Decision.RETRY) == told(Decision.SKIP) == told(Decision.MARK_DONE) == ""
    assert "choose retry, skip, mark-done or abort" in told(Decision.APPROVE)


def test_what_is_over_is_not_decided_any_more() -> None:
    replay = at_the_gate()
    replay.apply(Decided(at=LATER, step="", decision=Decision.ABORT, by="Aiko"))
    replay.apply(RunEnded(at=LATER, state="aborted", summary="Ended by Aiko."))

    assert "is over: Ended by Aiko." in words(replay.record(), approval("dba-on-call"))


def test_a_run_as_a_whole_can_be_aborted_and_nothing_else() -> None:
    record = at_the_gate().record()
    whole = Proposal(step="", decision=Decision.ABORT, by="Aiko", via="cli")

    assert words(record, whole) == ""
    assert words(record, replace(whole, decision=Decision.SKIP)) == "Say which step it is about."
