from __future__ import annotations

from datetime import timedelta

import pytest

from secondsite.errors import IllegalTransitionError, JournalError
from secondsite.run.events import (
    Asked,
    CodeGiven,
    Decided,
    Decision,
    ErrorFact,
    InventoryTaken,
    JournalEvent,
    Noted,
    RunAttached,
    RunEnded,
    RunHeld,
    RunReleased,
    StepIntent,
    StepOutcome,
    VmFact,
)
from secondsite.run.record import RunRecord, critical_path
from secondsite.run.replay import Replay, replay
from secondsite.run.states import StepState
from tests.run.story import BEGIN, created

GATE, START, READY, DNS = "db/before/storage", "db/sql01/start", "db/sql01/ready", "db/sql01/dns"
ERROR = ErrorFact(kind="not-ready", message="sql01: not ready", next="Look at it.")


def at(seconds: float) -> dict[str, object]:
    return {"at": BEGIN + timedelta(seconds=seconds)}


def step(name: str, start_s: float, end_s: float, **outcome: object) -> list[JournalEvent]:
    facts = {"state": "done", "changed": True, **outcome}
    return [
        StepIntent(step=name, host="hv-osk-1", **at(start_s)),  # type: ignore[arg-type]
        StepOutcome(step=name, **facts, **at(end_s)),  # type: ignore[arg-type]
    ]


def attached(seconds: float = 1) -> RunAttached:
    return RunAttached(at=BEGIN + timedelta(seconds=seconds), holder="engine-1:1")


def asked(seconds: float, *, required: int = 1) -> Asked:
    return Asked(
        at=BEGIN + timedelta(seconds=seconds), step=GATE, title="Storage", required=required
    )


def decided(
    seconds: float, decision: Decision, *, step: str = GATE, by: str = "ada", via: str = "cli"
) -> Decided:
    when = BEGIN + timedelta(seconds=seconds)
    return Decided(at=when, step=step, decision=decision, by=by, via=via, comment="seen")


def happy() -> list[JournalEvent]:
    fact = VmFact(
        name="SQL01",
        id="guid",
        site="osaka",
        host="hv-osk-1",
        source_host="hv-tyo-1",
        recovery_point_at=BEGIN - timedelta(minutes=4),
    )
    dns = {"dns": [{"name": "sql.corp.example", "after": ["10.2.0.22"]}]}
    return [
        created(),
        attached(),
        *step("preflight", 1, 3),
        InventoryTaken(at=BEGIN + timedelta(seconds=3), vms=(fact,)),
        asked(3),
        decided(63, Decision.APPROVE),
        *step(START, 63, 65, evidence={"host": "hv-osk-2"}),
        *step(READY, 65, 85, changed=False, evidence={"addresses": ["10.2.0.22"]}),
        *step(DNS, 85, 86, evidence=dns),
        RunEnded(at=BEGIN + timedelta(seconds=87), state="done", summary="all well"),
    ]


def up_to(event_type: type, *, events: list[JournalEvent] | None = None) -> RunRecord:
    source = events or happy()
    last = next(i for i, event in enumerate(source) if isinstance(event, event_type))
    return replay(source[: last + 1])


def test_a_run_that_went_well() -> None:
    record = replay(happy())

    assert record.state == "done"
    assert record.started_at == BEGIN + timedelta(seconds=1)
    assert record.ended_at == BEGIN + timedelta(seconds=87)
    assert record.duration_s == 86
    assert record.summary == "all well"
    assert {step.state for step in record.steps} == {StepState.DONE}
    start = record.by_id[START]
    assert (start.host, start.attempts, start.changed, start.duration_s) == ("hv-osk-2", 1, True, 2)
    assert record.by_id["db/end"].ended_at == BEGIN + timedelta(seconds=86)


def test_a_vm_is_told_by_its_steps_and_the_inventory() -> None:
    (vm,) = replay(happy()).vms

    assert (vm.name, vm.id, vm.host, vm.source_host) == ("SQL01", "guid", "hv-osk-2", "hv-tyo-1")
    assert vm.state is StepState.DONE
    assert vm.addresses == ("10.2.0.22",)
    assert vm.dns[0]["name"] == "sql.corp.example"
    assert vm.start_requested_at == BEGIN + timedelta(seconds=63)
    assert vm.ready_at == BEGIN + timedelta(seconds=85)
    assert vm.in_service_at == BEGIN + timedelta(seconds=86)
    assert vm.recovery_point_at == BEGIN - timedelta(minutes=4)


def test_a_vm_that_is_ready_but_not_in_dns_is_not_in_service() -> None:
    record = replay(happy()[:-3])

    assert record.vms[0].ready_at is not None
    assert record.vms[0].in_service_at is None
    assert record.vms[0].state is StepState.RUNNING


def test_the_run_follows_its_events() -> None:
    assert replay([created()]).state == "pending"
    assert up_to(RunAttached).state == "running"
    assert up_to(StepIntent).state == "running"
    assert up_to(Asked).state == "waiting"
    assert up_to(Decided).state == "running"


def test_a_gate_is_known_before_anybody_is_asked() -> None:
    (gate,) = up_to(RunAttached).gates

    assert (gate.id, gate.title, gate.asked_at, gate.is_open) == (
        GATE,
        "Storage released",
        None,
        False,
    )


def test_a_gate_keeps_who_decided_what_and_when() -> None:
    (gate,) = replay(happy()).gates

    assert (gate.decision, gate.by, gate.comment) == (Decision.APPROVE, "ada", "seen")
    assert gate.at == BEGIN + timedelta(seconds=63)
    assert replay(happy()).by_id[GATE].duration_s == 60


def test_a_gate_that_requires_two_needs_two_different_people() -> None:
    events = [created(), attached(), *step("preflight", 1, 2), asked(3, required=2)]

    once = [*events, decided(4, Decision.APPROVE)]
    twice = [*once, decided(5, Decision.APPROVE, by="ADA")]
    both = [*twice, decided(6, Decision.APPROVE, by="grace")]

    assert [each.missing for each in replay(events).open_questions] == [2]
    assert [each.missing for each in replay(once).open_questions] == [1]
    assert [each.missing for each in replay(twice).open_questions] == [1]
    assert not replay(both).open_questions
    assert replay(both).by_id[GATE].state is StepState.DONE


def test_the_time_limit_of_a_gate_decides_alone() -> None:
    events = [created(), attached(), *step("preflight", 1, 2), asked(3, required=2)]
    late = decided(4, Decision.APPROVE, by="time-out", via="time-out")

    assert replay([*events, late]).by_id[GATE].state is StepState.DONE


def test_a_rejected_gate_fails_and_nothing_goes_on() -> None:
    events = [created(), attached(), *step("preflight", 1, 2), asked(3)]
    state = Replay(created())
    for event in [*events, decided(4, Decision.REJECT)][1:]:
        state.apply(event)

    gate = state.record().by_id[GATE]
    assert gate.state is StepState.FAILED
    assert gate.error is not None
    assert "rejected by ada: seen" in gate.error.message
    assert state.scheduler.ready() == ()
    assert state.scheduler.is_halted


def test_a_decision_that_comes_too_late_is_kept_and_changes_nothing() -> None:
    events = happy()
    late = decided(64, Decision.REJECT, by="grace", via="ui")

    record = replay([*events[:-1], late])

    assert record.by_id[GATE].state is StepState.DONE
    assert record.too_late == (late,)
    assert late in record.decisions
    assert record.gates[0].by == "ada"


def failed() -> list[JournalEvent]:
    return [
        *happy()[: happy().index(step(READY, 65, 85)[0])],
        *step(READY, 65, 85, state="failed", error=ERROR),
    ]


def test_a_failure_is_told_with_what_to_do_and_what_it_holds() -> None:
    record = replay(failed())

    (failure,) = record.failures
    assert failure.error == ERROR
    assert record.by_id[DNS].is_stuck
    assert record.vms[0].state is StepState.FAILED


def test_a_failed_step_may_be_retried() -> None:
    asked_failure = Asked(at=BEGIN + timedelta(seconds=86), step=READY, about="failure")
    events = [*failed(), asked_failure]
    assert replay(events).state == "waiting"

    events += [decided(90, Decision.RETRY, step=READY), *step(READY, 91, 95)]
    record = replay(events)

    ready = record.by_id[READY]
    assert (ready.state, ready.attempts, ready.error) == (StepState.DONE, 2, None)
    assert ready.duration_s == 30
    (question,) = (question for question in record.questions if question.about == "failure")
    assert question.decision is Decision.RETRY


def test_a_skipped_step_is_shown_as_skipped_for_ever() -> None:
    record = replay([*failed(), decided(90, Decision.SKIP, step=READY), *step(DNS, 91, 92)])

    assert record.by_id[READY].state is StepState.SKIPPED
    assert record.by_id[READY].error == ERROR


def test_done_by_hand_is_not_done_by_us() -> None:
    record = replay([*failed(), decided(90, Decision.MARK_DONE, step=READY)])

    assert record.by_id[READY].state is StepState.DONE
    assert record.by_id[READY].done_by_hand
    assert not record.by_id[START].done_by_hand


def test_an_intent_without_an_outcome_is_unsettled_when_the_run_is_taken_up() -> None:
    events = happy()
    broken = events[: events.index(step(START, 63, 65)[0]) + 1]
    assert [step.id for step in replay(broken).unsettled] == [START]

    state = Replay(created())
    for event in [*broken, attached(300)][1:]:
        state.apply(event)

    assert state.record().by_id[START].is_unsettled
    assert state.scheduler.ready() == (START,)
    for event in step(START, 301, 302):
        state.apply(event)
    again = state.record().by_id[START]
    assert (again.is_unsettled, again.attempts) == (False, 2)
    assert [each.at for each in state.record().attachments] == [
        BEGIN + timedelta(seconds=1),
        BEGIN + timedelta(seconds=300),
    ]


def test_a_run_that_ended_may_be_taken_up_again() -> None:
    ended = RunEnded(at=BEGIN + timedelta(seconds=90), state="failed")
    events = [*failed(), ended]
    assert replay(events).state == "failed"

    record = replay([*events, decided(100, Decision.RETRY, step=READY), attached(101)])

    assert record.state == "running"
    assert record.ended_at is None


def test_abort_of_the_run_leaves_nothing_to_start() -> None:
    events = [*happy()[:5], decided(10, Decision.ABORT, step="")]

    record = replay([*events, RunEnded(at=BEGIN + timedelta(seconds=11), state="aborted")])

    assert record.state == "aborted"
    assert record.by_id[START].state is StepState.ABORTED
    assert record.by_id["preflight"].state is StepState.DONE


def test_a_held_run_waits_until_it_is_released() -> None:
    events: list[JournalEvent] = [created(), attached(), RunHeld(at=BEGIN, by="ada")]
    assert replay(events).state == "waiting"
    assert replay(events).held_by == "ada"

    record = replay([*events, RunReleased(at=BEGIN, by="ada")])

    assert record.state == "running"
    assert record.held_by == ""


def test_notes_are_kept_and_change_nothing() -> None:
    note = Noted(at=BEGIN, text="vmm-tokyo answers slowly", level="warning")

    record = replay([created(), attached(), note])

    assert record.notes == (note,)


def test_the_critical_path_of_a_run_is_what_was_waited_for_last() -> None:
    path, seconds = critical_path(replay(happy()))

    assert path == ("preflight", GATE, START, READY, DNS)
    assert seconds == 2 + 60 + 2 + 20 + 1


def test_a_run_under_way_has_a_critical_path_too() -> None:
    path, seconds = critical_path(up_to(Decided))

    assert path == ("preflight", GATE)
    assert seconds == 62
    assert critical_path(replay([created()])) == ((), 0.0)


def test_an_outcome_without_intent_is_refused_and_changes_nothing() -> None:
    state = Replay(created())

    with pytest.raises(IllegalTransitionError):
        state.apply(StepOutcome(at=BEGIN, step="preflight", state="done"))

    assert state.record().by_id["preflight"].state is StepState.PENDING


def test_events_of_another_run_are_refused() -> None:
    state = Replay(created())

    with pytest.raises(JournalError, match="moon"):
        state.apply(StepIntent(at=BEGIN, step="moon"))
    with pytest.raises(JournalError, match="twice"):
        state.apply(created())
    with pytest.raises(JournalError, match="no beginning"):
        replay([attached()])
    with pytest.raises(JournalError, match="no beginning"):
        replay([])


def test_a_wrong_code_and_the_lock_are_told_and_a_right_one_is_not() -> None:
    locked = BEGIN + timedelta(minutes=15)
    step = "db/before/storage"
    given = [
        CodeGiven(at=BEGIN, by="aiko", via="ui", step=step),
        CodeGiven(at=BEGIN, by="aiko", via="cli", step=step, locked_until=locked),
        CodeGiven(at=BEGIN, by="aiko", via="cli", step=step, period=5),
    ]

    record = replay([created(), attached(), *given])

    assert [(note.step, note.text, note.level) for note in record.notes] == [
        (step, "A wrong one-time code was given for aiko, in Prefect's UI.", "warning"),
        (
            step,
            "A wrong one-time code was given for aiko, at a terminal. aiko is locked until "
            "2026-11-20 13:55:05 UTC.",
            "warning",
        ),
    ]
