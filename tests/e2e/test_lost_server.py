"""Prefect's server restarted in the middle of a run, its database lost: the journal is enough."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Machine, until
from tests.e2e.following import a_run_until, api, ended, run_of, task_runs
from tests.e2e.reading import Facts, changes, vm_of
from tests.e2e.test_crash import kill_the_engine

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

VMS = ["pay01", "pay02"]
GATE = "shutdown/before/shop-closed"


def flow_runs_in_prefect(machine: Machine) -> list[Facts]:
    answer = httpx.post(f"{api(machine)}/flow_runs/filter", json={}, trust_env=False, timeout=30)
    found: list[Facts] = answer.json()
    return found


def lose_the_database(machine: Machine) -> None:
    """Everything of Prefect's is stopped, and its database is deleted."""
    machine.ok("down")
    lost = list((machine.home / "prefect").glob("prefect.db*"))
    assert lost
    for file in lost:
        file.unlink()


def waiting_gates(machine: Machine) -> list[tuple[str, str]]:
    waiting = machine.ok("gates", "--json").facts["waiting"]
    return [(each["run_id"], each["step"]) for each in waiting]


def known(machine: Machine) -> dict[str, Any]:
    return {run["run_id"]: run for run in machine.ok("runs", "--json").facts}


def nothing_was_done_twice(machine: Machine) -> None:
    log = machine.lab_log()
    for cmdlet in ("Stop-VM", "Start-VM", "Set-VMReplication"):
        assert Counter(vm_of(event) for event in changes(log, cmdlet)) == Counter(VMS), cmdlet


def test_with_prefects_database_lost_the_journal_is_enough_to_see_and_to_go_on(
    estate: Machine,
) -> None:
    started = estate.ok("run", "storefront", "--kind", "planned", "--yes", "--detach", "--json")
    at_gate = run_of(estate, started.facts["flow_run"])
    until(lambda: waiting_gates(estate), what="the gate is open")
    worker = estate.services()["worker"]
    killed = a_run_until(
        estate,
        "payroll",
        lambda log: changes(log, "Start-VMFailover"),
        kind="planned",
        then=lambda: kill_the_engine(worker),
    )
    before = estate.ok("report", killed, "--json").facts

    lose_the_database(estate)
    without_server = known(estate)
    estate.ok("up", "--json")
    forgotten = flow_runs_in_prefect(estate)
    listed = known(estate)
    still_open = waiting_gates(estate)
    resumed = estate.ok("resume", killed, "--json").facts
    estate.ok("reject", at_gate, GATE, "--as", "duty-manager", "--comment", "not today")
    rejected = ended(estate, at_gate)

    assert forgotten == []
    assert {run_id: run["interrupted"] for run_id, run in without_server.items()} == {
        run_id: run["interrupted"] for run_id, run in listed.items()
    }
    assert listed[killed]["interrupted"]
    assert still_open == [(at_gate, GATE)]
    # What was done before stands in the report as it stood, and was not done again.
    done_before = {each["id"]: each for each in before["steps"] if each["state"] == "done"}
    done_after = {each["id"]: each for each in resumed["steps"]}
    assert done_before
    for step_id, each in done_before.items():
        assert done_after[step_id]["started_at"] == each["started_at"], step_id
        assert done_after[step_id]["attempts"] == each["attempts"], step_id
    assert resumed["state"] == "done", resumed["headline"]
    assert len(resumed["engines"]) == 2
    nothing_was_done_twice(estate)
    assert rejected["state"] == "failed"
    assert [gate["by"] for gate in rejected["gates"] if gate["id"] == GATE] == ["duty-manager"]
    assert estate.ok("status", "payroll", "--json").facts["state"] == "protected, reversed"
    assert estate.ok("runs", "verify", "--json").facts["verified"]
    # Finished steps do not appear again in the new server: only what was left to do.
    [flow_run] = [
        each
        for each in flow_runs_in_prefect(estate)
        if each["name"] == "planned failover of payroll"
    ]
    shown = task_runs(estate, flow_run["id"])
    assert set(shown) & set(done_before) == set()


def test_a_run_goes_on_while_prefects_server_is_restarted(estate: Machine) -> None:
    for host in ("hv-tokyo-1", "hv-tokyo-2"):
        slow = ("slow-reply", "--host", host, "--cmdlet", "Stop-VM", "--seconds", "3")
        estate.ok("lab", "break", *slow)
    server = estate.services()["server"]
    run_id = a_run_until(
        estate, "payroll", lambda log: changes(log, "Stop-VM"), kind="planned", then=server.kill
    )

    # While nobody answers at its address, the run goes on.
    until(lambda: changes(estate.lab_log(), "Start-VM"), what="VMs start in the other site")
    estate.ok("up", "--json")
    facts = ended(estate, run_id)

    assert facts["state"] == "done", facts["headline"]
    assert len(facts["engines"]) == 1
    nothing_was_done_twice(estate)
    flow_run = facts["engines"][0]["flow_run"]

    def shown_in_prefect() -> str:
        answer = httpx.get(f"{api(estate)}/flow_runs/{flow_run}", trust_env=False, timeout=30)
        return str(answer.json()["state"]["type"])

    until(lambda: shown_in_prefect() == "COMPLETED", what="Prefect shows it as completed")
