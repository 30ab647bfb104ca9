from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from secondsite.cli.main import main
from secondsite.run.events import RunEnded
from secondsite.run.journal import Journal
from tests.reports.story import BEGIN, RUN_ID, Story, failed, succeeded, under_way
from tests.run.story import created

LATER_ID = "storefront-test-20261121-080000-11aa"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of an empty journal that the command line uses."""
    path = tmp_path / "journal.db"
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))
    monkeypatch.setenv("SECONDSITE_JOURNAL", f"sqlite:///{path}")
    return path


@pytest.fixture
def two_runs(database: Path) -> Path:
    """A journal with a good run, and a day later one that failed."""
    write(database, succeeded())
    write(database, replace(failed(), run_id=LATER_ID, begins_at=BEGIN + timedelta(hours=18)))
    return database


def write(database: Path, story: Story) -> None:
    journal = Journal.open(f"sqlite:///{database}")
    journal.append(story.run_id, *story.events())
    journal.close()


def facts_printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    printed: dict[str, object] = json.loads(capsys.readouterr().out)
    return printed


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("latest", LATER_ID),
        ("storefront", LATER_ID),
        (RUN_ID, RUN_ID),
        ("storefront-test-20261120", RUN_ID),
        ("7f3a", RUN_ID),
    ],
)
def test_a_run_is_found_by_what_an_operator_writes(
    two_runs: Path, capsys: pytest.CaptureFixture[str], wanted: str, found: str
) -> None:
    assert main(["report", wanted, "--json"]) == 0

    assert facts_printed(capsys)["run_id"] == found


def test_without_a_name_the_newest_run_is_reported(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report"]) == 0

    text = capsys.readouterr().out
    assert "✗ Test failover of storefront: failed" in text
    assert "Next: Open the console" in text
    assert f"secondsite report {LATER_ID} --html" in text


def test_a_check_since_hides_no_failover(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = "storefront-check-20991231-000000-ffff"
    with Journal.open(f"sqlite:///{two_runs}") as journal:
        at = BEGIN + timedelta(days=2)
        begun = created(check, at=at, plan="storefront", operation="check")
        journal.append(check, begun, RunEnded(at=at, state="done"))

    for wanted, found in (("storefront", LATER_ID), ("latest", LATER_ID), (check, check)):
        main(["report", wanted, "--json"])
        assert facts_printed(capsys)["run_id"] == found


def test_an_ambiguous_beginning_names_the_runs(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "storefront-test"]) == 2

    told = capsys.readouterr().err
    assert RUN_ID in told
    assert LATER_ID in told


def test_an_unknown_run_is_told_with_the_nearest_name(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "storefornt"]) == 2

    told = capsys.readouterr().err
    assert "Did you mean 'storefront'?" in told
    assert "secondsite runs" in told


def test_an_empty_journal_says_how_to_start(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report"]) == 2
    assert "no runs yet" in capsys.readouterr().err

    assert main(["runs"]) == 0
    assert "no runs yet" in capsys.readouterr().out


def test_the_json_says_that_the_journal_was_verified(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["report", RUN_ID, "--json"])

    journal = facts_printed(capsys)["journal"]
    assert isinstance(journal, dict)
    assert journal["verified"] is True
    assert journal["events"] == len(succeeded().events())


@pytest.mark.parametrize(("option", "begin"), [("--html", "<!DOCTYPE html>"), ("--md", "# Test")])
def test_page_and_markdown_are_written_where_asked(
    two_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, begin: str
) -> None:
    target = tmp_path / "new folder" / "report"

    assert main(["report", RUN_ID, option, str(target)]) == 0

    assert target.read_text(encoding="utf-8").startswith(begin)
    assert str(target) in capsys.readouterr().out


def test_a_dash_writes_to_standard_output(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", RUN_ID, "--md", "-"]) == 0

    assert capsys.readouterr().out.startswith("# Test failover of storefront")


def test_a_target_that_cannot_be_written_is_a_usage_error(
    two_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--html", str(tmp_path)]) == 2

    assert "cannot be written" in capsys.readouterr().err


def test_runs_lists_the_newest_first(two_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0

    text = capsys.readouterr().out
    assert text.index(LATER_ID) < text.index(RUN_ID)
    assert "✗ failed" in text
    assert "✓ done" in text


def test_runs_as_json_and_of_one_plan(two_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--json", "--plan", "storefront"]) == 0
    runs = json.loads(capsys.readouterr().out)
    assert [run["run_id"] for run in runs] == [LATER_ID, RUN_ID]
    assert [run["state"] for run in runs] == ["failed", "done"]
    assert runs[1]["created_at"] == "2026-11-20T13:40:05Z"

    assert main(["runs", "--json", "--plan", "other"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_run_whose_engine_died_is_marked_interrupted(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(database, under_way())
    journal = Journal.open(f"sqlite:///{database}", now=lambda: BEGIN)
    journal.claim(RUN_ID, plan="storefront", vms=["dc01"], holder="engine-1:4711")
    journal.close()

    assert main(["runs"]) == 0

    assert "interrupted" in capsys.readouterr().out


def test_verify_proves_an_untouched_journal(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "verify"]) == 0
    assert "2 runs" in capsys.readouterr().out

    assert main(["runs", "verify", RUN_ID]) == 0
    assert "1 runs" not in capsys.readouterr().out


def test_verify_finds_a_tampered_event_and_the_report_says_so(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(two_runs)

    assert main(["runs", "verify"]) == 1
    told = capsys.readouterr().err
    assert f"NOT as it was written: {RUN_ID}, event" in told
    assert "Next: keep a copy" in told

    assert main(["runs", "verify", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["faults"][0]["run_id"] == RUN_ID

    assert main(["report", RUN_ID, "--html", "-"]) == 0
    assert "HASH CHAIN BROKEN" in capsys.readouterr().out


def tamper(database: Path) -> None:
    """Change one event as somebody with write access to the file could."""
    connection = sqlite3.connect(database)
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall()
    for (name,) in triggers:
        connection.execute(f'DROP TRIGGER "{name}"')
    (table,) = connection.execute(
        "SELECT name FROM sqlite_master WHERE type='table' AND name LIKE '%events'"
    ).fetchone()
    changed = connection.execute(
        f"UPDATE {table} SET body = replace(body, '10.2.0.', '10.9.0.') "  # noqa: S608
        "WHERE run_id = ? AND body LIKE '%10.2.0.%' AND run_seq < 200",
        (RUN_ID,),
    ).rowcount
    assert changed
    connection.commit()
    connection.close()


def test_listing_one_run_points_to_its_report(
    two_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "list", RUN_ID]) == 2

    assert f"secondsite report {RUN_ID}" in capsys.readouterr().err
