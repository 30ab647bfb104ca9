from __future__ import annotations

import json
from pathlib import Path

import pytest

from secondsite.cli.main import main


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The starter's folder `plans`, in the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SECONDSITE_PLANS", raising=False)
    assert main(["init", "plans"]) == 0
    return Path("plans")


def test_what_init_writes_validates_as_it_is(
    plans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    code = main(["validate"])

    assert code == 0
    shown = capsys.readouterr()
    assert shown.out == (
        "plans/example.yaml: example, 4 VMs in 2 groups\n"
        "plans/suites/quarter.yaml: quarter, a suite of 1 plan\n"
        "No faults.\n"
    )
    assert shown.err == ""
    assert (plans / "scripts" / "check-applications.ps1").is_file()
    assert (plans / "plan.schema.json").is_file()


def test_init_never_writes_over_anything(plans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in plans.rglob("*.*"):
        if path.name != "example.yaml":
            path.unlink()
    (plans / "example.yaml").write_text("mine")

    code = main(["init", "plans"])

    assert code == 2
    assert "already has example.yaml; nothing was written" in capsys.readouterr().err
    assert (plans / "example.yaml").read_text() == "mine"
    assert not (plans / "estate.yaml").exists()


def test_faults_go_to_stderr_with_file_and_line_and_the_code_is_3(
    plans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plans / "example.yaml"
    plan.write_text(plan.read_text().replace("boot_timeout: 10m", "boot_timout: 10"))
    capsys.readouterr()

    code = main(["validate", "plans"])

    assert code == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        'plans/example.yaml:24: group "databases": vm "sql01": "boot_timout" is not known here '
        '(did you mean "boot_timeout"?)\n'
        "1 fault. Nothing was touched.\n"
    )


def test_a_suite_is_not_blamed_for_the_faults_of_its_plans(
    plans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (plans / "example.yaml").write_text("[")
    capsys.readouterr()

    code = main(["validate", "plans"])

    told = capsys.readouterr().err
    assert code == 3
    assert "plans/example.yaml:1" in told
    assert "suites" not in told


def test_json_holds_the_same_facts(plans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["validate", "--json"]) == 0
    right = json.loads(capsys.readouterr().out)
    plan = plans / "example.yaml"
    plan.write_text(plan.read_text().replace("protection: a-to-b", "protection: b-to-a"))

    code = main(["validate", str(plan), "--json"])

    wrong = json.loads(capsys.readouterr().out)
    assert right == {
        "valid": True,
        "faults": [],
        "warnings": [],
        "plans": [{"name": "example", "file": "plans/example.yaml", "vms": 4}],
        "suites": [{"name": "quarter", "file": "plans/suites/quarter.yaml", "plans": ["example"]}],
    }
    assert code == 3
    assert wrong["valid"] is False
    assert wrong["faults"][0]["file"] == "plans/example.yaml"
    assert wrong["faults"][0]["line"] == 8


def test_an_estate_can_be_validated_alone(plans: Path) -> None:
    (plans / "broken.yaml").write_text("[")

    assert main(["validate", "plans/estate.yaml"]) == 0
    assert main(["validate", "plans"]) == 3


def test_a_folder_that_is_not_there_is_a_fault_not_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECONDSITE_PLANS", str(tmp_path / "nowhere"))

    assert main(["validate"]) == 3
    assert "begin with `secondsite init" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    assert main(["init", str(tmp_path / "file" / "plans")]) == 2
    assert "cannot be written" in capsys.readouterr().err
