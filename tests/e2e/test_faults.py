"""What goes wrong on the way is survived, or told by VM, host, cause and next step."""

from __future__ import annotations

import pytest
import winrm

from secondsite.lab.endpoints import LabFolder
from tests.e2e.conftest import Machine
from tests.e2e.following import a_run_until, ended
from tests.e2e.reading import PLANNED, changes, made_for_tests, step, vm_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def at_another_terminal(machine: Machine, host: str, command: str) -> str:
    """What somebody else does on that host, without us."""
    endpoint = (LabFolder(machine.home).read_endpoints() or {})["servers"][host]
    password = (machine.home / "lab" / "secrets" / "osaka-operator").read_text().strip()
    session = winrm.Session(
        f"http://{endpoint['address']}:{endpoint['port']}/wsman",
        auth=("osaka-operator", password),
        transport="ntlm",
        server_cert_validation="ignore",  # plain HTTP, sealed by NTLM
    )
    done = session.run_ps(command)
    assert done.status_code == 0, done.std_err
    return str(done.std_out, "utf-8").strip()


def test_a_vm_that_never_boots_fails_by_name_and_leaves_nothing_after_cleanup(
    estate: Machine,
) -> None:
    before = estate.stable_state()
    estate.ok("lab", "break", "vm-never-boots", "--vm", "pay01")

    failed = estate.run("run", "payroll", "--kind", "test", "--json")
    cleaned = estate.run("cleanup", "payroll", "--json")

    error = step(failed.facts, "payroll/pay01/ready")["error"]
    assert failed.code == 1
    assert "pay01 - Test on hv-osaka-2 was not ready within 12 s" in error["message"]
    assert "heartbeat NoContact" in error["message"]
    assert "console of pay01 - Test" in error["next"]
    assert step(failed.facts, "payroll/pay02/start")["state"] == "pending"
    assert cleaned.code == 0
    estate.ok("lab", "mend", "--all")
    assert estate.stable_state() == before


def test_replies_lost_after_execution_are_survived_and_nothing_is_done_twice(
    estate: Machine,
) -> None:
    before = estate.stable_state()
    lost = [
        ("lose-reply", "--host", "hv-osaka-1", "--cmdlet", "Start-VMFailover"),
        ("half-body", "--host", "hv-osaka-2", "--cmdlet", "Start-VMFailover"),
        ("lose-reply", "--host", "hv-osaka-1", "--cmdlet", "Start-VM"),
        ("lose-reply", "--host", "hv-osaka-2", "--cmdlet", "Stop-VMFailover"),
    ]
    for fault in lost:
        estate.ok("lab", "break", *fault)

    tested = estate.ok("run", "storefront", "--kind", "test", "--clean-up", "--json").facts

    log = estate.lab_log()
    assert tested["state"] == "done"
    injected = [event for event in log if event["kind"] == "fault" and event["host"]]
    assert len(injected) == len(lost)
    for cmdlet in ("Start-VMFailover", "Start-VM", "Stop-VMFailover"):
        assert sorted(vm_of(event) for event in changes(log, cmdlet)) == PLANNED
    estate.ok("lab", "mend", "--all")
    assert estate.stable_state() == before


def test_a_host_that_refuses_connections_for_a_while_in_the_middle_is_survived(
    estate: Machine,
) -> None:
    before = estate.stable_state()
    run_id = a_run_until(
        estate, "storefront", lambda log: changes(log, "Start-VM"), options=["--clean-up"]
    )

    estate.ok("lab", "break", "host-refuses", "--host", "hv-osaka-1")
    estate.ok("lab", "mend", "--all")

    facts = ended(estate, run_id)
    assert facts["state"] == "done", facts["headline"]
    assert sorted(vm_of(event) for event in changes(estate.lab_log(), "Start-VM")) == PLANNED
    assert estate.stable_state() == before


def test_a_host_that_is_gone_for_good_fails_by_name_and_cleanup_works_when_it_is_back(
    estate: Machine,
) -> None:
    before = estate.stable_state()
    # pay01 is on the other host; the program that needs it is on the one that goes away.
    run_id = a_run_until(estate, "payroll", lambda log: changes(log, "Start-VM"))
    estate.ok("lab", "break", "host-refuses", "--host", "hv-osaka-1")

    facts = ended(estate, run_id)
    estate.ok("lab", "mend", "--all")
    cleaned = estate.ok("cleanup", "payroll", "--json").facts

    error = next(each["error"] for each in facts["steps"] if each["error"])
    assert facts["state"] == "failed"
    assert "hv-osaka-1" in error["message"]
    assert "nothing was changed there" in error["message"]
    assert "Test-WSMan" in error["next"]
    assert cleaned["state"] == "done"
    assert estate.stable_state() == before


def test_cleanup_leaves_the_test_vms_of_others_alone(estate: Machine) -> None:
    at_another_terminal(
        estate, "hv-osaka-2", "Start-VMFailover -VMName pay01 -AsTest -Confirm:$false"
    )
    at_another_terminal(
        estate, "hv-osaka-2", "Start-VMFailover -VMName hr01 -AsTest -Confirm:$false"
    )
    theirs = estate.stable_state()

    refused = estate.run("run", "payroll", "--kind", "test", "--json")
    cleaned = estate.ok("cleanup", "payroll", "--json").facts

    assert refused.code == 1
    assert "pay01 on hv-osaka-2" in step(refused.facts, "preflight")["error"]["message"]
    assert cleaned["state"] == "done"
    assert not any(each["changed"] for each in cleaned["steps"])
    assert made_for_tests(theirs) == {"pay01 - Test", "hr01 - Test"}
    assert estate.stable_state() == theirs
