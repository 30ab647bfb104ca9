"""A lab and a home for one case of a campaign, and what can be asked of them afterwards."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

from secondsite.lab.control import LabClient
from secondsite.lab.daemon import main
from tests.campaign.engine import Errand, carry_out
from tests.campaign.nobody import nobody
from tests.campaign.plans import (
    HOOKS,
    MARK,
    MARKED_ANYHOW,
    MARKED_ONCE,
    PAYROLL,
    write_plans,
)

__all__ = ["Case", "Outcome", "World", "a_world"]

REPOSITORY = Path(__file__).parents[2]
_SCALE = "0.002"
_LIMIT_S = 90.0
_MOST_STARTS = 4
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["tests.campaign.engine", "flows.conduct", "tasks.catalogue", "secondsite.lab.daemon"]
)
_ONCE = (
    *("Start-VM", "Stop-VM", "Start-VMFailover", "Stop-VMFailover", "Complete-VMFailover"),
    *("Grant-SCIPAddress", "New-SCVMNetwork", "New-SCVMSubnet", "New-SCStaticIPAddressPool"),
)
"""What changes the world for good each time it is done: never done twice for one VM in one run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One operation to carry out.

    Attributes:
        stops: Instant at which its engine is killed at the latest; empty: none.
        gates: How often it waits for people.
    """

    operation: str
    plan: str = PAYROLL
    direction: str = "forward"
    options: Mapping[str, Any] | None = None
    stops: str = ""
    gates: int = 0

    @property
    def name(self) -> str:
        """For people."""
        side = (self.options or {}).get("primary_side", "")
        made = "with networks of its own" if (self.options or {}).get("network") else ""
        hooks = "with hooks" if self.plan == HOOKS else ""
        words = (self.operation, "back" if self.direction == "back" else "", side, hooks, made)
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one start of an engine.

    Attributes:
        state: Prefect's word for it, or `waiting`, `killed`, `stuck`.
        passed: How many passed each door of `instants` until then.
    """

    state: str
    message: str = ""
    passed: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class World:
    """A lab of its own, with a home and a plans folder.

    Attributes:
        journal: URL of the journal of its engines; empty for the one of the home.
        limits: Of the engine's lanes, where they differ from those of real servers.
    """

    home: Path
    journal: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def plans(self) -> Path:
        """The plans folder."""
        return self.home / "plans"

    def start(
        self,
        case: Case,
        *,
        flow_run: str,
        instant: str = "",
        answers: bool = False,
        ahead_s: float = 0.0,
        signs_ahead_s: float = 0.0,
    ) -> Outcome:
        """Start an engine for `case`, or again for its run; gives what became of it.

        With `answers` somebody has said `retry`, or approved, what the run waits for; the clock of
        its machine may be ahead, or only the time that it signs DNS messages with.
        """
        verdict = self.home / f"verdict-{uuid4().hex}.json"  # several may be started at once
        errand = Errand(
            home=self.home,
            plans=self.plans,
            plan=case.plan,
            operation=case.operation,
            direction=case.direction,
            options=dict(case.options or {}),
            flow_run=flow_run,
            instant=instant,
            answers=answers,
            limits=self.limits,
            verdict=verdict,
            journal=self.journal,
            ahead_s=ahead_s,
            signs_ahead_s=signs_ahead_s,
        )
        engine = _PROCESSES.Process(target=carry_out, args=(errand,))
        engine.start()
        engine.join(_LIMIT_S)
        if engine.is_alive():
            engine.kill()
            engine.join()
            return Outcome(state="stuck")
        if not verdict.exists():
            return Outcome(state="killed")
        return Outcome(**json.loads(verdict.read_text()))

    def carry_out(self, case: Case) -> Outcome:
        """Carry `case` out undisturbed, but for where it stops; its gates are approved."""
        return self.carry_on(case, flow_run=str(uuid4()))[-1]

    def carry_on(
        self, case: Case, *, flow_run: str, instant: str = "", at_start: int = 0
    ) -> list[Outcome]:
        """Start engines until the run is over; gives what became of each.

        The one of number `at_start` is killed at `instant`. Gates are approved between two starts.
        """
        outcomes: list[Outcome] = []
        waited = 0
        while len(outcomes) < _MOST_STARTS + case.gates:
            meant = instant if len(outcomes) == at_start else ""
            outcome = self.start(
                case,
                flow_run=flow_run,
                instant=f"{case.stops},{meant}",
                answers=bool(outcomes),
            )
            outcomes.append(outcome)
            waited += outcome.state == "waiting"
            if case.stops or waited > case.gates or outcome.state not in {"waiting", "killed"}:
                break
        return outcomes

    def be_slow(self, cmdlet: str, *, seconds: float) -> None:
        """Let the primary site's hosts do what `cmdlet` does at once, and answer late."""
        for host in ("hv-tokyo-1", "hv-tokyo-2"):
            fault = {"kind": "slow-reply", "host": host, "cmdlet": cmdlet, "seconds": seconds}
            self.arm(**fault)

    def state(self) -> Any:
        """The simulated world, without what differs between two equal runs.

        And whether a script that runs again when in doubt has run.
        """
        is_marked = bool(self.marks(MARKED_ANYHOW))
        return {**LabClient(self.home).ask("state", stable=True), "marked": is_marked}

    def log(self) -> list[Any]:
        """The lab's log: requests, changes, faults."""
        text, _ = LabClient(self.home).log()
        return [json.loads(line) for line in text.splitlines()]

    def arm(self, **fault: Any) -> None:
        """Arm a fault in the lab."""
        LabClient(self.home).ask("break", fault=fault)

    def move(self, vm: str, host: str) -> None:
        """Move a VM to another node of its cluster."""
        LabClient(self.home).ask("move", vm=vm, host=host)

    def mend(self) -> None:
        """Mend every fault."""
        LabClient(self.home).ask("mend")

    def done(self) -> Counter[tuple[str, str, str]]:
        """How often each VM met each change that must happen once: (cmdlet, host, vm).

        Among them the script that is skipped when in doubt.
        """
        done = Counter(
            (event["cmdlet"], event["host"], event["vm"])
            for event in self.log()
            if event["kind"] == "change" and event.get("cmdlet") in _ONCE
        )
        if marks := self.marks(MARKED_ONCE):
            done["script", "", MARKED_ONCE] = marks
        return done

    def marks(self, vm: str) -> int:
        """How often the plan's script has marked that VM."""
        return sum(
            event["kind"] == "change" and event["vm"] == vm and event["detail"].get("notes") == MARK
            for event in self.log()
        )


_STARTING = threading.Lock()


def _start_processes() -> None:
    """Start what processes are forked from; they show their progress to nobody."""
    with _STARTING:
        kept = os.environ.get("PREFECT_API_URL")
        os.environ["PREFECT_API_URL"] = nobody()
        try:
            forkserver.ensure_running()
        finally:
            del os.environ["PREFECT_API_URL"]
            if kept is not None:
                os.environ["PREFECT_API_URL"] = kept


@contextmanager
def a_world(
    folder: Path,
    *before: Case,
    limits: Mapping[str, float] | None = None,
    change_lab: Callable[[str], str] = lambda text: text,
) -> Iterator[World]:
    """A fresh lab in `folder`, in which the cases `before` have been carried out already.

    `change_lab` changes the text of the lab's estate.
    """
    world = World(home=folder, limits=limits or {})
    folder.mkdir(parents=True)
    (folder / "two-sites.yaml").write_text(
        change_lab((REPOSITORY / "lab" / "two-sites.yaml").read_text())
    )
    write_plans(world.plans)
    lab = _PROCESSES.Process(target=_be_the_lab, args=(folder,))
    _start_processes()
    lab.start()
    try:
        _wait_for(folder / "lab" / "endpoints.json", lab)
        for case in before:
            outcome = world.carry_out(case)
            expected = "killed" if case.stops else "COMPLETED"
            assert outcome.state == expected, f"{case.name}: {outcome.state} {outcome.message}"
        yield world
    finally:
        lab.terminate()
        lab.join(20)
        shutil.rmtree(folder, ignore_errors=True)


def _be_the_lab(home: Path) -> None:
    os.environ["SECONDSITE_HOME"] = str(home)
    main(
        [
            "--home",
            str(home),
            "--estate",
            str(home / "two-sites.yaml"),
            "--scale",
            _SCALE,
        ]
    )


def _wait_for(file: Path, lab: BaseProcess) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not file.exists():
        assert lab.is_alive(), "the lab ended"
        assert time.monotonic() < deadline, "the lab does not come up"
        time.sleep(0.01)
