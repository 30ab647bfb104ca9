"""A script of which nobody can tell whether it ran: what the plan says is done."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.campaign.plans import HOOKS, MARKED_ONCE
from tests.campaign.world import Case, Outcome, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

ONCE = "shutdown/before/mark"


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
