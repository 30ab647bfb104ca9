from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from secondsite.cli.main import main
from secondsite.run.journal import Journal
from tests.reports.story import BEGIN, RUN_ID, failed, succeeded

REPOSITORY = Path(__file__).parents[2]
EARLIER = "storefront-test-20260820-080000-11aa"


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal with a test of the storefront that failed, and a later one that did not."""
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))
    monkeypatch.setenv("SECONDSITE_JOURNAL", url)
    monkeypatch.setenv("SECONDSITE_PLANS", str(REPOSITORY / "plans"))
    earlier = replace(failed(), run_id=EARLIER, begins_at=BEGIN - timedelta(days=92))
    with Journal.open(url) as opened:
        for story in (earlier, succeeded()):
            opened.append(story.run_id, *story.events())


def test_the_history_of_a_plan_has_its_runs_and_its_standing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["report", "storefront", "--history", "--json"]) == 0

    facts = json.loads(capsys.readouterr().out)
    assert [run["run_id"] for run in facts["runs"]] == [RUN_ID, EARLIER]
    assert all(run["journal_verified"] for run in facts["runs"])
    assert facts["standing"]["state"] in {"verified", "stale", "failing", "draft"}
    assert facts["rto_s"] == 45 * 60


def test_every_plan_of_the_folder_is_in_the_report_of_the_estate(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["report", "--estate", "--json"]) == 0

    plans = {plan["plan"]: plan for plan in json.loads(capsys.readouterr().out)["plans"]}
    assert {"storefront", "payroll"} <= set(plans)
    assert plans["payroll"]["standing"]["state"] == "draft"
    assert plans["payroll"]["last"] is None
    assert plans["storefront"]["last"]["run_id"] == RUN_ID
    assert plans["storefront"]["vms"] == 12


@pytest.mark.parametrize("words", [["storefront", "--history"], ["--estate"]])
def test_both_are_written_in_every_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    page, text = tmp_path / "out.html", tmp_path / "out.md"

    assert main(["report", *words, "--html", str(page)]) == 0
    assert main(["report", *words, "--md", str(text)]) == 0
    capsys.readouterr()
    assert main(["report", *words]) == 0

    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    on_screen = capsys.readouterr().out
    assert "storefront" in on_screen
    assert on_screen.splitlines()[0] == text.read_text("utf-8").splitlines()[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--history"], "--history needs a plan"),
        (["storefront", "--estate"], "secondsite report storefront --history"),
        (["storefrnt", "--history"], "storefront"),
    ],
)
def test_wrong_use_is_told_in_words(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["report", *words]) in {2, 3}

    assert told in capsys.readouterr().err
