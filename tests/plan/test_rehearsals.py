"""How plans and suites say when they are rehearsed, and what is wrong with it."""

# ruff: noqa: E501 - the lines of a table are what a person sees, whole

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest
from prefect.client.schemas.schedules import CronSchedule
from prefect.server.schemas.schedules import CronSchedule as OnServer

from secondsite.errors import PlanError
from secondsite.plan.loader import examine, load_folder
from secondsite.plan.schedule import Schedule, occurrences, shortest_pause
from secondsite.plan.suite_loader import find_suite, suite_files
from tests.plan.conftest import PlansFolder

_PLAN = "name: web\nprotection: tokyo-osaka\ngroups: [{name: db, vms: [sql01]}]\n"

WRONG = {
    "no cron expression": (
        "rehearse: {cron: every saturday}\n",
        '4: rehearse: cron: "every saturday" is no cron expression: write five fields, minute, hour, day, month and weekday, like "0 3 * * 6" (Saturdays at 03:00)',
    ),
    "an hour that is none": (
        'rehearse: {cron: "0 25 * * *"}\n',
        '4: rehearse: cron: "0 25 * * *" is no cron expression (bad hour): write minute, hour, day, month and weekday, like "0 3 * * 6" (Saturdays at 03:00)',
    ),
    "a last weekday": (
        'check: {cron: "0 3 * * 6L"}\n',
        '4: check: cron: "0 3 * * 6L" names last weekdays, which Prefect does not know: write L as the day for the last of the month, or 6#1 as the weekday for the first Saturday',
    ),
    "a day and a certain weekday": (
        'rehearse: {cron: "0 3 1 * 6#2"}\n',
        '4: rehearse: cron: "0 3 1 * 6#2" names a day and a certain weekday of the month, which Prefect does not put together: write * for one of them',
    ),
    "no time zone": (
        'rehearse: {cron: "0 3 * * 6", timezone: Asia/Tokio}\n',
        '4: rehearse: timezone: "Asia/Tokio" is no time zone (did you mean "Asia/Tokyo"?): write a name of the IANA database, like Asia/Tokyo or UTC',
    ),
    "existing, but which": (
        "rehearse: {network: existing}\n",
        "4: rehearse: network: which one? Write network_name: too, or another network",
    ),
    "a production network": (
        "rehearse: {network: existing, network_name: osaka-prod}\n",
        "4: rehearse: network_name: osaka-prod is a production network, which test VMs never get (known: osaka-test): write one whose purpose is test",
    ),
    "held for ever": (
        "rehearse: {hold: 30d}\n",
        "4: rehearse: hold: hold a test for up to 14d: write 30m",
    ),
    "a verification that never runs": (
        "rehearse:\n  verify:\n    - {script: scripts/a.ps1, kinds: [planned]}\n",
        '6: rehearse: verify "scripts/a.ps1": kinds: only test failovers are verified, so this would never run: remove kinds',
    ),
    "a script that is not there": (
        "rehearse:\n  verify:\n    - {script: scripts/b.ps1}\n",
        '6: rehearse: verify "scripts/b.ps1": script: there is no file "scripts/b.ps1" beside the plan (did you mean "scripts/a.ps1"?)',
    ),
    "a time in which nobody can": (
        "rehearse_within: 0s\n",
        "4: rehearse_within: no plan can keep this: write 90d",
    ),
}


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_with_its_line(text: str, expected: str, folder: PlansFolder) -> None:
    estate = folder.write_estate()
    folder.write("scripts/a.ps1", "'a'\n")
    plan = folder.write("web.yaml", _PLAN + text)

    verdict = examine(estate, [plan])

    assert [str(fault).removeprefix("plans/web.yaml:") for fault in verdict.faults] == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rehearse_within: 90d\n", "nothing rehearses it by itself"),
        ('rehearse: {cron: "0 3 1 1 *"}\nrehearse_within: 90d\n', "365d between two of them"),
        ('rehearse: {cron: "0 3 * * *", hold: 2d}\n', "the next rehearsal, which will be skipped"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(
    text: str, expected: str, folder: PlansFolder
) -> None:
    estate = folder.write_estate()
    plan = folder.write("web.yaml", _PLAN + text)

    verdict = examine(estate, [plan])

    assert not verdict.faults
    assert [expected in warning.message for warning in verdict.warnings] == [True]


@pytest.mark.parametrize(
    "cron",
    [
        "0 3 * * 6",
        "*/15 2-4 L * *",
        "0 3 * jan,jul SAT",
        "30 23 1,15 * 6",
        "0 3 * * 6#2",
        "5/15 * * * 0-7",
    ],
)
def test_what_a_plan_may_say_prefect_understands_in_the_same_way(cron: str) -> None:
    after = datetime(2026, 11, 24, tzinfo=UTC)
    written = Schedule(cron=cron, timezone="Asia/Tokyo")

    ours = list(islice(occurrences(written.cron, written.timezone, after=after), 3))

    theirs = CronSchedule(cron=written.cron, timezone=written.timezone)
    on_server = OnServer(cron=theirs.cron, timezone=theirs.timezone, day_or=theirs.day_or)
    found = list(islice(on_server._get_dates_generator(3, after), 3))
    assert [at.astimezone(UTC) for at in found] == ours


def test_summer_time_is_kept() -> None:
    spring = datetime(2027, 3, 27, tzinfo=UTC)

    times = list(islice(occurrences("0 9 * * *", "Europe/Berlin", after=spring), 2))

    assert [at.hour for at in times] == [8, 7]
    assert shortest_pause("0 9 * * *", "Europe/Berlin", most=120).total_seconds() == 23 * 3600


def test_a_suite_names_plans_of_the_folder(folder: PlansFolder) -> None:
    folder.write_estate()
    folder.write("web.yaml", _PLAN)
    folder.write(
        "suites/quarter.yaml",
        'name: quarter\nplans: [web]\nschedule: {cron: "0 3 1 */3 *", timezone: Asia/Tokyo}\n',
    )

    loaded = load_folder(folder.path)

    assert loaded.suites["quarter"].plans == ("web",)
    assert find_suite("quarter", folder=folder.path) == suite_files(folder.path)[0]
    assert find_suite("web", folder=folder.path) is None
    assert list(loaded.plans) == ["web"]


def test_every_fault_of_the_suites_is_told_with_those_of_the_plans(folder: PlansFolder) -> None:
    folder.write_estate()
    folder.write("web.yaml", _PLAN)
    folder.write("suites/a.yaml", "name: web\nplans: [web, wbe, web]\n")
    folder.write("suites/b.yaml", "name: b\nplans: []\nclean_up: never\n")

    with pytest.raises(PlanError) as caught:
        load_folder(folder.path)

    told = [str(fault).removeprefix("plans/suites/") for fault in caught.value.faults]
    assert told == [
        "a.yaml:1: name: a plan has this name: give the suite another, so that commands know which is meant",
        'a.yaml:2: plans 2: "wbe" is no plan of this folder (did you mean "web"?)',
        'a.yaml:2: plans 3: "web" is in the suite twice: keep one',
        "b.yaml:2: plans: the list is empty: write something here, or remove the line",
        'b.yaml:3: clean_up: "never" is not one of the possible values: write at the end or after each',
    ]
