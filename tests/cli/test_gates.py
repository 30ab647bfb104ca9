"""`gates`, `hold`, `release` and `abort`, from the journal alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secondsite.cli.main import main as secondsite
from secondsite.cli.start import requested_by
from secondsite.home import journal_url
from secondsite.plan.estate import Estate
from secondsite.plan.loader import load_folder
from secondsite.reports.facts import run_facts
from secondsite.reports.markdown import report_markdown
from secondsite.run.events import Asked, RunAttached, RunEnded, StepIntent, StepOutcome
from secondsite.run.journal import Journal
from secondsite.run.model_note import model_note
from secondsite.run.replay import replay
from tests.run.story import created

RUN = "shop-planned-20261120-134005-ab12"
GATE = "db/before/storage"
PLANS = Path(__file__).parents[2] / "plans"
CODES = {"username": "aiko", "password": {"file": "nowhere"}}
AIKO = {"name": "aiko", "contact": "aiko@corp.example", "totp": "aiko-codes"}
SHOWN = "# Look\n\nAre the volumes writable?\x1b[2J"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))
    monkeypatch.delenv("SECONDSITE_JOURNAL", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    folder = load_folder(PLANS)
    model = folder.estate.model_dump(mode="json")
    model["credentials"]["aiko-codes"] = CODES
    model["approvers"] = [AIKO]
    at = datetime.now(UTC) - timedelta(minutes=90)
    with Journal.open(journal_url()) as journal:
        journal.append(
            RUN,
            created(RUN, at=at, requested_by="mona"),
            RunAttached(at=at, holder="engine:1"),
            model_note(folder.plans["payroll"], Estate.model_validate(model), at=at),
            StepIntent(at=at, step="preflight"),
            StepOutcome(at=at, step="preflight", state="done"),
            Asked(
                at=at,
                step=GATE,
                title="Storage released",
                shown=SHOWN,
                approvers=("aiko",),
                with_code=("aiko",),
            ),
        )


def test_gates_shows_what_is_asked_and_a_command_that_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert secondsite(["gates"]) == 0

    told = capsys.readouterr().out
    assert "Storage released: waits for aiko since " in told
    assert "  | # Look\n  |\n  | Are the volumes writable?" in told
    assert "\x1b" not in told, "what a plan says must not steer the terminal"
    assert f"secondsite approve {RUN} {GATE} --as NAME --code CODE" in told


def test_a_gate_is_listed_and_looked_after_however_many_runs_have_begun_since(
    capsys: pytest.CaptureFixture[str],
) -> None:
    at = datetime.now(UTC)
    with Journal.open(journal_url()) as journal:
        for number in range(201):
            run_id = f"shop-check-20261121-{number:06}-cd34"
            over = RunEnded(at=at, state="done")
            journal.append(run_id, created(run_id, at=at), over)
        newest = [each.run_id for each in journal.heads(limit=200)]
        still_open = [each.run_id for each in journal.runs(only_open=True)]

    secondsite(["gates", "--json"])

    assert [each["run_id"] for each in json.loads(capsys.readouterr().out)["waiting"]] == [RUN]
    assert still_open == [RUN]
    assert newest[0] == RUN, "nobody would be told of it any more"


def test_nobody_holds_a_run_in_the_name_of_one_whom_a_code_proves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for verb in ("hold", "release"):
        assert secondsite([verb, RUN, "--as", "Aiko"]) == 1
        told = capsys.readouterr().err
        assert "aiko is known by one-time codes" in told
        assert "Leave --as out" in told

    with Journal.open(journal_url()) as journal:
        record = replay(entry.event for entry in journal.read(RUN))
    assert not record.held_by


def test_anybody_ends_a_run_without_a_code_under_any_name_and_the_journal_has_the_account(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secondsite(["abort", RUN, "--as", "mallory"])  # told as well: no server starts an engine
    ended = capsys.readouterr().err
    secondsite(["abort", RUN, "--as", "aiko"])
    refused = capsys.readouterr().err

    assert "The decision is in the journal" in ended
    assert "aiko needs a one-time code" in refused
    with Journal.open(journal_url()) as journal:
        record = replay(entry.event for entry in journal.read(RUN))
    [made] = record.decisions
    assert (made.by, made.account, made.with_code) == ("mallory", requested_by(), False)


def test_who_held_a_run_and_why_is_in_its_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        secondsite(["hold", RUN, "--as", "mona", "--comment", "the array is being looked at"]) == 0
    )
    assert secondsite(["hold", RUN]) == 1

    told = capsys.readouterr()
    assert f"secondsite release {RUN}" in told.out
    assert "held already, by mona" in told.err
    assert f"Next: Let it go on with: secondsite release {RUN}" in told.err
    with Journal.open(journal_url()) as journal:
        record = replay(entry.event for entry in journal.read(RUN))
    page = report_markdown(run_facts(record))
    assert "mona (" in page
    assert "holds the run: nothing new starts. Comment: the array is being looked at" in page


def test_what_was_done_to_a_run_can_be_read_by_a_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert secondsite(["hold", RUN, "--as", "mona", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run_id": RUN, "held_by": "mona"}

    assert secondsite(["hold", RUN, "--json"]) == 1
    assert "held already, by mona" in json.loads(capsys.readouterr().out)["error"]["message"]
