"""Real failovers on the lab: there and back, after a disaster, through crashes, with people."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.e2e.conftest import Machine, until
from tests.e2e.following import a_run_until, ended, run_of
from tests.e2e.reading import changes, step, vm_of
from tests.e2e.test_crash import kill_the_engine

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

GONE = ("--primary-side", "skip", "--other-site-is-gone", "the duty manager stands in front of it")
VMS = ["pay01", "pay02"]


def run(machine: Machine, kind: str, *options: str) -> Any:
    """A failover of payroll that ends well; gives its facts."""
    return machine.ok("run", "payroll", "--kind", kind, "--yes", "--json", *options).facts


def standing(machine: Machine) -> Any:
    return machine.ok("status", "payroll", "--json").facts


def production(machine: Machine) -> dict[str, Any]:
    """Where payroll's VMs run, on which network, under which address, and what DNS says of them."""
    state = machine.stable_state()
    running = {
        vm["name"]: (host["name"], vm["network"], tuple(vm["addresses"]))
        for site in state["sites"].values()
        for host in site["hosts"]
        for vm in host["vms"]
        if vm["name"] in VMS and vm["state"] == "Running"
    }
    records = {
        (server, record["name"], record["type"]): tuple(record["values"])
        for site in state["sites"].values()
        for server, held in site["dns"].items()
        for zone in held["zones"]
        for record in zone["records"]
        if record["name"].startswith("payroll.")
    }
    return {"running": running, "dns": records}


def test_a_planned_failover_and_the_way_home_leave_production_as_it_was(estate: Machine) -> None:
    before = production(estate)

    there = run(estate, "planned")
    away = production(estate)
    reversed_ = standing(estate)
    home = run(estate, "planned", "--direction", "back")

    assert (there["state"], home["state"]) == ("done", "done")
    assert {host for host, _, _ in away["running"].values()} == {"hv-osaka-1", "hv-osaka-2"}
    assert away["dns"] != before["dns"]
    assert reversed_["state"] == "protected, reversed"
    assert standing(estate)["state"] == "protected"
    assert production(estate) == before
    for cmdlet in ("Start-VMFailover", "Set-VMReplication"):
        done = Counter(vm_of(event) for event in changes(estate.lab_log(), cmdlet))
        assert set(done) == set(VMS)
        assert len(set(done.values())) == 1, done


def test_with_the_site_gone_a_failover_is_undone_repeated_committed_and_brought_home(
    estate: Machine,
) -> None:
    before = production(estate)
    estate.ok("lab", "break", "partition", "--site", "tokyo")

    unsaid = estate.run(
        "run", "payroll", "--kind", "unplanned", "--primary-side", "skip", "--yes", "--json"
    )
    first = run(estate, "unplanned", *GONE)
    asked = {
        event["host"]
        for event in estate.lab_log()
        if event["kind"] == "request" and event["host"].startswith(("hv-tokyo", "vmm-tokyo"))
    }
    estate.ok("undo", "payroll", "--yes", "--json")
    undone = standing(estate)
    second = run(estate, "unplanned", "--recovery-point", "latest-app-consistent", *GONE)
    estate.ok("commit", "payroll", "--yes", "--json")
    too_late = estate.run("undo", "payroll", "--yes")
    estate.ok("lab", "mend", "--all")
    estate.ok("reverse", "payroll", "--yes", "--json")
    turned = standing(estate)
    run(estate, "planned", "--direction", "back")

    assert unsaid.code == 1
    assert "nobody knows whether pay01, pay02 still run in tokyo" in unsaid.out
    assert first["state"] == second["state"] == "done"
    assert asked == set(), "a dead site was asked although that was to be left out"
    assert undone["state"] == "protected"
    assert too_late.code == 1
    assert "pay01 is failed over, unprotected" in too_late.err
    assert turned["state"] == "protected, reversed"
    assert production(estate) == before
    points = [
        event["detail"].get("recovery_point")
        for event in changes(estate.lab_log(), "Start-VMFailover")
        if not event["detail"].get("planned")
    ]
    assert points[:2] == ["", ""], points
    assert all(points[2:4]), points


def test_a_vm_never_runs_in_both_sites(estate: Machine) -> None:
    facts = run(estate, "unplanned")

    log = estate.lab_log()
    stopped = {vm_of(event) for event in changes(log, "Stop-VM") if "tokyo" in event["host"]}
    assert facts["state"] == "done"
    assert stopped == set(VMS)
    assert {name for name, _ in production(estate)["running"].items()} == set(VMS)


def test_nothing_is_moved_without_the_plans_name(estate: Machine) -> None:
    before = estate.stable_state()

    silent = estate.run("run", "payroll", "--kind", "planned")
    wrong = estate.run("commit", "payroll", "--yes")

    assert silent.code == 2
    assert "Nothing was started" in silent.err
    assert wrong.code == 1
    assert "secondsite status payroll" in wrong.err
    assert estate.stable_state() == before


@pytest.mark.parametrize("cmdlet", ["Stop-VM", "Start-VMFailover", "Set-VMReplication"])
def test_a_planned_failover_whose_engine_is_killed_goes_on_when_resumed(
    estate: Machine, cmdlet: str
) -> None:
    worker = estate.services()["worker"]
    run_id = a_run_until(
        estate,
        "payroll",
        lambda log: changes(log, cmdlet),
        kind="planned",
        then=lambda: kill_the_engine(worker),
    )

    facts = estate.ok("resume", run_id, "--json").facts

    log = estate.lab_log()
    assert facts["state"] == "done", facts["headline"]
    assert standing(estate)["state"] == "protected, reversed"
    for each in ("Stop-VM", "Start-VM", "Set-VMReplication"):
        assert Counter(vm_of(event) for event in changes(log, each)) == Counter(VMS), each


def test_a_failed_step_waits_for_a_decision_and_goes_on_after_a_retry(estate: Machine) -> None:
    estate.ok("lab", "break", "cmdlet-fails", "--cmdlet", "Start-VM", "--vm", "pay01")
    started = estate.run("run", "payroll", "--kind", "planned", "--yes", "--json")
    run_id = started.facts["run_id"]

    waiting = estate.ok("gates", "--json").facts["waiting"]
    behind = {vm_of(event) for event in changes(estate.lab_log(), "Start-VM")}
    estate.ok("lab", "mend", "--all")
    wrong = estate.run("approve", run_id, "payroll/pay01/start")
    estate.ok("retry", run_id, "payroll/pay01/start", "--as", "Aiko", "--comment", "mended")
    facts = ended(estate, run_id)

    assert started.code == 4
    assert [each["step"] for each in waiting] == ["payroll/pay01/start"]
    assert waiting[0]["about"] == "failure"
    assert behind == set(), "what depends on it did not wait for the decision"
    assert wrong.code == 1
    assert "choose retry, skip, mark-done or abort" in wrong.err
    assert facts["state"] == "done", facts["headline"]
    assert step(facts, "payroll/pay01/start")["attempts"] == 2
    assert standing(estate)["state"] == "protected, reversed"


def test_gates_are_decided_at_a_terminal_by_those_who_may(estate: Machine) -> None:
    started = estate.ok(
        "run", "storefront", "--kind", "planned", "--yes", "--detach", "--json"
    ).facts
    run_id = run_of(estate, started["flow_run"])
    gate = "shutdown/before/shop-closed"

    def asked() -> Any:
        return [
            each
            for each in estate.ok("gates", "--json").facts["waiting"]
            if each["run_id"] == run_id and each["step"] == gate
        ]

    until(asked, what="the gate is open")
    stranger = estate.run("approve", run_id, gate, "--as", "Mallory")
    before = changes(estate.lab_log())
    rejected = estate.ok("reject", run_id, gate, "--as", "duty-manager", "--comment", "not today")
    facts = ended(estate, run_id)
    again = estate.run("approve", run_id, gate, "--as", "shop-on-call")

    assert stranger.code == 1
    assert "Mallory may not decide" in stranger.err
    assert "reject by duty-manager" in rejected.out
    assert facts["state"] == "failed"
    assert changes(estate.lab_log()) == before == []
    assert again.code == 1
    assert f"{run_id} is over" in again.err


def test_a_failover_that_stopped_half_way_is_undone_and_cancelled_and_nothing_has_moved(
    estate: Machine,
) -> None:
    before = production(estate)
    estate.ok("lab", "break", "cmdlet-fails", "--cmdlet", "Start-VMFailover", "--site", "osaka")
    started = estate.run("run", "payroll", "--kind", "planned", "--yes", "--json")
    run_id = started.facts["run_id"]
    estate.ok("lab", "mend", "--all")

    half_way = standing(estate)
    estate.ok("abort", run_id)
    ended(estate, run_id)
    refused = estate.run("cancel", "payroll", "--yes")
    estate.ok("undo", "payroll", "--yes", "--json")
    prepared = standing(estate)
    cancelled = estate.ok("cancel", "payroll", "--yes", "--json").facts

    assert started.code == 4
    state, _, addresses = half_way["state"].partition("; ")
    assert state == "mixed: failed over, commit pending, prepared for failover"
    assert addresses in {"", "addresses in osaka are still taken for pay02"}
    assert refused.code == 1
    assert "is failed over, commit pending" in refused.err
    assert prepared["state"] == "prepared for failover"
    assert "secondsite cancel payroll" in [each["command"] for each in prepared["offered"]]
    assert cancelled["state"] == "done"
    assert standing(estate)["state"] == "protected"
    assert production(estate) == before
