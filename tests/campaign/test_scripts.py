"""A script of which nobody can tell whether it ran: what the plan says is done."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from secondsite.run.journal import Journal
from secondsite.run.record import StepRecord
from secondsite.run.replay import replay
from tests.campaign.faults import LIMITS
from tests.campaign.plans import HOOKS, MARKED_ANYHOW, MARKED_ONCE
from tests.campaign.world import Case, Outcome, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

_ON_THE_ENGINE = "      - {script: scripts/told.sh, on: engine, arguments: {To: desk}}\n"
_TELLS = """\
echo "$@"
cat
"""

ONCE, ANYHOW = "shutdown/before/mark", "payroll/after/mark"


def steps(world: World) -> Mapping[str, StepRecord]:
    with Journal.open(f"sqlite:///{world.home}/journal.db") as journal:
        [run] = journal.runs()
        return replay(each.event for each in journal.read(run.run_id)).by_id


def test_a_script_that_gives_no_answer_is_met_as_the_plan_says(tmp_path: Path) -> None:
    with a_world(tmp_path / "world", limits=LIMITS) as world:
        plan = world.plans / f"{HOOKS}.yaml"
        text = plan.read_text().replace("on_unknown:", "timeout: 3s, on_unknown:")
        plan.write_text(f"{text.rstrip()}\n{_ON_THE_ENGINE}")
        (world.plans / "scripts" / "told.sh").write_text(_TELLS)
        for vm in (MARKED_ONCE, MARKED_ANYHOW):
            world.arm(kind="hung-cmdlet", cmdlet="Set-VM", vm=vm, times=1)

        outcome = world.carry_out(Case(operation="planned", plan=HOOKS, gates=1))

        assert outcome.state == "COMPLETED", outcome.message
        assert (world.marks(MARKED_ONCE), world.marks(MARKED_ANYHOW)) == (1, 2)
        found = steps(world)
        assert "may or may not" in found[ONCE].evidence["skipped"]
        assert not found[ONCE].changed
        assert found[ANYHOW].changed
        here = found["payroll/after/told"]
        assert here.evidence["host"] == socket.gethostname()
        options, told = here.evidence["output"]
        assert options == "--To desk"
        assert json.loads(told)["FailoverType"] == "Planned"
        hosts = {vm["Name"]: vm["Host"] for vm in json.loads(told)["VmMap"].values()}
        assert hosts == {"pay01": "hv-osaka-2", "pay02": "hv-osaka-1"}


def test_when_in_doubt_people_are_asked_and_their_retry_runs_it_again(tmp_path: Path) -> None:
    attended = Case(operation="planned", plan=HOOKS, options={"unattended": False})
    with a_world(tmp_path / "world") as world:
        plan = world.plans / f"{HOOKS}.yaml"
        plan.write_text(plan.read_text().replace("on_unknown: skip", "on_unknown: ask"))
        flow_run = str(uuid4())

        def start(instant: str = "", *, answers: bool = True) -> Outcome:
            return world.start(attended, flow_run=flow_run, instant=instant, answers=answers)

        at_gate = start(answers=False)
        killed = start("begun:mark")
        asked = start(answers=False)
        ended = start()

        states = [each.state for each in (at_gate, killed, asked, ended)]
        assert states == ["waiting", "killed", "waiting", "COMPLETED"]
        assert f"{ONCE}: " in asked.message
        assert "nobody can tell from outside" in asked.message
        assert world.marks(MARKED_ONCE) == 1
        found = steps(world)
        assert found[ONCE].evidence["host"] == "hv-tokyo-1", "before the shutdown it runs there"
        assert found[ANYHOW].evidence["host"] == "hv-osaka-1"
