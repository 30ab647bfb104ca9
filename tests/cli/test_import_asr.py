from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from secondsite.cli.import_asr import add_arguments, run
from secondsite.errors import PlanError, UsageError
from secondsite.plan.loader import load_plan

PLAN = {
    "name": "web",
    "properties": {
        "groups": [{"groupType": "Boot", "replicationProtectedItems": [{"virtualMachineId": "1"}]}]
    },
}


def _run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(list(words)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "asr.json"
    path.write_text(json.dumps(PLAN))
    return path


def test_the_plan_is_written_to_a_file_that_loads(file: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.json"
    names.write_text('{"1": "sql01"}')
    target = tmp_path / "web.yaml"

    assert _run(str(file), "--protection", "p", "--names", str(names), "-o", str(target)) == 0

    plan = load_plan(target)
    assert (plan.protection, [vm.name for vm in plan.vms]) == ("p", ["sql01"])


def test_without_a_file_it_is_printed_and_the_notes_go_to_stderr(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(json.dumps({**PLAN, "name": "My web"}))

    assert _run(str(file)) == 0

    shown = capsys.readouterr()
    assert "name: My-web" in shown.out
    assert "note: the plan was called 'My web'" in shown.err


def test_no_file_is_ever_written_over(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "web.yaml"
    target.write_text("mine")

    with pytest.raises(UsageError, match="there already"):
        _run(str(file), "-o", str(target))
    assert target.read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "words"), [("{\n  'x'", ":2: this is not JSON"), ("[]", "no recovery plan in it")]
)
def test_what_is_no_plan_is_a_fault_of_the_file(file: Path, text: str, words: str) -> None:
    file.write_text(text)

    with pytest.raises(PlanError, match=words):
        _run(str(file))


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        _run(str(tmp_path / "absent.json"))
