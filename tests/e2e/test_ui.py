"""In Prefect's own UI, with a real browser: a person starts, watches and decides."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import REPOSITORY, Machine
from tests.e2e.prefect_ui import PrefectUi, rows
from tests.e2e.reading import PLANNED, made_for_tests, step

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

GATE = """\
    before:
      - gate: Payroll closed
        instructions: |
          Ask the **payroll office** whether the month is closed.
        approvers: [payroll-on-call]
        timeout: 1h
        kinds: [test]
"""


@pytest.fixture(scope="module")
def gated(machine: Machine) -> Iterator[Machine]:
    """The machine with a lab as new, and with a plan that has a gate in tests."""
    machine.new_lab()
    text = (machine.plans / "payroll.yaml").read_text()
    text = text.replace("name: payroll\n", "name: payday\n", 1)
    plan = machine.plans / "payday.yaml"
    plan.write_text(text.replace("  - name: payroll\n", f"  - name: payroll\n{GATE}", 1))
    try:
        machine.ok("up", "--json")
        yield machine
    finally:
        plan.unlink()


@pytest.fixture
def waiting(gated: Machine) -> Iterator[dict[str, Any]]:
    """A test failover that has come to the gate."""
    run = gated.run("run", "payday", "--kind", "test", "--json")
    assert run.code == 4, run.gist
    yield run.facts
    assert gated.run("cleanup", "payday", "--json").code == 0


def prefect(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    """One of Prefect's own commands, with nothing but PREFECT_API_URL."""
    url = machine.ok("up", "--json").facts["api_url"]
    return subprocess.run(
        [sys.executable, "-m", "prefect", *words],
        env=machine.environment
        | {"PREFECT_API_URL": url, "PREFECT_HOME": str(machine.home / "somebody")},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_test_failover_is_started_from_its_form_and_seen_to_complete(
    estate: Machine, ui: PrefectUi, tmp_path: Path
) -> None:
    before = estate.stable_state()

    ui.open_deployment(flow="test-failover", plan="storefront")
    form = ui.custom_run()
    expect(form.field("network")).to_contain_text("What the test VMs are connected to")
    expect(form.field("hold")).to_contain_text("ask people before the test is ended")
    for switch in ("hold", "clean_up"):
        expect(form.field(switch).get_by_role("switch")).to_be_visible()
    offered = form.choose("network", "existing")
    form.write("network_name", "osaka-test")
    form.write("requested_by", "mona")
    ui.page.screenshot(path=tmp_path / "form.png", full_page=True)
    ui.start(form)
    ui.expect_state("Completed")

    assert offered == ["as the estate says", "none", "existing", "created"]
    expect(ui.page.get_by_text("test failover of storefront").first).to_be_visible()
    ui.page.screenshot(path=tmp_path / "run.png")
    ui.open_tab("Task Runs")
    ui.page.get_by_placeholder("Search by run name").fill("databases/sql02")
    for action in ("failover", "connect", "start", "ready", "address", "dns", "verify"):
        expect(ui.page.get_by_role("link", name=f"databases/sql02/{action}")).to_be_visible()
    ui.page.screenshot(path=tmp_path / "task-runs.png")
    report = ui.open_artifact()
    expect(report).to_contain_text("Test failover of storefront: succeeded.")
    ui.page.screenshot(path=tmp_path / "report.png", full_page=True)
    shown = rows(report)
    assert set(PLANNED) <= set(shown)
    assert "✓ done" in shown["sql02"]
    assert "10.2.0.22" in shown["sql02"]
    assert "mona" in shown["requested by"]
    assert "chain verified" in shown["journal"]

    cleaned = prefect(estate, "deployment", "run", "clean-up/storefront", "--watch")

    assert cleaned.returncode == 0, cleaned.stdout + cleaned.stderr
    assert estate.stable_state() == before


def test_an_approved_gate_lets_the_run_go_on_and_the_report_says_who_how_and_why(
    gated: Machine, waiting: dict[str, Any], ui: PrefectUi, tmp_path: Path
) -> None:
    ui.open_newest_run("test failover of payday")
    ui.expect_state("Suspended")
    progress = ui.open_artifact()
    expect(progress).to_contain_text("Waiting for people: Payroll closed")
    expect(progress).to_contain_text("Press Resume")
    ui.page.screenshot(path=tmp_path / "progress.png", full_page=True)
    ui.page.go_back()
    form = ui.resume()
    expect(form.within).to_contain_text("Ask the payroll office whether the month is closed.")
    expect(form.within).to_contain_text("May decide: payroll-on-call.")
    form.submit()
    expect(form.field("Decision")).to_contain_text("is a required property")
    expect(form.field("Approver")).to_contain_text("is a required property")
    offered = form.choose("Decision", "approve")
    form.choose("Approver", "payroll-on-call")
    form.write("Comment", "closed at noon")
    ui.page.screenshot(path=tmp_path / "gate.png")
    form.answer()
    ui.expect_state("Completed")

    assert offered == ["approve", "reject"]
    ui.page.screenshot(path=tmp_path / "run.png")
    expect(ui.open_artifact()).to_contain_text("closed at noon")
    told = gated.ok("report", waiting["run_id"], "--json").facts
    assert told["state"] == "done"
    (decision,) = told["approvals"]
    assert (decision["step"], decision["decision"]) == ("payroll/before/payroll-closed", "approve")
    assert (decision["by"], decision["via"]) == ("payroll-on-call", "ui")
    assert decision["comment"] == "closed at noon"
    assert all(vm["state"] == "done" for vm in told["vms"])
    assert step(told, "payroll/pay01/failover")["attempts"] == 1


def test_a_rejected_gate_ends_the_run_with_words_and_starts_nothing(
    gated: Machine, waiting: dict[str, Any], ui: PrefectUi, tmp_path: Path
) -> None:
    ui.open_newest_run("test failover of payday")
    form = ui.resume()
    form.choose("Decision", "reject")
    form.choose("Approver", "payroll-on-call")
    form.write("Comment", "two postings are open")
    form.answer()
    ui.expect_state("Failed")

    report = ui.open_artifact()
    expect(report).to_contain_text("was rejected by payroll-on-call: two postings are open")
    ui.page.screenshot(path=tmp_path / "report.png", full_page=True)
    told = gated.run("report", waiting["run_id"], "--json").facts
    assert told["state"] == "failed"
    error = step(told, "payroll/before/payroll-closed")["error"]
    assert "rejected by payroll-on-call: two postings are open" in error["message"]
    assert "secondsite status" in error["next"]
    assert step(told, "payroll/pay01/start")["state"] == "pending"


def test_a_clean_up_ends_a_test_that_waits_at_a_gate_and_nobody_can_resume_it(
    gated: Machine, waiting: dict[str, Any], ui: PrefectUi
) -> None:
    cleaned = gated.run("cleanup", "payday", "--json")
    ui.open_newest_run("test failover of payday")
    form = ui.resume()
    form.choose("Decision", "approve")
    form.choose("Approver", "payroll-on-call")
    form.answer()
    ui.expect_state("Failed")

    assert cleaned.code == 0, cleaned.gist
    assert not made_for_tests(gated.stable_state())
    told = gated.ok("report", waiting["run_id"], "--json").facts
    assert told["state"] == "aborted"
    assert "ended by the cleanup payday-cleanup-" in told["summary"]
    ui.open_tab("Details")
    words = f"{waiting['run_id']} was ended: It was not over"
    expect(ui.page.get_by_text(words).first).to_be_visible()
