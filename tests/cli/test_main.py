"""What every command has in common: its errors, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secondsite.cli import runs
from secondsite.cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))
    monkeypatch.delenv("SECONDSITE_JOURNAL", raising=False)
    return tmp_path


@pytest.mark.parametrize("words", [["runs"], ["runs", "--json"]])
def test_a_fault_of_our_own_is_words_or_json_and_never_a_traceback(
    words: list[str],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(runs, "run", fail)

    assert main(words) == 1

    told = capsys.readouterr()
    if "--json" in words:
        error = json.loads(told.out)["error"]
        assert "ZeroDivisionError" in error["message"]
        assert "faults.log" in error["next"]
    else:
        assert "met a fault of its own (ZeroDivisionError)" in told.err
        assert "Next: secondsite runs" in told.err
    assert "Traceback" not in told.out + told.err
    assert "Traceback" in (home / "logs" / "faults.log").read_text()


@pytest.mark.parametrize("verb", ["resume", "hold", "release", "abort", "retry"])
def test_a_run_that_is_not_there_is_said_to_be_none(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "no-such-run"]) == 2

    told = capsys.readouterr().err
    assert "The journal knows no run no-such-run." in told
    assert "Next: List them: secondsite runs" in told
