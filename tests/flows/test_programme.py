"""What a rehearsal consists of, before anything starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.rehearse import programme_of
from secondsite.plan.digest import plan_digest

PLANS = Path(__file__).parents[2] / "plans"
PERSONNEL = """\
name: personnel
protection: tokyo-osaka
groups:
  - name: all
    before: [{script: scripts/hello.ps1, on: recovery}]
    vms: [hr01]
"""


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a suite of two plans."""
    folder = tmp_path / "plans"
    shutil.copytree(PLANS, folder)
    monkeypatch.setenv("SECONDSITE_PLANS", str(folder))
    (folder / "personnel.yaml").write_text(PERSONNEL)
    (folder / "scripts" / "hello.ps1").write_text("'hello'\n")
    (folder / "suites" / "quarter.yaml").write_text("name: quarter\nplans: [payroll, personnel]\n")
    return folder


@pytest.mark.parametrize(
    "name",
    ["suites/quarter.yaml", "payroll.yaml", "personnel.yaml", "scripts/hello.ps1", "estate.yaml"],
)
def test_the_digest_of_a_suite_is_of_everything_that_is_rehearsed(plans: Path, name: str) -> None:
    before = programme_of("quarter").digest

    with (plans / name).open("a") as file:
        file.write("# x\n")

    assert programme_of("quarter").digest != before


def test_the_digest_of_a_suite_tells_the_order_of_its_plans(plans: Path) -> None:
    before = programme_of("quarter").digest

    (plans / "suites" / "quarter.yaml").write_text("name: quarter\nplans: [personnel, payroll]\n")

    assert programme_of("quarter").digest != before


def test_the_digest_of_a_suite_does_not_depend_on_line_ends(plans: Path) -> None:
    before = programme_of("quarter").digest

    suite = plans / "suites" / "quarter.yaml"
    suite.write_bytes(suite.read_bytes().replace(b"\n", b"\r\n"))

    assert programme_of("quarter").digest == before


def test_the_digest_of_a_single_plan_is_the_plans(plans: Path) -> None:
    assert programme_of("payroll").digest == plan_digest(plans / "payroll.yaml")
