"""`secondsite status RUN`, from the journal alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secondsite.cli.main import main as secondsite
from secondsite.home import journal_url
from secondsite.run.events import Asked, Escalated, RunAttached, StepIntent, StepOutcome
from secondsite.run.journal import Journal
from tests.run.story import created

RUN = "shop-test-20261120-134005-ab12"
GATE = "db/before/storage"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))
    monkeypatch.setenv("SECONDSITE_PLANS", str(tmp_path / "plans"))
    monkeypatch.delenv("SECONDSITE_JOURNAL", raising=False)


def at_a_gate() -> None:
    at = datetime.now(UTC) - timedelta(minutes=90)
    with Journal.open(journal_url()) as journal:
        journal.append(
            RUN,
            created(RUN, at=at, requested_by="mona"),
            RunAttached(at=at, holder="engine:1"),
            StepIntent(at=at, step="preflight"),
            StepOutcome(at=at, step="preflight", state="done"),
            Asked(
                at=at,
                step=GATE,
                title="Storage released",
                approvers=("dba",),
                required=2,
                separate_from=("mona",),
            ),
            Escalated(
                at=at + timedelta(minutes=60),
                step=GATE,
                approvers=("boss",),
                deadline_at=at + timedelta(hours=4),
            ),
        )


def test_it_tells_whom_the_run_waits_for_for_what_since_when_and_what_is_behind(
    capsys: pytest.CaptureFixture[str],
) -> None:
    at_a_gate()

    code = secondsite(["status", "ab12"])

    told = capsys.readouterr().out
    assert code == 0
    assert f"{RUN}: waits for people, started by mona" in told
    assert f"waits for dba, boss: Storage released ({GATE}); 3 steps behind it: " in told
    assert "db/sql01/start, db/sql01/ready, db/sql01/dns" in told
    assert "(1 h 30 min), until " in told
    assert "2 must approve; so far: nobody yet" in told
    assert "not by whoever started the run: mona" in told
    assert "escalated to boss" in told
    assert f"secondsite approve {RUN} {GATE}" in told


def test_it_tells_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    at_a_gate()

    secondsite(["status", RUN, "--json"])

    facts = json.loads(capsys.readouterr().out)
    [waiting] = facts["waiting"]
    assert facts["state"] == "waiting"
    assert waiting["approvers"] == ["dba", "boss"]
    assert waiting["behind"] == ["db/sql01/start", "db/sql01/ready", "db/sql01/dns"]
    assert 5390 < waiting["for_s"] < 5500
    assert facts["running"] == []
