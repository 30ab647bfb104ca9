"""What can be wrong in what an estate says about Prefect and notifications."""

# ruff: noqa: E501 - the lines of a table are what a person sees, whole

from __future__ import annotations

import pytest

from secondsite.plan.loader import examine, load_estate, load_folder, plan_files
from tests.plan.conftest import PLAN, PlansFolder

WRONG = {
    "a plan that is not there": (
        "notifications:\n  - {name: mail, url: {env: MAIL}, plans: [wbe]}\n",
        '40: notification "mail": plans 1: there is no plan "wbe" (did you mean "web"?)',
    ),
    "a target with two ways": (
        "notifications:\n  - {name: mail, url: {env: MAIL}, block: slack-webhook/dr}\n",
        '40: notification "mail": a target has exactly one way: write url: {file: PATH}, or block: TYPE/NAME',
    ),
    "a target without a way": (
        "notifications:\n  - {name: mail}\n",
        '40: notification "mail": a target has exactly one way: write url: {file: PATH}, or block: TYPE/NAME',
    ),
    "an unknown topic": (
        "notifications:\n  - {name: mail, url: {env: MAIL}, events: [gate, strated]}\n",
        '40: notification "mail": events 2: "strated" is not one of the possible values (did you mean "started"?): write started, gate, reminder, escalation, decision, lock, failure, interruption or ended',
    ),
    "approvers that nobody named": (
        "notifications:\n  - {name: mail, url: {env: MAIL}, to_approvers: true}\n",
        '40: notification "mail": to_approvers: the estate names no approvers to write to: name them, with `contact`',
    ),
    "two targets of one name": (
        "notifications:\n  - {name: mail, url: {env: A}}\n  - {name: Mail, url: {env: B}}\n",
        '41: notification "Mail": name: another target is named Mail (line 40): every target of the estate needs a name of its own',
    ),
    "a block without its type": (
        "notifications:\n  - {name: mail, block: Slack}\n",
        '40: notification "mail": block: "Slack" names no block of Prefect: write TYPE/NAME, as in slack-webhook/dr-channel',
    ),
    "an URL in the file": (
        "notifications:\n  - {name: mail, url: 'mailto://me:hunter2@host'}\n",
        '40: notification "mail": url: text does not fit here: write a mapping (key: value)',
    ),
    "a pool of no site": (
        "prefect:\n  pools: {osak: dr}\n",
        '40: prefect: pools: osak: "osak" is not one of the sites (did you mean "osaka"?)',
    ),
    "the password of a server inside it": (
        "prefect:\n  auth: {prefect_block: auth}\n",
        "40: prefect: auth: prefect_block: the server's own auth string cannot be kept in a block of that server: write {file: PATH} or {env: NAME}",
    ),
    "no web address": (
        "prefect: {ui: dr.corp.example}\n",
        '39: prefect: ui: "dr.corp.example" is no web address: write https://prefect.corp.example',
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_fault_is_told_with_its_line_and_what_to_write(folder: PlansFolder, case: str) -> None:
    added, told = WRONG[case]
    estate = folder.write_estate(lambda text: text + added)
    folder.write("web.yaml", PLAN)

    verdict = examine(estate, plan_files(folder.path))

    assert [str(fault) for fault in verdict.faults] == [f"plans/estate.yaml:{told}"]
    assert "hunter2" not in str(verdict.faults)


def test_an_estate_alone_is_not_asked_for_its_plans(folder: PlansFolder) -> None:
    added = "notifications:\n  - {name: mail, url: {env: MAIL}, plans: [web]}\n"
    estate = folder.write_estate(lambda text: text + added)

    alone = examine(estate, [])
    folder.write("web.yaml", PLAN)
    together = load_folder(folder.path).estate

    # Without any plan in the folder, the one that is named is not there.
    assert [fault.line for fault in alone.faults] == [40]
    assert together.notifications[0].plans == ("web",)


def test_a_run_is_carried_where_its_vms_come_up(folder: PlansFolder) -> None:
    added = "prefect:\n  ui: https://dr.corp.example/\n  pools: {tokyo: dr-tokyo}\n"
    prefect = load_estate(folder.write_estate(lambda text: text + added)).prefect

    assert prefect.ui == "https://dr.corp.example"
    assert (prefect.pool("tokyo"), prefect.pool("osaka")) == ("dr-tokyo", "secondsite")
