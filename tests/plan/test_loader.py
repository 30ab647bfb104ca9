from __future__ import annotations

import time
from pathlib import Path

import pytest

from secondsite.errors import PlanError
from secondsite.plan.loader import examine, find_plan, load_estate, load_folder, load_plan
from tests.plan.conftest import PlansFolder


def test_a_folder_gives_the_estate_the_plans_their_files_and_lines(
    folder: PlansFolder, right_plan: str
) -> None:
    folder.write_estate()
    folder.write("web.yaml", right_plan)
    folder.write("db.yml", right_plan.replace("name: web", "name: db"))
    folder.write(".hidden.yaml", "not: a plan")
    folder.write("plan.schema.json", "{}")

    loaded = load_folder(folder.path)

    assert sorted(loaded.plans) == ["db", "web"]
    assert loaded.files["db"] == Path("plans/db.yml")
    assert loaded.source_lines["web"].of("groups", 0, "vms", 0) == 5
    assert loaded.estate.protections[0].name == "tokyo-osaka"
    assert loaded.warnings == ()


def test_every_fault_of_every_file_comes_in_one_error(folder: PlansFolder, right_plan: str) -> None:
    folder.write_estate(lambda text: text.replace("key: dr-key", "key: dr-kee"))
    folder.write("broken.yaml", "name: [\n")
    folder.write("db.yaml", right_plan.replace("tokyo-osaka", "tokio-osaka"))
    folder.write("web.yaml", right_plan + "    boot: 5\n    vms: [sql02]\n")

    with pytest.raises(PlanError) as refused:
        load_folder(folder.path)

    assert [(fault.file, fault.line) for fault in refused.value.faults] == [
        ("plans/broken.yaml", 2),
        ("plans/db.yaml", 2),
        ("plans/estate.yaml", 23),
        ("plans/web.yaml", 1),
        ("plans/web.yaml", 6),
        ("plans/web.yaml", 7),
    ]


def test_two_plans_of_one_name_are_refused(folder: PlansFolder, right_plan: str) -> None:
    folder.write_estate()
    folder.write("a.yaml", right_plan)
    folder.write("b.yaml", right_plan.replace("name: web", "name: WEB"))

    with pytest.raises(PlanError) as refused:
        load_folder(folder.path)

    assert refused.value.message == (
        "plans/b.yaml:1: name: another plan has this name (plans/a.yaml:1): write another"
    )


def test_a_folder_without_an_estate_says_how_to_begin(folder: PlansFolder, right_plan: str) -> None:
    folder.write("web.yaml", right_plan)

    with pytest.raises(PlanError) as refused:
        load_folder(folder.path)

    assert refused.value.message == (
        "plans/estate.yaml: there is no estate here: "
        "write one, or begin with `secondsite init plans`"
    )
    with pytest.raises(PlanError, match="there is no such folder"):
        load_folder(Path("nowhere"))


def test_a_plan_alone_is_checked_by_itself_and_with_an_estate_against_it(
    folder: PlansFolder, right_plan: str
) -> None:
    estate = load_estate(folder.write_estate())
    path = folder.write("web.yaml", right_plan.replace("tokyo-osaka", "elsewhere"))

    assert load_plan(path).protection == "elsewhere"
    with pytest.raises(PlanError, match='"elsewhere" is not a protection of the estate'):
        load_plan(path, estate)


def test_a_wrong_estate_is_never_given_out(folder: PlansFolder) -> None:
    folder.write_estate(lambda text: text.replace("recovery: osaka\n", "recovery: tokyo\n"))

    with pytest.raises(PlanError):
        load_estate(folder.path)
    assert examine(folder.path / "estate.yaml", []).estate is None


def test_a_plan_is_found_by_its_name_by_its_file_and_not_by_chance(
    folder: PlansFolder, right_plan: str
) -> None:
    web = folder.write("storefront-v2.yaml", right_plan)
    broken = folder.write("broken.yaml", "groups: [\n")

    assert find_plan("web", folder=folder.path) == web
    assert find_plan("plans/web.yaml", folder=folder.path) == Path("plans/web.yaml")
    assert find_plan("broken", folder=folder.path) == broken
    with pytest.raises(PlanError, match=r'no plan "wep" \(did you mean "web"\?\)'):
        find_plan("wep", folder=folder.path)
    with pytest.raises(PlanError):
        find_plan("storefront-v2", folder=folder.path)


def test_a_plan_of_500_vms_is_examined_in_seconds(folder: PlansFolder) -> None:
    estate = folder.write_estate()
    groups = "".join(
        f"  - name: g{group}\n    vms:\n"
        + "".join(
            f"      - name: vm{group}-{index}\n        ready: [heartbeat, {{tcp: 1433}}]\n"
            f"        dns: [{{name: vm{group}-{index}.corp.example, zone: corp.example}}]\n"
            + (f"        depends_on: [vm{group}-{index - 1}]\n" if index else "")
            for index in range(20)
        )
        for group in range(25)
    )
    plan = folder.write("big.yaml", f"name: big\nprotection: tokyo-osaka\ngroups:\n{groups}")
    began = time.process_time()

    verdict = examine(estate, [plan])

    assert verdict.faults == ()
    assert time.process_time() - began < 5
