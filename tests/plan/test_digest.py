from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from secondsite.errors import PlanError
from secondsite.plan.digest import plan_digest
from tests.plan.conftest import PlansFolder

PLAN = """\
name: web
protection: tokyo-osaka
groups:
  - name: db
    before: [{script: scripts/b.ps1}, {script: scripts/a.ps1}, {script: scripts/b.ps1}]
    vms: [sql01]
"""


@pytest.fixture
def plan(folder: PlansFolder) -> Path:
    folder.write_estate()
    folder.write("scripts/a.ps1", "'a'\n")
    folder.write("scripts/b.ps1", "'b'\n")
    folder.write("scripts/unused.ps1", "'c'\n")
    return folder.write("web.yaml", PLAN)


def test_a_digest_is_the_same_wherever_the_folder_is_and_whatever_the_line_ends(
    plan: Path, tmp_path: Path
) -> None:
    shutil.copytree(plan.parent, tmp_path / "elsewhere")
    script = tmp_path / "elsewhere" / "scripts" / "a.ps1"
    script.write_bytes(b"'a'\r\n")

    assert plan_digest(plan) == plan_digest(tmp_path / "elsewhere" / "web.yaml")
    assert len(plan_digest(plan)) == 64


def _append(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / name).open("a") as file:
            file.write("# x\n")

    return change


@pytest.mark.parametrize("name", ["web.yaml", "estate.yaml", "scripts/a.ps1", "scripts/b.ps1"])
def test_a_change_of_plan_estate_or_script_changes_the_digest(plan: Path, name: str) -> None:
    before = plan_digest(plan)

    _append(name)(plan.parent)

    assert plan_digest(plan) != before


def test_a_script_that_the_plan_does_not_name_does_not_matter(plan: Path) -> None:
    before = plan_digest(plan)

    _append("scripts/unused.ps1")(plan.parent)

    assert plan_digest(plan) == before


def test_text_moved_from_one_script_to_another_changes_the_digest(plan: Path) -> None:
    before = plan_digest(plan)

    (plan.parent / "scripts/a.ps1").write_text("'a'\n'b'\n")
    (plan.parent / "scripts/b.ps1").write_text("")

    assert plan_digest(plan) != before


def test_a_wrong_plan_has_no_digest(folder: PlansFolder) -> None:
    with pytest.raises(PlanError):
        plan_digest(folder.write("web.yaml", PLAN.replace("vms", "vm")))
