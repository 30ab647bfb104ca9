from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from secondsite.cli.main import main
from secondsite.run.journal import Journal
from tests.reports.story import BEGIN, RUN_ID, succeeded

REPOSITORY = Path(__file__).parents[2]
OLD = "storefront-test-20200101-080000-11aa"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A journal with a run of this year, and one of years ago."""
    address = f"sqlite:///{tmp_path / 'journal.db'}"
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))
    monkeypatch.setenv("SECONDSITE_JOURNAL", address)
    monkeypatch.setenv("SECONDSITE_PLANS", str(REPOSITORY / "plans"))
    old = replace(succeeded(), run_id=OLD, begins_at=BEGIN - timedelta(days=2500))
    with Journal.open(address) as journal:
        for story in (old, succeeded()):
            journal.append(story.run_id, *story.events())
    return address


def run_ids(url: str) -> list[str]:
    with Journal.open(url) as journal:
        return [run.run_id for run in journal.runs()]


@pytest.mark.parametrize("name", ["journal.jsonl", "journal.jsonl.gz"])
def test_a_journal_moves_to_another_machine_in_one_file(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = tmp_path / "out" / name
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"

    assert main(["runs", "export", "--to", str(file)]) == 0
    monkeypatch.setenv("SECONDSITE_JOURNAL", elsewhere)
    assert main(["runs", "import", str(file)]) == 0

    assert run_ids(elsewhere) == [RUN_ID, OLD]
    assert main(["runs", "verify"]) == 0
    assert file.stat().st_mode & 0o077 == 0
    assert [each.name for each in file.parent.iterdir()] == [name]


def test_pruning_shows_first_and_removes_only_when_told_to(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "prune"]) == 0
    assert "1 run of 2 may be removed; nothing was" in capsys.readouterr().out
    assert run_ids(url) == [RUN_ID, OLD]

    assert main(["runs", "prune", "--yes", "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == {"removed": [OLD]}
    assert run_ids(url) == [RUN_ID]
    assert main(["runs", "verify"]) == 0
    assert "1 run was removed after the retention, last by " in capsys.readouterr().out


def test_what_the_estate_keeps_is_not_pruned(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "prune", "--older-than", "30d", "--yes"]) == 1

    told = capsys.readouterr().err
    assert "the estate keeps every run for 730 days" in told
    assert run_ids(url) == [RUN_ID, OLD]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["export"], "Name one: --to"),
        (["import"], "needs the file of an export"),
        (["import", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (["prune", "--older-than", "3"], "is not a duration"),
    ],
)
def test_wrong_use_is_told_in_words(
    url: str, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["runs", *words]) == 2

    assert told in capsys.readouterr().err
