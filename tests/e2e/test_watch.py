"""A run whose process died: noticed without being asked, shown, and taken up if that is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Machine, until
from tests.e2e.following import a_run_until, ended
from tests.e2e.reading import changes, vm_of
from tests.e2e.test_crash import kill_the_engine

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture
def resuming(estate: Machine) -> Iterator[Machine]:
    """The machine, with an estate that wants interrupted runs taken up."""
    file = estate.plans / "estate.yaml"
    text = file.read_text()
    file.write_text(f"resume_by_itself: true\n{text}")
    try:
        yield estate
    finally:
        file.write_text(text)


def a_dead_run(machine: Machine) -> str:
    worker = machine.services()["worker"]
    return a_run_until(
        machine,
        "payroll",
        lambda log: changes(log, "Stop-VM"),
        kind="planned",
        then=lambda: kill_the_engine(worker),
    )


def warnings(machine: Machine, run_id: str) -> list[str]:
    facts = machine.ok("report", run_id, "--json").facts
    return [note["text"] for note in facts["notes"] if note["level"] == "warning"]


def shown(machine: Machine, run_id: str) -> Any:
    runs = machine.ok("status", "--json").facts["runs"]
    return next(run["state"] for run in runs if run["run_id"] == run_id)


def test_a_run_whose_process_died_is_noticed_within_a_minute_and_shown(estate: Machine) -> None:
    run_id = a_dead_run(estate)

    until(lambda: warnings(estate, run_id), what="the journal tells of it", limit_s=60)
    told = warnings(estate, run_id)
    state, status, listed = shown(estate, run_id), estate.ok("status").out, estate.ok("runs").out
    estate.ok("watch", "--once")
    again = warnings(estate, run_id)
    estate.ok("resume", run_id, "--json")

    assert len(told) == 1
    assert told == again
    assert told[0].startswith("Interrupted: the engine that carried this run is gone.")
    assert f"secondsite resume {run_id}" in told[0]
    assert state == "interrupted"
    assert f"{run_id}: interrupted (secondsite resume {run_id})" in status
    assert f"{run_id} was interrupted" in listed
    assert run_id not in [run["run_id"] for run in estate.ok("status", "--json").facts["runs"]]


def test_a_run_whose_process_died_goes_on_by_itself_where_the_estate_wants_it(
    resuming: Machine,
) -> None:
    run_id = a_dead_run(resuming)

    facts = ended(resuming, run_id)

    assert facts["state"] == "done", facts["headline"]
    assert len(facts["engines"]) == 2
    texts = [note["text"] for note in facts["notes"]]
    assert texts.count("Taken up again by itself, as the estate says.") == 1
    log = resuming.lab_log()
    for cmdlet in ("Stop-VM", "Start-VM", "Set-VMReplication"):
        moved = Counter(vm_of(event) for event in changes(log, cmdlet))
        assert moved == Counter(["pay01", "pay02"]), cmdlet
