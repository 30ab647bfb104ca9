"""The service units: what they start exists, with these options, and systemd takes them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows import walk
from secondsite.cli.main import load, parser_of
from tests.deployments.known import is_known_variable

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "deployments" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/secondsite/.venv/bin/secondsite"


def settings(unit: Path) -> dict[str, list[str]]:
    """The settings of a unit, by name; some may be there several times."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text("utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def variables() -> dict[str, str]:
    text = (FOLDER / "environment.example").read_text("utf-8")
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.M))


def test_there_is_a_unit_for_each_part() -> None:
    assert [unit.stem for unit in UNITS] == [
        "secondsite-server",
        "secondsite-watch",
        "secondsite-worker",
    ]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
@pytest.mark.parametrize("of_worker", ["", "--site osaka"])
def test_the_command_of_a_unit_is_one_of_ours(unit: Path, of_worker: str) -> None:
    [command] = settings(unit)["ExecStart"]

    program, name, *words = shlex.split(command.replace("$SECONDSITE_WORKER", of_worker))

    assert program == PROGRAM
    parser_of(name, load(name)).parse_args(words)  # else: SystemExit


def test_every_variable_of_the_example_is_known_and_none_holds_a_password() -> None:
    mine = variables()

    assert {name for name in mine if not is_known_variable(name)} == {"SECONDSITE_WORKER"}
    assert not any(re.search(r"//[^/@]*:[^/@]*@", value) for value in mine.values())
    used = {name for unit in UNITS for name in re.findall(r"\$(\w+)", unit.read_text("utf-8"))}
    assert used <= mine.keys()


def test_the_worker_is_given_the_time_that_a_run_needs_to_stop() -> None:
    worker = settings(FOLDER / "secondsite-worker.service")

    assert worker["KillMode"] == ["control-group"], "the run is told, too"
    assert int(worker["TimeoutStopSec"][0].removesuffix("s")) >= 2 * walk._GRACE_S


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        missing = "systemd-analyze is not installed (Debian: apt-get install systemd)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    text = unit.read_text("utf-8").replace(PROGRAM, sys.executable)
    copy = tmp_path / unit.name
    copy.write_text(text)

    done = subprocess.run(
        [program, "verify", "--man=no", copy], capture_output=True, text=True, check=False
    )

    mine = [line for line in done.stderr.splitlines() if unit.name in line]
    assert mine == []
    assert done.returncode == 0, done.stderr
