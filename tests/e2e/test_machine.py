"""The commands around a run: up, down, status, demo, runs, report; and every exit code."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from secondsite.lab.endpoints import LabFolder
from tests.e2e.conftest import LAB, REPOSITORY, Machine
from tests.e2e.following import ended, run_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Machine]:
    """A second home with nothing up."""
    machine = Machine(home=tmp_path / "home", plans=REPOSITORY / "plans")
    yield machine
    machine.run("down")
    machine.run("lab", "down")


def processes_of(home: Path) -> list[psutil.Process]:
    """Every process that works for this home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SECONDSITE_HOME") == str(home):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def answers(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


def test_up_twice_is_up_once(machine: Machine) -> None:
    before = machine.services()

    again = machine.ok("up", "--json").facts

    assert {name: process.pid for name, process in machine.services().items()} == {
        name: process.pid for name, process in before.items()
    }
    assert "test-failover/storefront" in again["deployments"]
    assert "clean-up/storefront" in again["deployments"]
    status = machine.ok("status", "--json").facts
    assert status["server"]["answers"]
    assert status["worker"]["alive"]
    assert status["server"]["api_url"] == again["api_url"]


def test_what_is_up_and_reads_other_plans_is_not_started_anything_with(
    machine: Machine, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    shutil.copytree(machine.plans, others)

    for words in (["up"], ["run", "payroll", "--kind", "test"]):
        refused = machine.run(*words, SECONDSITE_PLANS=str(others))

        assert refused.code == 2, refused.out
        assert f"reads the plans of {machine.plans}" in refused.err
        assert f"those of {others}. Nothing was started." in refused.err
        assert "secondsite down" in refused.err


def test_two_homes_on_one_machine_do_not_disturb_each_other(
    machine: Machine, other: Machine
) -> None:
    mine = (LabFolder(machine.home).read_endpoints() or {})["servers"]
    other.ok("lab", "up", "--estate", LAB)
    theirs = (LabFolder(other.home).read_endpoints() or {})["servers"]

    # Nothing of the one is seen in the other, and ending the one leaves the other up.
    assert not {each["port"] for each in mine.values()} & {each["port"] for each in theirs.values()}
    assert other.run("status", "--json").code == 5
    assert other.ok("runs", "--json").facts == []
    assert other.ok("down", "--json").facts == {"ended": []}
    assert other.ok("lab", "down", "--json").facts == {"ended": True}
    assert machine.ok("lab", "state", "--json").facts["lab"] == "two-sites"
    assert machine.ok("status").code == 0


def test_down_twice_is_harmless_and_without_a_server_nothing_is_started(other: Machine) -> None:
    assert other.ok("down").out == other.ok("down").out
    assert other.ok("lab", "down", "--json").facts == {"ended": False}

    refused = other.run("run", "storefront", "--kind", "test")
    gone = other.run(
        "run", "storefront", "--kind", "test", "--json", PREFECT_API_URL="http://127.0.0.1:9/api"
    )
    no_lab = other.run("lab", "state")

    assert (refused.code, gone.code, no_lab.code) == (5, 5, 5)
    assert "nothing was started" in refused.err
    assert "secondsite up" in refused.err
    assert "127.0.0.1:9" in gone.facts["error"]["message"]
    assert "secondsite lab up" in no_lab.err


def test_every_wrong_word_has_its_exit_code_and_says_what_to_do(
    machine: Machine, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "estate.yaml").write_text((machine.plans / "estate.yaml").read_text())
    (broken / "storefront.yaml").write_text("name: storefront\ngruops: []\n")

    expected = {
        ("rnu",): (2, "Did you mean `run`?"),
        ("run", "storefront"): (2, "--kind"),
        ("run", "storefront", "--kind", "planned"): (2, "Nothing was started"),
        ("run", "storefornt", "--kind", "test"): (3, "storefront"),
        ("cleanup", "nothing"): (3, "nothing"),
        ("report", "no-such-run"): (2, "no-such-run"),
        ("lab", "break", "vm-never-boost"): (2, "vm-never-boots"),
    }
    for words, (code, hint) in expected.items():
        result = machine.run(*words)
        assert (words, result.code) == (words, code), result.err
        assert hint in result.err, (words, result.err)
    wrong = machine.run("run", "storefront", "--kind", "test", SECONDSITE_PLANS=str(broken))
    assert wrong.code == 3
    assert "storefront.yaml:2" in wrong.err
    assert "groups" in wrong.err


def test_a_detached_run_is_found_in_runs_reported_and_verified(
    estate: Machine, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"

    started = estate.ok("run", "payroll", "--kind", "test", "--clean-up", "--detach", "--json")
    run_id = run_of(estate, started.facts["flow_run"])
    facts = ended(estate, run_id)

    assert started.facts["url"].endswith(started.facts["flow_run"])
    assert facts["state"] == "done"
    assert facts["journal"]["verified"]
    assert estate.ok("report", run_id[:-2]).out.count("pay01")
    assert estate.ok("report", "payroll", "--html", str(page)).code == 0
    assert "pay02" in page.read_text()
    assert "<script src" not in page.read_text()
    assert "| pay01" in estate.ok("report", run_id, "--md", "-").out
    assert estate.ok("runs", "verify", "--json").facts["verified"]


def test_the_demo_ends_well_and_leaves_nothing_behind(other: Machine) -> None:
    result = other.ok("demo")

    report = Path(result.out.rsplit("Report: ", 1)[1].splitlines()[0].strip())
    port = urlsplit((other.home / "api-url").read_text()).port
    assert all(vm in result.out for vm in ("dc01", "sql02", "api01", "web03"))
    assert "10.2.0.22" in result.out
    assert report.is_relative_to(other.home)
    assert "Gantt" in report.read_text() or "<svg" in report.read_text()
    assert processes_of(other.home) == []
    assert port is not None
    assert not answers("127.0.0.1", port)
    assert other.run("status", "--json").code == 5
    runs = other.ok("runs", "--json").facts
    assert [(run["kind"], run["state"]) for run in runs] == [("cleanup", "done"), ("test", "done")]
    assert LabFolder(other.home).read_endpoints() is None
    state = [json.loads(line) for line in other.ok("lab", "log", "--json").out.splitlines()]
    stopped = {event["vm"] for event in state if event.get("cmdlet") == "Stop-VMFailover"}
    assert len(stopped) >= 12
