"""At a gate in Prefect's own UI: who may not is told why, and the form comes again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pyotp
import pytest
from playwright.sync_api import expect

from secondsite.cli.start import requested_by
from tests.e2e.conftest import Machine, until
from tests.e2e.prefect_ui import Form, PrefectUi

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SECRET = pyotp.random_base32()
PLAN = "guarded"
FIRST, SECOND = "payroll/before/payroll-closed", "payroll/after/payroll-checked"
GATES = """\
    before:
      - gate: Payroll closed
        instructions: |
          {{ started_by }} starts a {{ kind }} failover of **{{ plan }}** to {{ target_site }}.
          At most {{ minutes_lost }} minutes are lost.

          Ask the *payroll office* whether the month is closed.
        approvers: [mona, aiko]
        separation: true
    after:
      - gate: Payroll checked
        instructions: Print a pay slip from {{ vms.pay02.addresses }}.
        approvers: [aiko]
        timeout: 12s
        on_timeout: escalate
        escalate: {approvers: [chief], timeout: 1h}
"""


@pytest.fixture
def guarded(machine: Machine) -> Iterator[Machine]:
    """The machine with approvers, one of whom has codes and one of whom starts the runs."""
    machine.new_lab()
    estate, plan = machine.plans / "estate.yaml", machine.plans / f"{PLAN}.yaml"
    before = estate.read_text()
    codes = 'aiko-codes: {username: aiko, password: {file: "{home}/aiko-codes"}}'
    others = ("chief", "shop-on-call", "duty-manager", "dba-on-call", "storage-on-call")
    approvers = [
        f"  - {{name: mona, accounts: ['{requested_by()}']}}",
        "  - {name: aiko, contact: aiko@corp.example, totp: aiko-codes}",
        *(f"  - {{name: {name}}}" for name in others),
    ]
    text = before.replace("credentials:\n", f"credentials:\n  {codes}\n", 1)
    estate.write_text("approvers:\n" + "\n".join(approvers) + f"\n{text}")
    secret = machine.home / "aiko-codes"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    text = (machine.plans / "payroll.yaml").read_text()
    head, _, rest = text.replace("name: payroll\n", f"name: {PLAN}\n", 1).partition("    vms:\n")
    first, _, second = GATES.partition("    after:\n")
    plan.write_text(f"{head}{first}    vms:\n{rest.rstrip()}\n    after:\n{second}")
    try:
        machine.ok("up", "--json")
        yield machine
        assert machine.run("cleanup", PLAN, "--json").code == 0
    finally:
        estate.write_text(before)
        plan.unlink()
        machine.ok("up", "--json")


def engines(machine: Machine) -> list[psutil.Process]:
    """The processes that carry runs."""
    return machine.services()["worker"].children(recursive=True)


def kill_services(machine: Machine) -> None:
    """Kill server, worker and watch, as the machine's death would; then start them again."""
    kill(machine, "server", "worker", "watch")
    machine.ok("up", "--json")


def kill(machine: Machine, *names: str) -> None:
    remembered = json.loads((machine.home / "up.json").read_text())
    for name in names:
        process = psutil.Process(remembered[name]["pid"])
        for each in (*process.children(recursive=True), process):
            os.kill(each.pid, signal.SIGKILL)
        process.wait(20)


def asked_again(machine: Machine, ui: PrefectUi, run_id: str, why: str) -> Form:
    """The form as it comes again, when the journal tells why the last answer did not count."""

    def noted() -> Any:
        notes = machine.ok("report", run_id, "--json").facts["notes"]
        return [note for note in notes if why in note["text"]]

    until(noted, what=f"the journal tells: {why}", limit_s=90)
    ui.page.reload()
    ui.expect_state("Suspended")
    form = ui.resume()
    expect(form.within).to_contain_text(why)
    return form


def test_wrong_person_wrong_code_and_late_answer_are_told_why_and_the_form_comes_again(
    guarded: Machine, ui: PrefectUi, tmp_path: Path
) -> None:
    started = guarded.run("run", PLAN, "--kind", "test", "--json")
    assert started.code == 4, started.gist
    run_id = started.facts["run_id"]
    until(lambda: not engines(guarded), what="the engine has left the run to people")
    kill_services(guarded)

    ui.open_newest_run(f"test failover of {PLAN}")
    ui.expect_state("Suspended")
    form = ui.resume()
    for words in (
        f"{requested_by()} starts a test failover of {PLAN} to osaka",
        "Not by whoever started the run",
    ):
        expect(form.within).to_contain_text(words)
    offered = approve(form, "mona", comment="I know it is closed")
    form = asked_again(guarded, ui, run_id, "mona started this run")
    ui.page.screenshot(path=tmp_path / "wrong-person.png")
    approve(form, "aiko", code="12345")
    form = asked_again(guarded, ui, run_id, "Wrong code")
    ui.page.screenshot(path=tmp_path / "wrong-code.png")
    waiting = guarded.ok("status", run_id, "--json").facts["waiting"]
    kill(guarded, "watch")  # nobody acts on the second gate's limit before the late answer
    unwatched = guarded.run("status")
    assert (unwatched.code, "Watch             not running" in unwatched.out) == (5, True)
    approve(form, "aiko", code=pyotp.TOTP(SECRET).now(), comment="closed at noon")
    wait_past_the_limit(guarded)
    ui.page.reload()
    ui.expect_state("Suspended")
    approve(ui.resume(), "aiko", code=next_code())
    form = asked_again(guarded, ui, run_id, "Too late")
    expect(form.within).to_contain_text("since then chief may decide, too")
    ui.page.screenshot(path=tmp_path / "late.png")
    approve(form, "chief")
    ui.expect_state("Completed")
    ui.open_artifact()
    ui.page.screenshot(path=tmp_path / "report.png", full_page=True)

    assert offered == ["mona", "aiko"]
    [blocked] = waiting
    assert blocked["step"] == FIRST
    assert "payroll/pay01/start" in blocked["behind"]
    told = guarded.ok("report", run_id, "--json").facts
    decisions = [(each["step"], each["by"], each["with_code"]) for each in told["approvals"]]
    assert decisions == [(FIRST, "aiko", True), (SECOND, "chief", False)]
    first, second = told["gates"]
    assert first["instructions"].startswith(f"{requested_by()} starts a test failover of")
    assert second["escalations"][0]["to"] == ["chief"]
    assert "10.2.0." in second["instructions"]
    assert guarded.ok("runs", "verify", run_id, "--json").facts["verified"]


def approve(form: Form, by: str, *, code: str = "", comment: str = "") -> Sequence[str]:
    """Fill the form in and hand it in; gives the approvers that it offered."""
    form.choose("Decision", "approve")
    offered = form.choose("Approver", by)
    if code:
        form.write("Code", code)
    form.write("Comment", comment)
    form.answer()
    return offered


def wait_past_the_limit(machine: Machine) -> None:
    """Wait until the second gate is open, and the time to answer is over."""

    def waiting() -> Any:
        found = machine.ok("gates", "--json").facts["waiting"]
        return [each for each in found if each["step"] == SECOND]

    [late] = until(waiting, what="the second gate is open", limit_s=90)
    limit = datetime.fromisoformat(late["until"])
    until(lambda: datetime.now(UTC) > limit, what="its limit has passed")


def next_code() -> str:
    """A code that was not used yet: the one of the next 30 seconds holds already."""
    return pyotp.TOTP(SECRET).at(datetime.now(UTC), counter_offset=1)
