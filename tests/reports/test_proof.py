from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from secondsite.reports import report_html, report_markdown
from secondsite.reports.facts import run_facts
from secondsite.reports.proof import proof_of
from secondsite.run.events import VmFact
from secondsite.run.record import StepRecord
from secondsite.run.states import StepState
from secondsite.run.vms import vm_record
from tests.reports.story import succeeded

READY: dict[str, Any] = {
    "last_seen": {"heartbeat": "OkApplicationsHealthy"},
    "probes": ["tcp 1433 on 10.2.0.21: open"],
}
VERIFIED: dict[str, Any] = {
    "verified": [
        {
            "name": "sql01.corp.example",
            "type": "A",
            "servers": [
                {"server": "dns-osaka", "detail": "shows 10.2.0.21 (TTL 60 s)"},
                {"server": "dns-tokyo", "detail": "shows 10.2.0.21 (TTL 60 s)"},
            ],
        }
    ]
}


@pytest.fixture
def step() -> StepRecord:
    record = succeeded().record()
    return next(each for each in record.steps if each.vm)


def test_each_answer_of_guest_and_name_servers_is_a_line(step: StepRecord) -> None:
    done = replace(step, state=StepState.DONE)

    lines = proof_of(
        {"ready": replace(done, evidence=READY), "verify": replace(done, evidence=VERIFIED)}
    )

    assert lines == [
        "heartbeat: OkApplicationsHealthy",
        "tcp 1433 on 10.2.0.21: open",
        "sql01.corp.example A: dns-osaka shows 10.2.0.21 (TTL 60 s)",
        "sql01.corp.example A: dns-tokyo shows 10.2.0.21 (TTL 60 s)",
    ]


@pytest.mark.parametrize("state", [StepState.FAILED, StepState.SKIPPED, StepState.RUNNING])
def test_what_is_not_done_proves_nothing(step: StepRecord, state: StepState) -> None:
    assert proof_of({"ready": replace(step, state=state, evidence=READY)}) == []


def test_what_a_person_has_declared_done_proves_nothing(step: StepRecord) -> None:
    by_hand = replace(step, state=StepState.DONE, done_by_hand=True)

    assert proof_of({"ready": replace(by_hand, evidence=READY)}) == []


@pytest.mark.parametrize("skipped", ["ready", "dns"])
def test_a_vm_of_which_people_have_skipped_a_step_is_not_said_to_be_in_service(
    skipped: str,
) -> None:
    steps = [
        replace(each, state=StepState.SKIPPED if each.action == skipped else each.state)
        for each in succeeded().record().steps
        if each.vm == "sql01"
    ]
    whole = [each for each in succeeded().record().steps if each.vm == "sql01"]
    fact = VmFact(name="sql01", id="1")

    assert vm_record("sql01", whole, fact).in_service_at is not None
    assert vm_record("sql01", steps, fact).in_service_at is None


def test_the_steps_say_what_was_done_by_hand() -> None:
    record = succeeded().record()
    first, *rest = record.steps
    marked = replace(record, steps=(replace(first, done_by_hand=True), *rest))

    assert "✓ done, by hand |" in report_markdown(run_facts(marked))
    assert "by hand" in report_html(run_facts(marked))
    assert "by hand" not in report_markdown(run_facts(record))


def test_page_and_markdown_show_the_proof_of_each_vm() -> None:
    facts = run_facts(succeeded().record())
    facts["vms"][0]["proof"] = ["tcp 1433 on 10.2.0.21: open <b>"]

    assert "tcp 1433 on 10.2.0.21: open &lt;b&gt;" in report_html(facts)
    assert "tcp 1433 on 10.2.0.21: open &lt;b&gt;" in report_markdown(facts)
