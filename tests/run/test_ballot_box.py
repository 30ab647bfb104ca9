"""Decisions with one-time codes, through the journal: nothing is remembered anywhere else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pyotp
import pytest
from pydantic import SecretStr

from secondsite.run.ballot import Proposal, Submission, Verdict
from secondsite.run.ballot_box import BallotBox
from secondsite.run.codes import MOST_WRONG, CodeRule
from secondsite.run.events import (
    Asked,
    CodeGiven,
    Decision,
    RunAttached,
    StepIntent,
    StepOutcome,
    to_json,
)
from secondsite.run.journal import Journal
from tests.run.story import BEGIN, Clock, created

GATE = "db/before/storage"
SECRET = pyotp.random_base32()
LOCK = timedelta(minutes=15)


def rule(name: str, secret: str | None = SECRET) -> CodeRule | None:
    if name.casefold() != "aiko":
        return None
    return CodeRule(
        approver="Aiko", secret=SecretStr(secret) if secret else None, lock_for=LOCK, trouble="gone"
    )


def at_a_gate(journal: Journal, run_id: str = "shop-test-1", *, required: int = 1) -> BallotBox:
    """A run that waits at a gate."""
    journal.append(
        run_id,
        replace(created(run_id), run_id=run_id),
        RunAttached(at=BEGIN, holder="engine:1"),
        StepIntent(at=BEGIN, step="preflight"),
        StepOutcome(at=BEGIN, step="preflight", state="done"),
        Asked(at=BEGIN, step=GATE, approvers=("Aiko", "Ben"), required=required),
    )
    return BallotBox(journal, run_id, rule_for=rule)


def code_at(clock: Clock) -> str:
    return pyotp.TOTP(SECRET).at(clock.now)


def answer(code: str = "", *, by: str = "aiko", via: str = "ui") -> Submission:
    proposal = Proposal(step=GATE, decision=Decision.APPROVE, by=by, via=via)
    return Submission(proposals=(proposal,), code=code)


def why(verdict: Verdict) -> str:
    return " ".join(reason for _, reason in verdict.refused)


def events(journal: Journal, run_id: str = "shop-test-1") -> list[str]:
    return [str(entry.event.type) for entry in journal.read(run_id)][5:]


def wrong_code(clock: Clock) -> str:
    near = {pyotp.TOTP(SECRET).at(clock.now, counter_offset=offset) for offset in range(-2, 3)}
    return next(code for code in map("{:06}".format, range(10)) if code not in near)


def test_with_a_secret_a_decision_counts_only_with_a_valid_code(
    journal: Journal, clock: Clock
) -> None:
    box = at_a_gate(journal)

    without = box.cast(answer(), now=clock.now)
    wrong = box.cast(answer(wrong_code(clock)), now=clock.now)
    between = events(journal)
    right = box.cast(answer(f" {code_at(clock)[:3]} {code_at(clock)[3:]}"), now=clock.now)

    assert "decides with a one-time code only" in why(without)
    assert "Wrong code; 4 more lock Aiko." in why(wrong)
    assert between == ["note", "code.given", "note"]
    assert not right.refused
    assert right.counted[0].with_code
    assert events(journal)[3:] == ["code.given", "decision.made"]


def test_who_has_no_secret_needs_no_code(journal: Journal, clock: Clock) -> None:
    verdict = at_a_gate(journal).cast(answer(by="Ben"), now=clock.now)

    assert not verdict.refused
    assert not verdict.counted[0].with_code


@pytest.mark.parametrize(
    ("seconds", "counts"), [(-30, True), (30, True), (-75, False), (75, False)]
)
def test_a_code_holds_for_its_period_and_its_neighbours(
    seconds: float, counts: bool, journal: Journal, clock: Clock
) -> None:
    box = at_a_gate(journal)
    code = pyotp.TOTP(SECRET).at(clock.now + timedelta(seconds=seconds))

    assert bool(box.cast(answer(code), now=clock.now).counted) is counts


def test_no_code_is_accepted_twice_in_no_run_and_by_no_door(journal: Journal, clock: Clock) -> None:
    first, second = at_a_gate(journal), at_a_gate(journal, "shop-test-2")
    code = code_at(clock)
    first.cast(answer(code), now=clock.now)

    again = second.cast(answer(code, via="cli"), now=clock.now, all_or_none=True)
    older = second.cast(answer(pyotp.TOTP(SECRET).at(clock.now, counter_offset=-1)), now=clock.now)
    newer = second.cast(answer(pyotp.TOTP(SECRET).at(clock.now, counter_offset=1)), now=clock.now)

    assert "was used already" in why(again)
    assert "was used already" in why(older)
    assert newer.counted


def test_a_code_is_not_used_up_by_an_answer_that_does_not_count_anyway(
    journal: Journal, clock: Clock
) -> None:
    box, code = at_a_gate(journal), code_at(clock)
    retry = Proposal(step=GATE, decision=Decision.RETRY, by="Aiko", via="cli")

    refused = box.cast(Submission(proposals=(retry,), code=code), now=clock.now, all_or_none=True)

    assert "is a gate" in why(refused)
    assert events(journal) == []
    assert box.cast(answer(code), now=clock.now).counted


def test_five_wrong_codes_in_a_row_lock_the_approver_everywhere_for_a_while(
    journal: Journal, clock: Clock
) -> None:
    first, second = at_a_gate(journal), at_a_gate(journal, "shop-test-2")
    told = [
        why(first.cast(answer(wrong_code(clock)), now=clock.forward(1))) for _ in range(MOST_WRONG)
    ]

    locked = second.cast(answer(code_at(clock)), now=clock.forward(1))
    others = second.cast(answer(by="Ben"), now=clock.now)
    clock.forward(LOCK.total_seconds())
    after = first.cast(answer(code_at(clock)), now=clock.now)

    assert "one more locks Aiko" in told[3]
    assert "5th in a row: Aiko is locked until 2026-11-20 13:55:10 UTC" in told[4]
    assert "locked until 2026-11-20 13:55:10 UTC" in why(locked)
    assert others.counted
    assert after.counted
    kept = [each.event for each in journal.read("shop-test-1")]
    locks = [each for each in kept if isinstance(each, CodeGiven) and each.locked_until]
    assert len(locks) == 1


def test_a_right_code_ends_the_row_of_wrong_ones(journal: Journal, clock: Clock) -> None:
    box = at_a_gate(journal, required=2)
    for _ in range(MOST_WRONG - 1):
        box.cast(answer(wrong_code(clock)), now=clock.forward(1))
    box.cast(answer(code_at(clock)), now=clock.now)
    other = at_a_gate(journal, "shop-test-2")

    assert "4 more lock" in why(other.cast(answer(wrong_code(clock)), now=clock.forward(1)))


def test_a_secret_that_cannot_be_had_lets_nobody_through(journal: Journal, clock: Clock) -> None:
    at_a_gate(journal)
    box = BallotBox(journal, "shop-test-1", rule_for=lambda name: rule(name, None))

    verdict = box.cast(answer(code_at(clock)), now=clock.now)

    assert "none can be checked: gone" in why(verdict)


def test_the_code_itself_is_kept_nowhere(journal: Journal, clock: Clock) -> None:
    box, wrong, right = at_a_gate(journal), wrong_code(clock), code_at(clock)
    box.cast(answer(wrong), now=clock.now)
    box.cast(answer(right), now=clock.now)

    kept = [json.loads(to_json(entry.event)) for entry in journal.read("shop-test-1")]
    assert [each["type"] for each in kept[-2:]] == ["code.given", "decision.made"]
    assert not {wrong, right, SECRET} & {text for each in kept for text in map(str, each.values())}


def test_of_two_answers_at_once_one_counts_and_the_other_is_told(
    journal: Journal, url: str, clock: Clock
) -> None:
    at_a_gate(journal)
    code, together = code_at(clock), Barrier(2)

    def decide(decision: Decision) -> Verdict:
        with Journal.open(url) as mine:
            box = BallotBox(mine, "shop-test-1", rule_for=rule)
            proposal = Proposal(step=GATE, decision=decision, by="Aiko", via="cli")
            together.wait()
            return box.cast(Submission(proposals=(proposal,), code=code), now=clock.now)

    with ThreadPoolExecutor(2) as threads:
        verdicts = list(threads.map(decide, (Decision.APPROVE, Decision.REJECT)))

    assert sorted(len(each.counted) for each in verdicts) == [0, 1]
    assert "was decided already" in " ".join(map(why, verdicts))
    assert events(journal).count("decision.made") == 1
