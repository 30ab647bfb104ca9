from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter

from secondsite.reports.facts import run_facts
from secondsite.reports.schema import schema_text
from secondsite.reports.shape import RunFacts, State
from secondsite.run.events import (
    Decision,
    ErrorFact,
    Objectives,
    PlannedStep,
    RunCreated,
    StepIntent,
    StepOutcome,
)
from secondsite.run.replay import replay
from secondsite.run.states import StepState
from tests.reports.story import BEGIN, NOT_READY, Story, failed, of_size, succeeded, under_way

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

STORIES = {
    "succeeded": succeeded(),
    "failed": failed(),
    "under way": under_way(),
    "waiting": Story(),
    "clean-up": Story(kind="cleanup"),
    "hundred": of_size(100),
}

# design.md §9: what people script against.
PROMISED = {
    *("run_id", "plan", "plan_digest", "kind", "direction", "state", "started_at", "ended_at"),
    *("duration_s", "critical_path_s", "objectives", "steps", "vms", "gates", "approvals"),
}
PROMISED_OF_A_STEP = {
    *("id", "action", "vm", "site", "host", "state", "waits_for", "attempts", "changed"),
    *("started_at", "ended_at", "duration_s", "evidence", "error"),
}
PROMISED_OF_A_VM = {"name", "id", "site", "host", "state", "addresses", "dns", "ready_at"}
PROMISED_OF_A_GATE = {"id", "decision", "by", "at", "comment"}


def test_a_small_run_gives_exactly_the_facts_that_were_agreed() -> None:
    story = Story(groups={"directory": ("dc01",)}, answers={"hold": Decision.APPROVE})

    facts = run_facts(story.record())

    golden = (HERE / "golden" / "one-vm.json").read_text(encoding="utf-8")
    assert json.loads(json.dumps(facts)) == json.loads(golden)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_the_object_has_its_shape_and_survives_json(story: Story) -> None:
    facts = run_facts(story.record())

    checked = TypeAdapter(RunFacts).validate_python(facts, strict=True)
    assert json.loads(json.dumps(checked)) == facts


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_every_promised_key_is_there(story: Story) -> None:
    facts = run_facts(story.record())

    assert facts.keys() >= PROMISED
    assert all(step.keys() >= PROMISED_OF_A_STEP for step in facts["steps"])
    assert all(vm.keys() >= PROMISED_OF_A_VM for vm in facts["vms"])
    assert all(gate.keys() >= PROMISED_OF_A_GATE for gate in facts["gates"])


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_the_report_accounts_for_every_step_and_vm_once(story: Story) -> None:
    facts = run_facts(story.record())

    assert [step["id"] for step in facts["steps"]] == [step.id for step in story.steps()]
    names = [vm for vms in story.groups.values() for vm in vms]
    assert [vm["name"] for vm in facts["vms"]] == names


def test_states_are_the_engines_states() -> None:
    assert set(get_args(State)) == {state.value for state in StepState}


def test_the_published_schema_is_current() -> None:
    published = ROOT / "docs" / "reference" / "report.schema.json"

    assert published.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m secondsite.reports.schema > docs/reference/report.schema.json"
    )


def test_rto_runs_from_the_decision_to_the_last_vm_in_service() -> None:
    record = succeeded().record()

    facts = run_facts(record)

    last = max(vm.in_service_at for vm in record.vms if vm.in_service_at)
    actual_s = facts["objectives"]["rto_actual_s"]
    assert actual_s == pytest.approx((last - record.created_at).total_seconds(), abs=0.001)
    assert facts["objectives"]["met"] is True


def test_rto_is_missed_when_it_took_longer() -> None:
    story = replace(succeeded(), objectives=Objectives(rto_s=60.0))

    objectives = run_facts(story.record())["objectives"]

    assert (objectives["rto_met"], objectives["met"]) == (False, False)


def test_rto_is_missed_when_a_vm_never_came_into_service() -> None:
    objectives = run_facts(failed().record())["objectives"]

    assert objectives["rto_actual_s"] is None
    assert objectives["rto_met"] is False


def test_rto_of_a_run_that_its_preflight_refused_is_not_judged() -> None:
    error = ErrorFact(kind="refused", message="dc01 does not replicate.")

    facts = run_facts(replace(succeeded(), fails={"preflight": error}).record())

    assert (facts["state"], facts["objectives"]["rto_met"]) == ("failed", None)
    assert facts["objectives"]["met"] is None


def test_rto_is_open_while_there_is_time_and_missed_once_it_has_passed() -> None:
    record = under_way().record()

    in_time = run_facts(record, reported_at=BEGIN + timedelta(minutes=44))
    too_late = run_facts(record, reported_at=BEGIN + timedelta(minutes=46))

    assert in_time["objectives"]["rto_met"] is None
    assert in_time["objectives"]["met"] is None
    assert too_late["objectives"]["rto_met"] is False


def test_a_cleanup_is_not_measured_against_the_rto() -> None:
    objectives = run_facts(Story(kind="cleanup").record())["objectives"]

    assert objectives["rto_met"] is None
    assert objectives["met"] is None


def test_rpo_is_the_age_of_the_oldest_data_at_the_decision() -> None:
    story = replace(
        succeeded(),
        evidence={
            "web/web01/failover": {
                "recovery_point_at": (BEGIN - timedelta(seconds=1000)).isoformat()
            }
        },
    )

    objectives = run_facts(story.record())["objectives"]

    assert objectives["rpo_actual_s"] == 1000.0
    assert (objectives["rpo_met"], objectives["met"]) == (False, False)


def test_data_replicated_after_the_decision_is_no_loss() -> None:
    story = replace(succeeded(), point_age_s=-30.0)

    assert run_facts(story.record())["objectives"]["rpo_actual_s"] == 0.0


def test_a_planned_failover_that_sent_its_last_changes_loses_nothing() -> None:
    story = Story(groups={"web": ("web01",)}, gates=())
    created, *events = story.events()
    assert isinstance(created, RunCreated)
    prepare = PlannedStep(
        id="web/web01/prepare", action="prepare", group="web", vm="web01", waits_for=("preflight",)
    )
    created = replace(created, steps=(*created.steps, prepare))
    sent = [
        replace(event, step=prepare.id)
        for event in events
        if isinstance(event, StepIntent | StepOutcome) and event.step == "web/web01/failover"
    ]
    at = next(n for n, e in enumerate(events) if isinstance(e, StepOutcome)) + 1

    record = replay([created, *events[:at], *sent, *events[at:]])

    assert run_facts(record)["objectives"]["rpo_actual_s"] == 0.0


def test_time_spent_waiting_for_people_is_told_apart() -> None:
    story = replace(succeeded(), lasts_s={"hold": 600.0})

    facts = run_facts(story.record())

    assert facts["people_s"] == pytest.approx(600.0)
    assert facts["objectives"]["rto_met"] is True


def test_a_gate_inside_the_plan_counts_as_waiting_for_people() -> None:
    gate = "databases/before/storage-released"
    story = replace(succeeded(), gates=("hold", gate), answers={gate: Decision.APPROVE})
    record = story.record()
    asked = next(question for question in record.questions if question.id == gate)

    facts = run_facts(record)

    assert asked.at is not None
    assert asked.asked_at is not None
    assert facts["people_s"] == pytest.approx((asked.at - asked.asked_at).total_seconds())


def test_a_question_beside_work_that_goes_on_is_no_waiting() -> None:
    asked = "directory/dc01/ready"
    story = Story(
        groups={"directory": ("dc01", "dc02")},
        gates=(),
        fails={asked: NOT_READY},
        fail_times=1,
        answers={asked: Decision.RETRY},
        lasts_s={asked: 10.0, "directory/dc02/ready": 100.0},
    )

    facts = run_facts(story.record())

    assert facts["gates"][0]["waited_s"] == 30.0
    assert facts["people_s"] == 0.0


def test_dns_tells_before_during_and_now() -> None:
    left_up = Story(gates=())

    during = run_facts(left_up.record())["vms"][0]["dns"][0]
    after = run_facts(succeeded().record())["vms"][0]["dns"][0]

    assert (during["before"], during["during"], during["now"], during["restored"]) == (
        ["10.1.0.106"],
        ["10.2.0.106"],
        ["10.2.0.106"],
        False,
    )
    assert (after["now"], after["restored"]) == (["10.1.0.106"], True)


def test_a_cleanup_tells_what_it_put_back() -> None:
    dns = run_facts(Story(kind="cleanup").record())["vms"][0]["dns"][0]

    assert (dns["during"], dns["now"], dns["restored"]) == (["10.2.0.106"], ["10.1.0.106"], True)


def test_a_name_that_did_not_exist_before_has_no_values_before() -> None:
    change = {"name": "dc01.corp.example", "type": "A", "before": None, "after": ["10.2.0.9"]}
    story = replace(succeeded(), evidence={"directory/dc01/dns": {"dns": [change]}}, gates=())

    dns = run_facts(story.record())["vms"][0]["dns"][0]

    assert (dns["before"], dns["during"]) == ([], ["10.2.0.9"])


def test_vms_that_a_failure_held_back_are_not_called_running_after_the_end() -> None:
    facts = run_facts(failed().record())

    states = {vm["name"]: vm["state"] for vm in facts["vms"]}
    assert states["sql02"] == "failed"
    assert states["web01"] == "pending"
    assert states["dc01"] == "done"


def test_the_critical_path_is_marked_on_its_steps() -> None:
    facts = run_facts(failed().record())

    marked = [step["id"] for step in facts["steps"] if step["critical"]]
    assert sorted(marked) == sorted(facts["critical_path"])
    assert "databases/sql02/ready" in marked


def test_errors_carry_kind_message_and_next_step() -> None:
    facts = run_facts(failed().record())

    step = next(step for step in facts["steps"] if step["id"] == "databases/sql02/ready")
    assert step["error"] == {
        "kind": NOT_READY.kind,
        "message": NOT_READY.message,
        "next": NOT_READY.next,
    }


def test_all_times_are_utc() -> None:
    facts = run_facts(succeeded().record())

    times = [step["ended_at"] for step in facts["steps"]] + [facts["created_at"]]
    assert all(time and time.endswith("Z") for time in times)
