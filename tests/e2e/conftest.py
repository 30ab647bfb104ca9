"""A machine of our own: home, lab, Prefect's server and a worker, as an operator has them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from secondsite.lab.control import LabClient
from secondsite.run.journal import Journal
from tests.e2e.prefect_ui import PAGE_LIMIT_MS, PrefectUi

REPOSITORY = Path(__file__).parents[2]
LAB = "lab/two-sites.yaml"
_LIMIT_S = 180
_SCALE = "0.02"
"""Of the lab's times: where they do not matter, they shall not be waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)

    @property
    def gist(self) -> str:
        """What went wrong, in a few lines: a run's facts are hundreds."""
        try:
            facts = json.loads(self.out)
            failed = [step for step in facts["steps"] if step["error"]]
        except (KeyError, TypeError, ValueError):
            return f"{self.out[-2000:]}\n{self.err[-2000:]}"
        return "\n".join(
            [facts["headline"], *(f"{step['id']}: {step['error']['message']}" for step in failed)]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One home, used only through the command line, as its users do."""

    home: Path
    plans: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, limit_s: float = _LIMIT_S, **environment: str) -> Result:
        """Run `secondsite WORDS…`; whatever comes of it, no traceback does."""
        done = subprocess.run(
            [sys.executable, "-m", "secondsite", *words],
            env=self.environment | environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return Result(code=done.returncode, out=done.stdout, err=done.stderr)

    def ok(self, *words: str) -> Result:
        """Run a command that must succeed."""
        result = self.run(*words)
        assert result.code == 0, f"{words} ended with {result.code}\n{result.gist}"
        return result

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this machine's commands; nothing of the tester's own Prefect."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "SECONDSITE_"))
        }
        mine = {"SECONDSITE_HOME": str(self.home), "SECONDSITE_PLANS": str(self.plans)}
        return kept | mine | dict(self.variables)

    def lab_log(self) -> list[dict[str, Any]]:
        """Every request and change that the lab has seen."""
        text, _ = LabClient(self.home).log()
        return [json.loads(line) for line in text.splitlines()]

    def stable_state(self) -> Any:
        """The simulated world without what differs between two equal runs."""
        return LabClient(self.home).ask("state", stable=True)

    def new_lab(self) -> None:
        """A lab as new: nothing armed, nothing left of another test."""
        self.ok("lab", "down")
        self.ok("lab", "up", "--estate", LAB, "--scale", _SCALE)

    def services(self) -> dict[str, psutil.Process]:
        """The processes that `up` left in the background: server and worker."""
        status = self.run("status", "--json").facts
        return {
            name: psutil.Process(status[name]["pid"])
            for name in ("server", "worker")
            if status[name]["pid"]
        }


def until(condition: Callable[[], Any], *, what: str, limit_s: float = 60.0) -> Any:
    """What `condition` gives as soon as it is true; fails the test if it never is."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {limit_s:g} s: {what}")


def hasty_plans(folder: Path) -> Path:
    """The shipped plans; only that payroll's VMs have little time to boot."""
    shutil.copytree(REPOSITORY / "plans", folder)
    payroll = folder / "payroll.yaml"
    text = payroll.read_text()
    for vm in ("pay01", "pay02"):
        text = text.replace(f"- name: {vm}\n", f"- name: {vm}\n        boot_timeout: 12s\n")
    payroll.write_text(text)
    estate = folder / "estate.yaml"
    estate.write_text(estate.read_text().replace("address_timeout: 5m", "address_timeout: 20s"))
    return folder


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with everything up; everything is down again afterwards."""
    plans = hasty_plans(tmp_path_factory.mktemp("plans") / "plans")
    machine = Machine(home=tmp_path_factory.mktemp("home"), plans=plans)
    try:
        machine.ok("lab", "up", "--estate", LAB, "--scale", _SCALE)
        machine.ok("up", "--json")
        yield machine
    finally:
        machine.run("down")
        machine.run("lab", "down")


@pytest.fixture
def estate(machine: Machine) -> Machine:
    """The machine with a lab as new, and nothing that a failed test has left to hold its VMs."""
    with closing(Journal.open(f"sqlite:///{machine.home / 'journal.db'}")) as journal:
        is_held = any(run.is_interrupted for run in journal.runs())
    if is_held:
        machine.ok("down")
        for file in machine.home.glob("journal.db*"):
            file.unlink()
        machine.ok("up", "--json")
    machine.new_lab()
    return machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no browser: install the package `chromium`")
        pytest.skip("no browser: install the package `chromium`")
    quiet = ("background-networking", "component-update", "gpu", "quic", "sync")
    expect.set_options(timeout=PAGE_LIMIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--no-first-run", *(f"--disable-{each}" for each in quiet)],
        )
        yield browser
        browser.close()


@pytest.fixture
def ui(machine: Machine, browser: Browser, tmp_path: Path) -> Iterator[PrefectUi]:
    """A new tab; what it showed last is kept as `last.png` in the test's folder."""
    # Without motion: the pages' animations keep a core busy while nothing happens.
    context = browser.new_context(viewport={"width": 1400, "height": 1100}, reduced_motion="reduce")
    context.set_default_timeout(PAGE_LIMIT_MS)
    page = context.new_page()
    yield PrefectUi(page=page, url=machine.ok("status", "--json").facts["server"]["ui_url"])
    page.screenshot(path=tmp_path / "last.png", full_page=True)
    context.close()
