"""Separation of duties: whoever started a run does not count at its gates."""

from __future__ import annotations

from datetime import timedelta

from secondsite.plan.estate import Approver, Estate
from secondsite.run.ballot import Proposal, refusal
from secondsite.run.events import Asked, Decision, RunAttached, StepIntent, StepOutcome
from secondsite.run.replay import Replay
from secondsite.run.separation import names_of_starter
from tests.run.story import BEGIN, created

GATE = "db/before/storage"
STARTER = "tanaka@dr-engine-1"
ESTATE = Estate.model_construct(
    sites={},
    approvers=(
        Approver(name="Aiko", accounts=("Tanaka@DR-engine-1",), totp="aiko-codes"),
        Approver(name="Ben"),
        Approver(name="Cho", totp="cho-codes"),
    ),
)


def at_the_gate(*, separate: bool = True, required: int = 1) -> Replay:
    replay = Replay(created(requested_by=STARTER))
    replay.apply(RunAttached(at=BEGIN, holder="engine:1"))
    replay.apply(StepIntent(at=BEGIN, step="preflight"))
    replay.apply(StepOutcome(at=BEGIN, step="preflight", state="done"))
    replay.apply(
        Asked(
            at=BEGIN,
            step=GATE,
            title="Storage released",
            approvers=("Aiko", "Ben", "Cho", "Dora"),
            required=required,
            with_code=("Aiko", "Cho"),
            separate_from=names_of_starter(ESTATE, STARTER) if separate else (),
        )
    )
    return replay


def told(
    replay: Replay, by: str, *, account: str = "", decision: Decision = Decision.APPROVE
) -> str:
    proposal = Proposal(
        step=GATE, decision=decision, by=by, via="cli" if account else "ui", account=account
    )
    return refusal(replay.record(), proposal, now=BEGIN + timedelta(minutes=1))


def approve(replay: Replay, by: str, *, account: str = "") -> None:
    proposal = Proposal(step=GATE, decision=Decision.APPROVE, by=by, via="cli", account=account)
    replay.apply(proposal.as_event(at=BEGIN))


def test_whoever_started_the_run_is_known_by_every_name() -> None:
    assert names_of_starter(ESTATE, STARTER) == (STARTER, "tanaka", "Aiko", "Tanaka@DR-engine-1")
    assert names_of_starter(ESTATE, "ben") == ("ben", "Ben")
    assert names_of_starter(ESTATE, " ") == ()


def test_whoever_started_the_run_neither_approves_nor_rejects_by_any_door() -> None:
    replay = at_the_gate()

    for decision in (Decision.APPROVE, Decision.REJECT):
        reason = told(replay, "aiko", decision=decision)
        assert reason == (
            "aiko started this run, and Storage released needs somebody else's decision."
        )
        assert told(replay, "Aiko", account=STARTER, decision=decision)


def test_without_separation_whoever_started_the_run_may() -> None:
    assert told(at_the_gate(separate=False), "aiko", account=STARTER) == ""


def test_from_the_account_that_started_the_run_another_name_must_be_proved() -> None:
    replay = at_the_gate()

    reason = told(replay, "Ben", account=STARTER)

    assert "tanaka@dr-engine-1 started this run" in reason
    assert "only a one-time code proves that Ben decides" in reason
    assert told(replay, "Ben", account="ben@dr-engine-1") == ""
    assert told(replay, "Cho", account=STARTER) == "", "the code is asked for next"


def test_two_names_from_one_account_are_two_people_only_when_one_is_proved() -> None:
    replay = at_the_gate(required=2)
    approve(replay, "Ben", account="ops@dr-engine-1")

    again = told(replay, "Ben", account="ops@dr-engine-1")
    other = told(replay, "Dora", account="ops@dr-engine-1")

    assert "Ben has approved Storage released already" in again
    assert "Ben has decided from the account ops@dr-engine-1 already" in other
    assert told(replay, "Dora", account="dora@dr-engine-1") == ""
    assert told(replay, "Cho", account="ops@dr-engine-1") == ""
    assert replay.record().gates[0].is_open


def test_two_different_people_are_needed_where_two_are_required() -> None:
    replay = at_the_gate(required=2)

    approve(replay, "Ben")
    approve(replay, "BEN")
    between = replay.record().gates[0].is_open
    approve(replay, "Cho")

    assert between
    assert replay.record().gates[0].decision is Decision.APPROVE
