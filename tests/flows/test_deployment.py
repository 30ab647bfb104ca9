"""Which deployments there are, in which pool, and what the file for Prefect's own tool says."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from ruamel.yaml import YAML

from flows.deployment import Deployment, deployments_of
from flows.deployment_file import prefect_yaml
from secondsite.plan.loader import load_folder
from tests.plan.conftest import PLAN, PlansFolder, folder

__all__ = ["folder"]

POOLS = "prefect:\n  pools: {tokyo: dr-tokyo, osaka: dr-osaka}\n"


def made(folder: PlansFolder, added: str = "") -> Sequence[Deployment]:
    folder.write_estate(lambda text: text + added)
    folder.write("web.yaml", PLAN.replace("name: web\n", "name: web\ndescription: The shop.\n"))
    loaded = load_folder(folder.path)
    return deployments_of(loaded.plans.values(), loaded.estate)


def test_each_plan_has_one_deployment_a_verb_with_its_words(folder: PlansFolder) -> None:
    deployments = made(folder)

    names = [each.full_name for each in deployments]
    assert {"planned-failover/web", "test-failover/web", "undo/web"} <= set(names)
    assert len(set(names)) == len(names)
    for each in deployments:
        assert each.description == "The shop."
        assert each.tags == ("secondsite", "web")
        assert each.work_pool == "secondsite"
        assert each.parameters["plan"] == "web"


def test_a_run_is_carried_in_the_site_where_its_vms_come_up(folder: PlansFolder) -> None:
    deployments = {each.full_name: each for each in made(folder, POOLS)}

    there, back = deployments["planned-failover/web"], deployments["planned-failover/web-back"]

    assert (there.work_pool, back.work_pool) == ("dr-osaka", "dr-tokyo")
    assert back.parameters["direction"] == "back"
    assert "clean-up/web-back" not in deployments, "it has no direction"


def test_the_flow_of_a_deployment_takes_its_parameters_and_is_where_it_says(
    folder: PlansFolder,
) -> None:
    for each in made(folder, POOLS):
        module, _, name = each.entrypoint.rpartition(".")

        assert getattr(importlib.import_module(module), name) is each.flow
        assert set(each.parameters) <= set(each.flow.parameters.properties)


def test_what_can_be_chosen_is_a_drop_down_of_the_form(folder: PlansFolder) -> None:
    forms = {each.full_name: each.flow.parameters.properties for each in made(folder)}

    assert forms["planned-failover/web"]["direction"]["enum"] == ["forward", "back"]
    assert forms["unplanned-failover/web"]["primary_side"]["enum"] == ["attempt", "skip"]
    assert "existing" in forms["test-failover/web"]["network"]["enum"]


def test_the_file_says_the_same_and_no_limit_that_would_end_a_failover(
    folder: PlansFolder,
) -> None:
    deployments = made(folder, POOLS)

    text = prefect_yaml(deployments, file="deployments/prefect.yaml")

    entries = YAML(typ="safe").load(text)["deployments"]
    assert [(each["name"], each["entrypoint"], each["work_pool"]["name"]) for each in entries] == [
        (each.name, each.entrypoint, each.work_pool) for each in deployments
    ]
    assert not any("concurrency_limit" in each for each in entries)


def test_what_plans_and_suites_say_about_time_are_schedules(folder: PlansFolder) -> None:
    folder.write_estate()
    folder.write(
        "web.yaml",
        PLAN + 'rehearse: {cron: "0 3 * * 6", timezone: Asia/Tokyo}\ncheck: {cron: "0 6 * * *"}\n',
    )
    folder.write("suites/all.yaml", 'name: all\nplans: [web]\nschedule: {cron: "0 1 1 * *"}\n')
    loaded = load_folder(folder.path)

    deployments = deployments_of(loaded.plans.values(), loaded.estate, loaded.suites.values())

    said = {
        each.full_name: [(schedule.cron, schedule.timezone) for schedule in each.schedules]
        for each in deployments
        if each.schedules
    }
    assert said == {
        "rehearse/web": [("0 3 * * 6", "Asia/Tokyo")],
        "check/web": [("0 6 * * *", "UTC")],
        "rehearse/all": [("0 1 1 * *", "UTC")],
    }
    (suite,) = [each for each in deployments if each.name == "all"]
    assert suite.parameters == {"plan": "all"}
