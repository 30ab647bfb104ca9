"""A suite of three plans, rehearsed by its schedule: the clock is driven, the rest is as it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import LAB, REPOSITORY, Machine, until
from tests.e2e.following import ended, run_of
from tests.e2e.reading import changes, step, vm_of
from tests.e2e.test_cancel import cancel, cancelled
from tests.receivers import Webhook, webhook

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

PLANS = {
    "directory": "{name: dc01, ready: [heartbeat, {tcp: 3268}]}",
    # Nothing listens there: the VM boots, and fails its probe.
    "personnel": "{name: hr01, ready: [heartbeat, {tcp: 9999}], boot_timeout: 8s}",
    "payroll": "{name: pay01}",
}
SUITE = """\
name: quarter
plans: [directory, personnel, payroll]
schedule: {cron: "0 3 1 1 *", timezone: Asia/Tokyo}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What came of the rehearsal."""

    machine: Machine
    facts: Any
    before: Any
    after: Any
    log: list[dict[str, Any]]
    told: list[str]
    artifacts: dict[str, str]


def lab_with_a_defect(folder: Path) -> Path:
    """pay01's replica lies on a host whose memory does not hold it."""
    text = (REPOSITORY / LAB).read_text()
    for old, new in (
        ("- name: hv-osaka-2", "- {name: hv-osaka-2, memory: 8GiB}"),
        (
            "    host: hv-tokyo-1\n    replica: hv-osaka-2\n",
            "    host: hv-tokyo-1\n    replica: hv-osaka-2\n    memory: 8GiB\n",
        ),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = folder / "lab.yaml"
    file.write_text(text)
    return file


def write_plans(folder: Path, hook: Webhook) -> Path:
    shutil.copytree(REPOSITORY / "plans", folder)
    (folder / "storefront.yaml").unlink()
    for name, vm in PLANS.items():
        plan = f"name: {name}\nprotection: tokyo-osaka\nobjectives: {{rto: 30m, rpo: 1h}}\n"
        plan += f"groups: [{{name: all, vms: [{vm}]}}]\nrehearse_within: 90d\n"
        (folder / f"{name}.yaml").write_text(plan)
    (folder / "suites" / "quarter.yaml").write_text(SUITE)
    (folder.parent / "hook").write_text(f"json://127.0.0.1:{hook.port}/hook")
    (folder.parent / "hook").chmod(0o600)
    estate = folder / "estate.yaml"
    target = f'{{name: hook, url: {{file: "{folder.parent / "hook"}"}}, events: [failure, ended]}}'
    estate.write_text(f"{estate.read_text()}notifications: [{target}]\n")
    return folder


def let_the_day_come(machine: Machine, deployment: str) -> None:
    """Have Prefect's server schedule what is due in the first days of this year."""
    api = machine.run("status", "--json").facts["server"]["api_url"]
    found = httpx.get(f"{api}/deployments/name/{deployment}", trust_env=False).json()
    (schedule,) = found["schedules"]
    assert schedule["schedule"]["timezone"] == "Asia/Tokyo"
    new_year = datetime(datetime.now(UTC).year, 1, 1, tzinfo=UTC)
    day_before = new_year.replace(year=new_year.year - 1, month=12, day=31)
    httpx.post(
        f"{api}/deployments/{found['id']}/schedule",
        json={"start_time": day_before.isoformat(), "end_time": new_year.isoformat()},
        trust_env=False,
    ).raise_for_status()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("rehearsal")
    with webhook() as hook:
        plans = write_plans(folder / "plans", hook)
        machine = Machine(home=folder / "home", plans=plans)
        try:
            lab = str(lab_with_a_defect(folder))
            machine.ok("lab", "up", "--estate", lab, "--scale", "0.02")
            machine.ok("up", "--json")
            before = machine.stable_state()

            let_the_day_come(machine, "rehearse/quarter")

            def over() -> Any:
                runs = machine.ok("runs", "--json").facts
                return [run for run in runs if run["kind"] == "rehearse" and run["ended_at"]]

            (run,) = until(over, what="the rehearsal is over", limit_s=240)
            until(
                lambda: any("quarter" in json.dumps(each) for each in hook.taken),
                what="people are told",
                limit_s=30,
            )
            yield Story(
                machine=machine,
                facts=machine.ok("report", run["run_id"], "--json").facts,
                before=before,
                after=machine.stable_state(),
                log=machine.lab_log(),
                told=[json.dumps(each) for each in hook.taken],
                artifacts=standings(machine),
            )
        finally:
            machine.run("down")
            machine.run("lab", "down")


def standings(machine: Machine) -> dict[str, str]:
    api = machine.run("status", "--json").facts["server"]["api_url"]
    pages = {
        name: httpx.get(f"{api}/artifacts/standing-{name}/latest", trust_env=False).json()
        for name in PLANS
    }
    return {name: page["data"] for name, page in pages.items()}


def test_the_schedule_rehearses_every_plan_and_one_report_tells_of_all(story: Story) -> None:
    facts = story.facts

    assert facts["plan"] == "quarter"
    assert facts["requested_by"] == "the schedule"
    assert {each["id"]: each["state"] for each in facts["steps"]} == {
        "directory/check": "done",
        "directory/test": "done",
        "personnel/check": "done",
        "personnel/test": "failed",
        "payroll/check": "failed",
        "payroll/test": "skipped",
        "payroll/clean-up": "done",
        "personnel/clean-up": "done",
        "directory/clean-up": "done",
    }
    assert facts["state"] == "failed"
    assert facts["summary"] == (
        "directory: succeeded. personnel: test failed. payroll: check failed."
    )
    assert "hr01" in step(facts, "personnel/test")["error"]["message"]
    assert "9999" in step(facts, "personnel/test")["error"]["message"]
    assert {plan["plan"]: plan["standing_after"]["state"] for plan in facts["plans"]} == {
        "directory": "verified",
        "personnel": "failing",
        "payroll": "failing",
    }
    directory = facts["plans"][0]
    assert directory["standing_before"]["state"] == "draft"
    assert directory["objectives"]["met"] is True
    assert [vm["name"] for vm in directory["recovery"]["vms"]] == ["dc01"]
    assert "memory" in {finding["area"] for finding in facts["plans"][2]["findings"]}
    html = story.machine.home / "report.html"
    story.machine.ok("report", facts["run_id"], "--html", str(html))
    assert "personnel: test failed" in html.read_text()


def test_the_planted_defect_was_found_by_the_check_and_nothing_of_that_plan_started(
    story: Story,
) -> None:
    found = step(story.facts, "payroll/check")

    assert "hv-osaka-2 has" in found["error"]["message"]
    assert "MiB of memory free" in found["error"]["message"]
    assert "pay01" not in {vm_of(event) for event in changes(story.log)}


def test_the_standing_of_each_plan_says_what_came_of_it(story: Story) -> None:
    told = story.machine.run("status", "--json").facts["plans_standing"]

    assert {name: told[name]["state"] for name in PLANS} == {
        "directory": "verified",
        "personnel": "failing",
        "payroll": "failing",
    }
    assert "hr01" in told["personnel"]["reasons"][0]
    assert "memory" in told["payroll"]["reasons"][0]
    assert story.artifacts["directory"].startswith("# directory: verified")
    assert story.artifacts["personnel"].startswith("# personnel: failing")
    shown = story.machine.ok("status", "directory").out
    assert "Standing:  verified" in shown
    assert "RTO:" in shown
    assert "Speed up:" in shown


def test_people_are_told_and_the_estate_is_as_it_was(story: Story) -> None:
    assert any("personnel" in each and "hr01" in each for each in story.told)
    assert story.after == story.before


def test_what_is_left_up_by_hand_is_not_rehearsed_on_top_of(story: Story) -> None:
    machine = story.machine
    machine.ok("run", "directory", "--kind", "test", "--json")

    refused = machine.run("rehearse", "directory")

    assert refused.code == 1
    assert "Skipped: the test directory-test-" in refused.err
    machine.ok("cleanup", "directory", "--json")
    again = machine.ok("rehearse", "directory", "--json").facts
    assert again["state"] == "done"
    assert machine.stable_state() == story.before


def test_one_that_is_cancelled_in_prefect_is_cleaned_up_before_another_one_starts(
    story: Story,
) -> None:
    machine = story.machine
    for host in ("hv-osaka-1", "hv-osaka-2"):
        fault = ("slow-reply", "--host", host, "--cmdlet", "Start-VMFailover", "--seconds", "5")
        machine.ok("lab", "break", *fault)

    def begun() -> int:
        return len(changes(machine.lab_log(), "Start-VMFailover"))

    so_far = begun()
    flow_run = machine.ok("rehearse", "directory", "--detach", "--json").facts["flow_run"]
    until(lambda: begun() > so_far, what="its test is under way")
    cancel(machine, flow_run)
    run_id = cancelled(machine, run_of(machine, flow_run))["run_id"]
    machine.ok("lab", "mend", "--all")
    another = machine.run("rehearse", "directory", "--json")

    facts = ended(machine, run_id, limit_s=240)  # the watch takes it up

    assert len(facts["engines"]) == 2
    assert facts["summary"].startswith("Cancelled. ")
    assert step(facts, "directory/clean-up")["state"] == "done"
    if another.code == 0:  # the first was over by then
        assert another.facts["created_at"] > facts["ended_at"]
    else:
        assert another.facts["error"]["message"].startswith("Skipped: ")
    assert machine.stable_state() == story.before
