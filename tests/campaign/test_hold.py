"""A run is held while an action is under way: that one finishes, and nothing new begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from secondsite.cli.main import main
from secondsite.home import journal_url
from secondsite.run.events import JournalEvent, RunHeld, RunReleased, StepIntent, StepOutcome
from secondsite.run.journal import Journal
from tests.campaign.world import Case, World, a_world
from tests.e2e.conftest import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

PLANNED = Case(operation="planned")
_ANSWERS_AFTER_S = 6.0
"""A walking engine asks the journal every second: by then it has heard, on a busy machine too."""


def the_run() -> tuple[str, list[JournalEvent]]:
    with Journal.open(journal_url()) as journal:
        [run] = journal.runs()
        return run.run_id, [entry.event for entry in journal.read(run.run_id)]


def begun(events: Sequence[JournalEvent]) -> set[str]:
    return {each.step for each in events if isinstance(each, StepIntent)}


def ended(events: Sequence[JournalEvent]) -> set[str]:
    return {each.step for each in events if isinstance(each, StepOutcome)}


def is_down(world: World) -> bool:
    """Whether the slow shutdown has happened; its engine does not know it yet."""
    return any(cmdlet == "Stop-VM" for cmdlet, _, _ in world.done())


def changes_between(world: World, start: datetime, end: datetime) -> list[Mapping[str, Any]]:
    return [
        event
        for event in world.log()
        if event["kind"] == "change" and start < datetime.fromisoformat(event["at"]) < end
    ]


def test_a_held_run_finishes_what_is_under_way_and_begins_nothing_until_it_is_released(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with a_world(here) as world, ThreadPoolExecutor(1) as pool:
        flow_run = str(uuid4())
        world.be_slow("Stop-VM", seconds=_ANSWERS_AFTER_S)
        walking = pool.submit(world.start, PLANNED, flow_run=flow_run)
        until(lambda: is_down(world), what="a VM was shut down")
        run_id, _ = the_run()
        assert main(["hold", run_id, "--as", "aiko", "--comment", "wait for the bank"]) == 0
        left = walking.result()
        world.mend()
        again = world.start(PLANNED, flow_run=flow_run)  # a restart is no way around it
        main(["release", run_id, "--as", "aiko"])  # no server here that would start an engine
        said = capsys.readouterr().err
        _, events = the_run()
        over = world.start(PLANNED, flow_run=flow_run)
        [held] = [each for each in events if isinstance(each, RunHeld)]
        [released] = [each for each in events if isinstance(each, RunReleased)]
        changes = changes_between(world, held.at, released.at)
        done = world.done()

    at_hold = events[: events.index(held)]
    under_way = begun(at_hold) - ended(at_hold)
    assert under_way, "nothing was under way when it was held: this proves nothing"
    assert left.state == again.state == "waiting", (left, again)
    assert begun(events) == begun(at_hold)
    assert ended(events) == ended(at_hold) | under_way
    assert changes == []
    assert "The decision is in the journal" in said
    assert over.state == "COMPLETED", over.message
    assert {vm: count for (cmdlet, _, vm), count in done.items() if cmdlet == "Start-VM"} == {
        "pay01": 1,
        "pay02": 1,
    }
