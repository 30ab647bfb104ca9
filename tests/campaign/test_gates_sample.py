"""Gates through the lab: where they stand, who passes them, and what silence leads to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from secondsite.run.events import Decision
from tests.campaign.gates import PLAN, POSITIONS, GatedRun, tell, trespasses, write_plan
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

_HOUR_S = 3600.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path / "world") as made:
        yield made


def started(world: World) -> list[str]:
    """The VMs that were started in the recovery site, in that order."""
    return [
        str(event["vm"]).removesuffix(" - Test")
        for event in world.log()
        if event["kind"] == "change"
        and event.get("cmdlet") == "Start-VM"
        and event["site"] == "osaka"
    ]


def a_run(world: World, operation: str = "test", **options: object) -> GatedRun:
    case = Case(operation=operation, plan=PLAN, options={"unattended": False, **options})
    return GatedRun(world=world, case=case)


@pytest.mark.parametrize("seed", [7])
def test_nothing_behind_a_gate_is_done_before_the_decision_is_in_the_journal(
    seed: int, tmp_path: Path
) -> None:
    told = tell(seed, tmp_path / "world")

    assert told.trespasses == ()
    assert told.wrong == ()
    assert told.later > 0, "nothing was behind the gates: this proves nothing"


def test_a_planned_failover_stops_at_a_gate_in_every_position_and_goes_on(world: World) -> None:
    write_plan(world.plans, dict.fromkeys(POSITIONS, ""))
    run = a_run(world, "planned")
    passed: list[str] = []
    early: list[str] = []

    while (outcome := run.go_on()).state == "waiting":
        record = run.record()
        assert record is not None
        early += trespasses(record, world.log())[0]
        for question in record.open_questions:
            passed.append(question.title)
            assert run.answer(question.id, "alice").counted

    assert outcome.state == "COMPLETED", outcome.message
    assert sorted(passed) == sorted(POSITIONS)
    record = run.record()
    assert record is not None
    assert early == trespasses(record, world.log())[0] == []


def test_while_one_vm_waits_at_its_gate_the_others_of_its_group_start(world: World) -> None:
    write_plan(world.plans, {"first/pay01/before": ""})
    run = a_run(world)

    first = run.go_on()
    before = started(world)
    [question] = run.record().open_questions  # type: ignore[union-attr]
    run.answer(question.id, "alice")
    last = run.go_on()

    assert first.state == "waiting"
    assert before == ["pay02"]
    assert last.state == "COMPLETED", last.message
    assert started(world) == ["pay02", "pay01", "web01"]


def test_silence_past_the_limit_escalates_and_then_those_who_were_asked_let_the_run_go_on(
    world: World,
) -> None:
    escalate = "escalate: {approvers: [boss], timeout: 30m, on_timeout: stop}"
    write_plan(
        world.plans,
        {"first/before": f"approvers: [alice], timeout: 4h, on_timeout: escalate, {escalate}"},
    )
    run = a_run(world)
    step = "first/before/first-before"
    run.go_on()

    early = run.answer(step, "boss")
    run.ahead_s = 5 * _HOUR_S  # everything was off for five hours
    late = run.answer(step, "alice")
    again = run.go_on()
    [question] = run.record().open_questions  # type: ignore[union-attr]
    none_started = started(world)
    counted = run.answer(step, "boss")
    last = run.go_on()

    assert "boss may not decide" in early.refused[0][1]
    assert late.refused[0][1].startswith("Too late")
    assert again.state == "waiting"
    assert question.approvers == ("alice", "boss")
    assert none_started == []
    assert counted.counted
    assert last.state == "COMPLETED", last.message


def test_silence_after_an_escalation_ends_the_run_and_starts_nothing(world: World) -> None:
    escalate = "escalate: {approvers: [boss], timeout: 30m}"
    write_plan(
        world.plans, {"first/before": f"approvers: [alice], on_timeout: escalate, {escalate}"}
    )
    run = a_run(world)
    run.go_on()
    run.ahead_s = 5 * _HOUR_S
    run.go_on()
    run.ahead_s = 6 * _HOUR_S

    last = run.go_on()

    assert last.state == "FAILED"
    assert "Nobody answered until" in last.message
    assert started(world) == []
    gate = run.record().gates[0]  # type: ignore[union-attr]
    assert (gate.decision, gate.by) == (Decision.REJECT, "time-out")
    assert len(gate.escalations) == 1


def test_a_limit_counts_while_other_steps_go_on(world: World) -> None:
    write_plan(world.plans, {"first/pay01/before": "timeout: 500ms, on_timeout: continue"})
    world.arm(kind="slow-cmdlet", cmdlet="Start-VM", vm="pay02", seconds=6)
    run = a_run(world)

    outcome = run.go_on()

    assert outcome.state == "COMPLETED", outcome.message
    record = run.record()
    assert record is not None
    pay02 = record.by_id["first/pay02/start"].ended_at
    passed_at = record.gates[0].at
    assert pay02 is not None
    assert passed_at is not None
    assert passed_at < pay02, "the limit was heeded only when nothing else was left to do"


def test_a_rehearsal_leaves_gates_out_approves_or_asks_and_the_record_says_which(
    world: World,
) -> None:
    write_plan(
        world.plans,
        {
            "failover/before": "",
            "first/before": "in_rehearsal: approve, required: 2, approvers: [alice, bob]",
            "second/before": "in_rehearsal: ask",
        },
    )
    run = a_run(world, rehearsal="of-a-saturday", unattended=True)

    first = run.go_on()
    run.answer("second/before/second-before", "alice")
    last = run.go_on()

    assert first.state == "waiting"
    assert last.state == "COMPLETED", last.message
    assert "succeeded" in last.message
    gates = {gate.title: gate for gate in run.record().gates}  # type: ignore[union-attr]
    assert {title: (gate.decision, gate.via) for title, gate in gates.items()} == {
        "failover/before": (Decision.SKIP, "plan"),
        "first/before": (Decision.APPROVE, "plan"),
        "second/before": (Decision.APPROVE, "cli"),
    }
    assert "in_rehearsal: skip" in gates["failover/before"].comment


def test_whoever_started_the_run_does_not_pass_its_gate_and_facts_are_shown(
    world: World,
) -> None:
    text = "'{{ started_by }} starts {{ vm.name }}, {{ vms.pay02.addresses }}'"
    gate = f"separation: true, approvers: [campaign, alice], instructions: {text}"
    write_plan(world.plans, {"second/web01/before": gate})
    run = a_run(world)
    step = "second/web01/before/second-web01-before"

    run.go_on()
    [question] = run.record().open_questions  # type: ignore[union-attr]
    own = run.answer(step, "Campaign")
    other = run.answer(step, "alice")

    assert question.shown.startswith("campaign starts web01, 10.2.0.")
    assert "started this run" in own.refused[0][1]
    assert other.counted


def test_a_run_whose_gate_only_its_starter_may_pass_is_refused_before_anything_is_touched(
    world: World,
) -> None:
    write_plan(world.plans, {"first/before": "separation: true, approvers: [campaign]"})

    outcome = a_run(world).go_on()

    assert outcome.state == "FAILED"
    assert "without campaign, who starts the run, only 0 may" in outcome.message
    assert not [event for event in world.log() if event["kind"] == "change"]
