"""An engine that dies in the middle of a run: seen, cleaned up after, or taken up again."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.conftest import Machine, until
from tests.e2e.following import a_run_until, ended, task_runs
from tests.e2e.reading import PLANNED, changes, made_for_tests, step, vm_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def kill_the_engine(worker: psutil.Process) -> None:
    """`kill -9` of the one process that carries a flow, below the worker."""
    engines = [
        process
        for process in worker.children(recursive=True)
        if "prefect.engine" in process.cmdline()
    ]
    for engine in engines:
        engine.kill()
    psutil.wait_procs(engines, timeout=10)
    assert engines


def runs(machine: Machine) -> dict[str, Any]:
    return {run["run_id"]: run for run in machine.ok("runs", "--json").facts}


def prefect(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    """Prefect's own command, as `up` says how to use it."""
    url = machine.ok("up", "--json").facts["api_url"]
    return subprocess.run(
        [sys.executable, "-m", "prefect", *words],
        env=machine.environment
        | {"PREFECT_API_URL": url, "PREFECT_HOME": str(machine.home / "prefect")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_run_whose_engine_was_killed_is_shown_and_its_clean_up_leaves_nothing(
    estate: Machine,
) -> None:
    before = estate.stable_state()
    worker = estate.services()["worker"]

    # The second group starts: test VMs run, and the first group is in DNS.
    run_id = a_run_until(
        estate,
        "storefront",
        lambda log: "sql01" in {vm_of(event) for event in changes(log, "Start-VM")},
        then=lambda: kill_the_engine(worker),
    )

    assert runs(estate)[run_id]["interrupted"]
    assert f"{run_id} was interrupted" in estate.ok("runs").out
    again = estate.run("run", "storefront", "--kind", "test")
    assert again.code == 1
    assert run_id in again.err
    assert "interrupted" in again.err
    assert "secondsite cleanup storefront" in again.err
    assert made_for_tests(estate.stable_state()) == {f"{vm} - Test" for vm in PLANNED}
    cleaned = estate.ok("cleanup", "storefront", "--json").facts
    assert cleaned["state"] == "done"
    assert estate.stable_state() == before
    assert runs(estate)[run_id]["state"] == "aborted"
    assert not runs(estate)[run_id]["interrupted"]


def slow_answers(machine: Machine) -> None:
    """Hosts tell late of what they made: time to die between the deed and its answer."""
    for host in ("hv-osaka-1", "hv-osaka-2"):
        fault = ("slow-reply", "--host", host, "--cmdlet", "Start-VMFailover", "--seconds", "2")
        machine.ok("lab", "break", *fault)


def test_a_late_word_of_the_death_does_not_end_what_was_resumed(estate: Machine) -> None:
    """Prefect's worker tells of it twice, the second time seconds later."""
    worker = estate.services()["worker"]
    run_id = a_run_until(
        estate,
        "payroll",
        lambda log: changes(log, "Start-VMFailover"),
        options=["--clean-up"],
        then=lambda: kill_the_engine(worker),
    )
    flow_run = estate.ok("report", run_id, "--json").facts["engines"][0]["flow_run"]
    told_late = threading.Thread(target=tell_of_the_death_again, args=(estate, flow_run, worker))

    told_late.start()
    facts = estate.ok("resume", run_id, "--json").facts
    told_late.join()

    assert facts["state"] == "done", facts["headline"]
    assert len(facts["engines"]) == 2


def tell_of_the_death_again(machine: Machine, flow_run: str, worker: psutil.Process) -> None:
    """When the flow run is scheduled again, what Prefect's worker says to its server.

    The worker is held meanwhile: it would take the flow run up in the same instant.
    """
    url = f"{(machine.home / 'api-url').read_text().strip()}/flow_runs/{flow_run}"
    with httpx.Client(trust_env=False, timeout=30) as client:

        def is_(state: str) -> bool:
            return bool(client.get(url).json()["state"]["type"] == state)

        until(lambda: is_("CRASHED"), what="the worker has told of the death")
        worker.suspend()
        try:
            until(lambda: is_("SCHEDULED"), what="the flow run is scheduled again")
            state = {"type": "CRASHED", "message": "Flow run infrastructure exited"}
            client.post(f"{url}/set_state", json={"state": state}).raise_for_status()
        finally:
            worker.resume()


def test_a_killed_run_that_prefect_retries_goes_on_and_does_nothing_twice(
    estate: Machine,
) -> None:
    before = estate.stable_state()
    worker = estate.services()["worker"]
    slow_answers(estate)
    run_id = a_run_until(
        estate,
        "storefront",
        lambda log: changes(log, "Start-VMFailover"),
        options=["--clean-up"],
        then=lambda: kill_the_engine(worker),
    )
    flow_run = estate.ok("report", run_id, "--json").facts["engines"][0]["flow_run"]

    # Prefect learns of the death from its worker, a moment later.
    def retried() -> bool:
        return prefect(estate, "flow-run", "retry", flow_run).returncode == 0

    until(retried, what="Prefect has taken the retry", limit_s=60)
    facts = ended(estate, run_id)

    log = estate.lab_log()
    assert facts["state"] == "done", facts["headline"]
    assert len(facts["engines"]) == 2
    assert {each["flow_run"] for each in facts["engines"]} == {flow_run}
    assert step(facts, "directory/dc01/failover")["attempts"] == 2
    # Finished steps do not appear again in Prefect's UI: a step is shown as often as it was tried.
    attempts = {each["id"]: each["attempts"] for each in facts["steps"]}

    def shown() -> Counter[str]:
        return Counter(task_runs(estate, flow_run))

    until(lambda: shown()["directory/dc01/cleanup"], what="Prefect has heard of the last steps")
    assert {name: count for name, count in shown().items() if count > attempts[name]} == {}
    for cmdlet in ("Start-VMFailover", "Start-VM", "Stop-VMFailover"):
        assert Counter(vm_of(event) for event in changes(log, cmdlet)) == Counter(PLANNED)
    estate.ok("lab", "mend", "--all")
    assert estate.stable_state() == before
    assert estate.ok("runs", "verify", run_id, "--json").facts["verified"]


def test_a_run_killed_before_it_heard_of_its_test_vms_is_cleaned_up_by_their_marks(
    estate: Machine,
) -> None:
    before = estate.stable_state()
    worker = estate.services()["worker"]
    slow_answers(estate)
    run_id = a_run_until(
        estate,
        "payroll",
        lambda log: len(changes(log, "Start-VMFailover")) == 2,
        then=lambda: kill_the_engine(worker),
    )
    until(lambda: len(changes(estate.lab_log(), "Set-VM")) == 2, what="both are marked")

    cleaned = estate.ok("cleanup", "payroll", "--json").facts

    assert step(estate.ok("report", run_id, "--json").facts, "payroll/pay01/failover")["unsettled"]
    assert step(cleaned, "payroll/pay01/cleanup")["changed"]
    estate.ok("lab", "mend", "--all")
    assert estate.stable_state() == before
