from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from secondsite.cli.main import main
from secondsite.graph import Operation, compile_graph
from secondsite.plan.loader import load_plan
from secondsite.run.events import JournalEvent, RunAttached, RunEnded, StepIntent, StepOutcome
from secondsite.run.journal import Journal
from secondsite.run.planned import planned_steps
from secondsite.run.replay import Replay
from tests.run.story import BEGIN, created

PLANS = Path(__file__).parents[2] / "plans"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SECONDSITE_PLANS", str(PLANS))
    monkeypatch.delenv("SECONDSITE_JOURNAL", raising=False)
    return tmp_path / "home"


def remember_a_test_failover(home: Path, *, step_s: float) -> None:
    """A past run of `payroll` in the journal, in which each step lasted `step_s`."""
    graph = compile_graph(load_plan(PLANS / "payroll.yaml"), operation=Operation.TEST)
    steps = planned_steps(graph, source_site="tokyo", target_site="osaka")
    first = created("payroll-test-1-aaaa", steps=steps, plan="payroll")
    state, now = Replay(first), BEGIN
    events: list[JournalEvent] = [first, RunAttached(at=now, holder="e")]
    state.apply(events[-1])
    while ready := state.scheduler.ready():
        end = now + timedelta(seconds=step_s)
        for step in ready:
            told: list[JournalEvent] = [
                StepIntent(at=now, step=step),
                StepOutcome(at=end, step=step, state="done"),
            ]
            for event in told:
                state.apply(event)
            events += told
        now = end
    with Journal.open(f"sqlite:///{home / 'journal.db'}") as journal:
        journal.append(first.run_id, *events, RunEnded(at=now, state="done"))


def test_every_step_is_numbered_and_says_what_it_waits_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "payroll", "--kind", "test"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "payroll: test, forward, tokyo to osaka"
    numbered = {line.split()[0]: line.split() for line in lines if line.strip()[:1].isdigit()}
    assert numbered["1"][1] == "preflight"
    assert numbered["2"][1:] == ["failover/begin", "1"]
    assert "no past run" in lines[-1]


def test_showing_touches_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "storefront", "--kind", "planned"]) == 0

    assert not home.exists()
    assert "People decide at" in capsys.readouterr().out


@pytest.mark.parametrize("kind", [each.value for each in Operation])
@pytest.mark.parametrize("direction", ["forward", "back"])
def test_every_shipped_plan_can_be_shown_and_drawn(
    kind: str, direction: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for plan in ("storefront", "payroll"):
        file = tmp_path / f"{plan}.svg"
        words = ["show", plan, "--kind", kind, "--direction", direction, "--svg", str(file)]
        assert main([*words, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        drawn = ET.fromstring(file.read_text())  # noqa: S314 - our own text
        assert (facts["plan"], facts["kind"], facts["direction"]) == (plan, kind, direction)
        assert drawn.tag.endswith("svg")
        numbers = {step["id"]: step["number"] for step in facts["steps"]}
        for step in facts["steps"]:
            assert all(numbers[before] < step["number"] for before in step["waits_for"])
            assert set(step["tolerates"]) <= set(step["waits_for"])


def test_a_past_run_gives_the_critical_path(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remember_a_test_failover(home, step_s=20.0)

    assert main(["show", "payroll", "--kind", "test", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    path = facts["critical_path"]
    assert path["from_runs"] == ["payroll-test-1-aaaa"]
    assert path["seconds"] == pytest.approx(20.0 * len(path["steps"]))
    assert path["steps"][0] == "preflight"

    assert main(["show", "payroll", "--kind", "test"]) == 0
    text = capsys.readouterr().out
    assert "from the last run" in text
    assert "20 s" in text


def test_other_kinds_of_run_are_no_past_of_this_one(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remember_a_test_failover(home, step_s=20.0)

    main(["show", "payroll", "--kind", "planned", "--json"])

    assert json.loads(capsys.readouterr().out)["critical_path"]["seconds"] is None


def test_a_broken_journal_does_not_hide_the_graph(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "journal.db").write_text("no database " * 100)

    assert main(["show", "payroll"]) == 0

    captured = capsys.readouterr()
    assert "not a database" in captured.err
    assert "preflight" in captured.out


def test_an_unknown_plan_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "storefrnt"]) == 3

    assert "storefront" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "payroll", "--svg", "/nowhere/x.svg"]) == 2

    assert "/nowhere/x.svg cannot be written" in capsys.readouterr().err


def test_a_script_on_a_vm_or_its_host_says_on_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "plans"
    shutil.copytree(PLANS, folder)
    monkeypatch.setenv("SECONDSITE_PLANS", str(folder))
    after = '    after: [{script: scripts/announce-databases.ps1, on: "guest:pay01"}]\n'
    plan = folder / "payroll.yaml"
    plan.write_text(plan.read_text().rstrip() + "\n" + after)

    assert main(["show", "payroll", "--kind", "test"]) == 0

    shown = capsys.readouterr().out
    assert (
        "payroll/after/announce-databases  (scripts/announce-databases.ps1, on guest:pay01)"
        in shown
    )
