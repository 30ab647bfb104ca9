"""Scripts of a plan inside its VMs, over the real wire: which copy of a VM they reach."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from secondsite.plan.loader import load_estate, load_plan
from secondsite.plan.named_secrets import named_secrets
from secondsite.run.journal import Journal
from secondsite.run.record import StepRecord
from secondsite.run.replay import replay
from tests.campaign.plans import PAYROLL
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

NOTE = "C:\\note.txt"
_SCRIPT = f"""\
param($Word, $RecoveryPlanContext)
Add-Content -Path '{NOTE}' -Value "$Word $($RecoveryPlanContext.FailoverType)"
"$Word in $env:COMPUTERNAME as $env:USERNAME"
"""
_STOP = """\
shutdown:
  before:
    - {script: scripts/note.ps1, name: Stop, on: "guest:pay01", arguments: {Word: stop},
       timeout: 1m}
groups:
"""
_CHECK = """\
    after:
      - {script: scripts/note.ps1, name: Prove, on: "guest:pay01", arguments: {Word: prove},
         timeout: 1m, retries: 2, on_error: stop}
"""


def write_plan(world: World, *, proves: bool = True) -> None:
    """Payroll with a script inside pay01 before the shutdown, and one after the group is up."""
    plan = world.plans / f"{PAYROLL}.yaml"
    text = plan.read_text().replace("groups:\n", _STOP, 1).rstrip()
    plan.write_text(f"{text}\n{_CHECK if proves else ''}")
    (world.plans / "scripts" / "note.ps1").write_text(_SCRIPT)


def steps(world: World) -> Mapping[str, StepRecord]:
    with Journal.open(f"sqlite:///{world.home}/journal.db") as journal:
        [run] = journal.runs()
        return replay(each.event for each in journal.read(run.run_id)).by_id


def notes(world: World) -> dict[tuple[str, str], str]:
    """What was written inside each VM, by site and the VM's name."""
    return {
        (site, vm["name"]): text.strip()
        for site, found in world.state()["sites"].items()
        for host in found["hosts"]
        for vm in host["vms"]
        for text in vm.get("files", {}).values()
    }


def planted(world: World) -> set[str]:
    """The guest's password, in the shapes that it could be written in."""
    secret = (world.home / "lab" / "secrets" / "guest-admin").read_text().strip()
    return {secret, base64.b64encode(secret.encode()).decode().rstrip("=")}


def written(world: World) -> str:
    """Everything that was written below the home but the secrets, and the lab's log."""
    kept = world.home / "lab" / "secrets"
    files = [
        file.read_bytes().decode("utf-8", "replace")
        for file in world.home.rglob("*")
        if file.is_file() and kept not in file.parents
    ]
    return "\n".join([*files, json.dumps(world.log())])


def test_in_a_test_failover_a_script_runs_in_the_test_vm_and_never_in_production(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world") as world:
        write_plan(world)

        outcome = world.carry_out(Case(operation="test"))

        assert "payroll/after/note" in steps(world), (outcome, list(steps(world)))
        found = steps(world)["payroll/after/note"]
        assert found.state == "done", (outcome, found)
        assert notes(world) == {("osaka", "pay01 - Test"): "prove Test"}
        assert found.evidence["output"] == ["prove in PAY01 as guest-admin"]
        assert found.evidence["running_vm"] == "pay01 - Test"
        assert found.evidence["host"].startswith("hv-osaka-")
        assert "shutdown/before/note" not in steps(world)
        assert not any(secret in written(world) for secret in planted(world))


def test_in_a_planned_failover_the_primary_is_stopped_from_inside_and_the_other_side_proved(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world") as world:
        write_plan(world)

        outcome = world.carry_out(Case(operation="planned"))

        assert outcome.state == "COMPLETED", outcome.message
        assert notes(world) == {
            ("tokyo", "pay01"): "stop Planned",
            ("osaka", "pay01"): "prove Planned",
        }
        stopped = steps(world)["shutdown/before/note"]
        assert stopped.evidence["host"].startswith("hv-tokyo-")
        at = [
            index
            for index, each in enumerate(world.log())
            if (each.get("kind"), each.get("vm")) == ("change", "pay01")
            and (each["cmdlet"] == "Stop-VM" or each["detail"].get("event") == "file written")
        ]
        assert world.log()[at[0]]["cmdlet"] == "(guest)"
        assert not any(secret in written(world) for secret in planted(world))


def test_a_wrong_password_is_tried_once_and_the_run_stops_where_the_plan_says(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world") as world:
        write_plan(world)
        secret = world.home / "lab" / "secrets" / "guest-admin"
        secret.write_text("not-the-password-of-anybody\n")

        outcome = world.carry_out(Case(operation="test"))

        failed = steps(world)["payroll/after/note"]
        assert failed.state == "failed", outcome
        assert failed.error is not None
        assert failed.error.kind == "access-denied"
        assert "pay01 - Test on hv-osaka-" in failed.error.message
        assert "refused the account 'guest-admin'" in failed.error.message
        tried = [each for each in world.log() if each.get("cmdlet") == "Invoke-Command"]
        assert len(tried) == 1, "three tries lock an account"
        assert notes(world) == {}
        assert "not-the-password-of-anybody" not in written(world)


def test_a_missing_password_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    with a_world(tmp_path / "world") as world:
        write_plan(world)
        (world.home / "lab" / "secrets" / "guest-admin").unlink()

        outcome = world.carry_out(Case(operation="planned"))

        assert outcome.state == "FAILED"
        assert (
            "payroll/after/note cannot run inside pay01: Cannot get the password" in outcome.message
        )
        assert not world.done()


def test_an_unplanned_failover_does_without_the_script_inside_a_vm_that_nobody_reaches(
    tmp_path: Path,
) -> None:
    said = {"primary_side": "attempt", "other_site_is_gone": "the test says so"}
    with a_world(tmp_path / "world") as world:
        write_plan(world)
        world.arm(kind="partition", site="tokyo")

        outcome = world.carry_out(Case(operation="unplanned", options=said))

        assert outcome.state == "COMPLETED", outcome.message
        found = steps(world)["shutdown/before/note"]
        assert found.state == "done"
        assert "does not answer" in found.evidence["not_done"]
        assert notes(world) == {("osaka", "pay01"): "prove Unplanned"}


def test_an_unplanned_failover_stops_the_vm_from_inside_while_its_site_answers(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world") as world:
        write_plan(world)

        outcome = world.carry_out(Case(operation="unplanned"))

        assert outcome.state == "COMPLETED", outcome.message
        assert notes(world) == {
            ("tokyo", "pay01"): "stop Unplanned",
            ("osaka", "pay01"): "prove Unplanned",
        }


def test_an_unplanned_failover_does_not_wait_for_the_password_of_what_it_leaves(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world") as world:
        write_plan(world, proves=False)
        (world.home / "lab" / "secrets" / "guest-admin").unlink()

        outcome = world.carry_out(Case(operation="unplanned"))

        assert outcome.state == "COMPLETED", outcome.message
        assert (
            "Cannot get the password" in steps(world)["shutdown/before/note"].evidence["not_done"]
        )
        assert notes(world) == {}


def switched_off(lab: str) -> str:
    """The lab's estate with pay01 off at home."""
    return lab.replace("- name: pay01\n", "- name: pay01\n    running: false\n")


def test_a_vm_that_is_off_keeps_its_script_out_and_the_message_says_so(tmp_path: Path) -> None:
    with a_world(tmp_path / "world", change_lab=switched_off) as world:
        write_plan(world)

        outcome = world.carry_out(Case(operation="planned"))

        failed = steps(world)["shutdown/before/note"]
        assert failed.error is not None, outcome
        assert failed.error.kind == "wrong-state"
        assert "pay01 on hv-tokyo-1 does not run" in failed.error.message
        assert "Nothing ran inside." in failed.error.message
        assert notes(world) == {}


def test_the_shipped_estate_names_the_account_inside_its_guests(tmp_path: Path) -> None:
    with a_world(tmp_path / "world") as world:
        write_plan(world)

        estate = load_estate(world.plans)

        assert load_plan(world.plans / f"{PAYROLL}.yaml")
        assert 'the password of credential "guest-admin"' in dict(named_secrets(estate))
