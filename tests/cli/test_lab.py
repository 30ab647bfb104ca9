from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from secondsite.cli.main import main
from secondsite.lab.generator import generate

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).parents[2]
_TWO_SITES = str(_ROOT / "lab" / "two-sites.yaml")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "home"
    monkeypatch.setenv("SECONDSITE_HOME", str(path))
    yield path
    main(["lab", "down"])


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert main(["lab", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_lab_comes_up_is_looked_at_and_goes_down(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoints = _json(capsys, "up", "--estate", _TWO_SITES, "--scale", "0.01")
    state = _json(capsys, "state")
    armed = _json(capsys, "break", "vm-never-boots", "--vm", "sql02")
    mended = _json(capsys, "mend", armed["id"])
    ended = _json(capsys, "down")

    assert endpoints["lab"] == "two-sites"
    assert set(state["sites"]) == {"tokyo", "osaka"}
    assert mended == {"mended": [armed["id"]]}
    assert ended == {"ended": True}
    assert _gone(endpoints["pid"])
    assert not (home / "lab" / "endpoints.json").exists()


def test_bringing_it_up_twice_is_bringing_it_up_once(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _json(capsys, "up", "--estate", _TWO_SITES)

    assert _json(capsys, "up", "--estate", _TWO_SITES) == first


def test_one_home_has_one_lab(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = generate(home.parent / "other", vms_count=2)
    main(["lab", "up", "--estate", _TWO_SITES])

    code = main(["lab", "up", "--estate", str(files[0])])

    assert code == 2
    assert "secondsite lab down" in capsys.readouterr().err


def test_a_lab_that_was_killed_can_be_brought_up_again(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _json(capsys, "up", "--estate", _TWO_SITES)
    os.kill(first["pid"], signal.SIGKILL)
    psutil.wait_procs([psutil.Process(first["pid"])] if psutil.pid_exists(first["pid"]) else [], 5)

    code = main(["lab", "state"])
    second = _json(capsys, "up", "--estate", _TWO_SITES)

    assert code == 5
    assert second["pid"] != first["pid"]


def test_without_a_lab_the_answer_says_how_to_start_one(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["state"], ["log"], ["mend", "--all"], ["break", "partition"]):
        assert main(["lab", *words]) == 5
        assert "secondsite lab up" in capsys.readouterr().err
    assert main(["lab", "down"]) == 0


def test_a_wrong_lab_file_starts_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = home.parent / "wrong.yaml"
    wrong.write_text("name: x\nsite: {}\n")

    code = main(["lab", "up", "--estate", str(wrong)])

    assert code == 3
    assert f"{wrong}:2:" in capsys.readouterr().err
    assert not (home / "lab" / "process.json").exists()


def test_a_long_home_has_its_socket_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path / ("h" * 120)))
    endpoints = _json(capsys, "up", "--estate", _TWO_SITES)
    recorded = json.loads((tmp_path / ("h" * 120) / "lab" / "process.json").read_text())
    answered = main(["lab", "state"])

    main(["lab", "down"])

    assert answered == 0
    assert _gone(endpoints["pid"])
    assert not Path(recorded["socket"]).parent.exists()


def test_the_log_can_be_read_after_the_lab_is_down(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["lab", "up", "--estate", _TWO_SITES])
    main(["lab", "break", "host-silent", "--host", "hv-osaka-1"])
    main(["lab", "down"])
    capsys.readouterr()

    code = main(["lab", "log", "--json"])

    assert code == 0
    event = json.loads(capsys.readouterr().out.splitlines()[0])
    assert event["detail"]["kind"] == "host-silent"


def test_what_is_generated_comes_up(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home.parent / "many"
    written = _json(capsys, "generate", str(folder), "--vms", "45", "--groups", "3")

    endpoints = _json(capsys, "up", "--estate", written["files"][0])

    windows_dns = 3
    assert len(endpoints["servers"]) == 2 * (3 + 1) + windows_dns


def test_both_tables_and_lines_can_be_read_by_people(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["lab", "up", "--estate", _TWO_SITES])
    capsys.readouterr()
    main(["lab", "break", "partition", "--site", "tokyo"])
    main(["lab", "state"])
    main(["lab", "log"])

    text = capsys.readouterr().out

    assert "hv-osaka-1" in text
    assert "Armed faults: partition-1" in text
    assert "event=break" in text


@pytest.mark.parametrize("words", [["mend"], ["mend", "x", "--all"], ["up", "--scale", "0"]])
def test_wrong_use_is_told(home: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(_ROOT)

    assert main(["lab", *words]) == 2
