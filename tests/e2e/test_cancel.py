"""*Cancel* in Prefect's UI: nothing new starts, the journal says so, and others can take over."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Machine, until
from tests.e2e.following import ended, run_of
from tests.e2e.reading import Facts, changes, made_for_tests, step, vm_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

VMS = ["pay01", "pay02"]


def api(machine: Machine) -> str:
    return (machine.home / "api-url").read_text().strip()


def cancel(machine: Machine, flow_run: str) -> None:
    """What the button in Prefect's UI does."""
    wish = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    url = f"{api(machine)}/flow_runs/{flow_run}/set_state"
    answer = httpx.post(url, json=wish, trust_env=False).json()
    # A flow run without a process is cancelled at once, instead of being asked to end.
    assert answer["state"]["type"] in {"CANCELLING", "CANCELLED"}, answer


def state_in_prefect(machine: Machine, flow_run: str) -> str:
    answer = httpx.get(f"{api(machine)}/flow_runs/{flow_run}", trust_env=False)
    return str(answer.json()["state"]["type"])


def cancelled(machine: Machine, run_id: str) -> Any:
    """The run in the list of runs, once it is shown as cancelled."""

    def found() -> Any:
        runs = machine.ok("runs", "--json").facts
        return next((run for run in runs if run["run_id"] == run_id and run["cancelled"]), None)

    return until(found, what=f"{run_id} is shown as cancelled")


def a_cancelled_run(machine: Machine, cmdlet: str, *, kind: str) -> str:
    """A run of payroll, cancelled while Osaka's hosts are late with the answers to `cmdlet`."""
    for host in ("hv-osaka-1", "hv-osaka-2"):
        fault = ("slow-reply", "--host", host, "--cmdlet", cmdlet, "--seconds", "3")
        machine.ok("lab", "break", *fault)

    def has_begun() -> list[Facts]:
        return [event for event in changes(machine.lab_log(), cmdlet) if "osaka" in event["host"]]

    started = machine.ok("run", "payroll", "--kind", kind, "--yes", "--detach", "--json").facts
    flow_run = started["flow_run"]
    until(has_begun, what=f"{cmdlet} is under way")
    cancel(machine, flow_run)
    run_id = run_of(machine, flow_run)
    cancelled(machine, run_id)
    until(
        lambda: state_in_prefect(machine, flow_run) == "CANCELLED",
        what="Prefect shows it as cancelled",
    )
    machine.ok("lab", "mend", "--all")
    return run_id


def test_a_cancelled_failover_starts_nothing_new_and_goes_on_when_resumed(estate: Machine) -> None:
    run_id = a_cancelled_run(estate, "Start-VMFailover", kind="planned")

    facts = estate.ok("report", run_id, "--json").facts
    log = estate.lab_log()
    listed = estate.ok("runs").out
    status = estate.ok("status").out
    again = estate.run("run", "payroll", "--kind", "planned", "--yes")
    resumed = estate.ok("resume", run_id, "--json").facts

    notes = [note["text"] for note in facts["notes"] if note["level"] == "warning"]
    assert len(notes) == 1, notes
    assert notes[0].startswith("Cancelled in Prefect's UI. Nothing new was started.")
    assert f"secondsite resume {run_id}" in notes[0]
    assert "secondsite undo payroll" in notes[0]
    # What was under way has its outcome; nothing that comes after it was started.
    begun = [each["id"] for each in facts["steps"] if each["state"] != "pending"]
    assert "payroll/pay01/failover" in begun
    assert step(facts, "payroll/pay01/failover")["state"] == "done"
    assert changes(log, "Start-VM") == []
    assert f"{run_id} was cancelled" in listed
    assert f"{run_id}: cancelled (secondsite resume {run_id})" in status
    assert again.code == 1
    assert run_id in again.err
    assert resumed["state"] == "done", resumed["headline"]
    assert len(resumed["engines"]) == 2
    done = estate.lab_log()
    for cmdlet in ("Stop-VM", "Start-VM", "Set-VMReplication"):
        assert sorted(vm_of(event) for event in changes(done, cmdlet)) == VMS, cmdlet
    assert estate.ok("status", "payroll", "--json").facts["state"] == "protected, reversed"
    assert estate.ok("runs", "verify", run_id, "--json").facts["verified"]


def test_a_cancelled_failover_is_taken_over_by_undo(estate: Machine) -> None:
    run_id = a_cancelled_run(estate, "Start-VM", kind="unplanned")

    undone = estate.ok("undo", "payroll", "--yes", "--json").facts

    assert undone["state"] == "done", undone["headline"]
    # The VMs were shut down in order before: that is taken back by `cancel`.
    assert estate.ok("status", "payroll", "--json").facts["state"] == "prepared for failover"
    facts = estate.ok("report", run_id, "--json").facts
    assert facts["state"] == "aborted"
    assert f"ended by the undo {undone['run_id']}" in facts["summary"]
    refused = estate.run("resume", run_id)
    assert refused.code == 1
    assert f"{run_id} is over" in refused.err


def test_a_cancelled_test_is_taken_over_by_its_clean_up(estate: Machine) -> None:
    before = estate.stable_state()
    run_id = a_cancelled_run(estate, "Start-VMFailover", kind="test")
    made = made_for_tests(estate.stable_state())

    cleaned = estate.ok("cleanup", "payroll", "--json").facts

    assert made
    assert cleaned["state"] == "done", cleaned["headline"]
    assert estate.stable_state() == before
    assert estate.ok("report", run_id, "--json").facts["state"] == "aborted"


def test_a_run_cancelled_at_a_gate_asks_again_when_resumed(estate: Machine) -> None:
    gate = "shutdown/before/shop-closed"
    started = estate.ok("run", "storefront", "--kind", "planned", "--yes", "--detach", "--json")
    flow_run = started.facts["flow_run"]
    run_id = run_of(estate, flow_run)

    def suspended() -> bool:
        return state_in_prefect(estate, flow_run) == "PAUSED"

    until(suspended, what="the run is suspended")
    refused = estate.run("resume", run_id)
    cancel(estate, flow_run)
    until(
        lambda: state_in_prefect(estate, flow_run) == "CANCELLED",
        what="Prefect shows it as cancelled",
    )
    estate.run("resume", run_id)
    until(suspended, what="the run is suspended again")
    waiting = [each["step"] for each in estate.ok("gates", "--json").facts["waiting"]]
    estate.ok("reject", run_id, gate, "--as", "duty-manager")
    ended(estate, run_id)

    assert refused.code == 1
    assert "waits for people" in refused.err
    assert waiting == [gate]
    assert changes(estate.lab_log()) == []
