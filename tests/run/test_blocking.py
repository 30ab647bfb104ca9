"""What is blocking what."""

from __future__ import annotations

from datetime import timedelta

from secondsite.run.blocking import blocking
from secondsite.run.events import (
    Asked,
    Decided,
    Decision,
    ErrorFact,
    RunAttached,
    StepIntent,
    StepOutcome,
)
from secondsite.run.replay import Replay
from tests.run.story import BEGIN, created

GATE = "db/before/storage"
START = "db/sql01/start"
MINUTE = timedelta(minutes=1)


def after_preflight() -> Replay:
    replay = Replay(created())
    replay.apply(RunAttached(at=BEGIN, holder="engine:1"))
    replay.apply(StepIntent(at=BEGIN, step="preflight"))
    replay.apply(StepOutcome(at=BEGIN, step="preflight", state="done"))
    return replay


def test_a_gate_is_told_with_whom_it_waits_for_since_when_and_what_is_behind_it() -> None:
    replay = after_preflight()
    replay.apply(Asked(at=BEGIN + MINUTE, step=GATE, title="Storage", approvers=("dba",)))

    found = blocking(replay.record(), replay.scheduler)

    [waiting] = found.people
    assert waiting.step.id == GATE
    assert waiting.question is not None
    assert waiting.question.approvers == ("dba",)
    assert waiting.since == BEGIN + MINUTE
    assert waiting.for_s(BEGIN + 3 * MINUTE) == 120.0
    assert waiting.behind == (START, "db/sql01/ready", "db/sql01/dns")
    assert (found.running, found.failed, found.ready) == ((), (), ())


def test_a_running_step_and_one_that_is_ready_are_told() -> None:
    replay = after_preflight()
    replay.apply(Asked(at=BEGIN, step=GATE))
    replay.apply(Decided(at=BEGIN, step=GATE, decision=Decision.APPROVE, by="x"))

    before = blocking(replay.record(), replay.scheduler)
    replay.apply(StepIntent(at=BEGIN + MINUTE, step=START, host="hv-osaka-1"))
    after = blocking(replay.record(), replay.scheduler)

    assert before.ready == (START,)
    [running] = after.running
    assert (running.step.id, running.step.host) == (START, "hv-osaka-1")
    assert running.for_s(BEGIN + 2 * MINUTE) == 60.0


def test_a_failed_step_holds_back_what_is_behind_it_asked_or_not() -> None:
    replay = after_preflight()
    replay.apply(Asked(at=BEGIN, step=GATE))
    replay.apply(Decided(at=BEGIN, step=GATE, decision=Decision.APPROVE, by="x"))
    replay.apply(StepIntent(at=BEGIN, step=START))
    error = ErrorFact(kind="wrong-state", message="It is paused.")
    replay.apply(StepOutcome(at=BEGIN + MINUTE, step=START, state="failed", error=error))

    before = blocking(replay.record(), replay.scheduler)
    replay.apply(Asked(at=BEGIN + 2 * MINUTE, step=START, about="failure"))
    after = blocking(replay.record(), replay.scheduler)

    [failed] = before.failed
    assert failed.since == BEGIN + MINUTE
    assert failed.behind == ("db/sql01/ready", "db/sql01/dns")
    [asked] = after.people
    assert asked.behind == failed.behind
    assert after.failed == ()
