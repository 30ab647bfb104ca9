"""Two engines at once, on one journal in a real PostgreSQL: one acts, the other is told why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from secondsite.run.events import RunAttached
from secondsite.run.journal import Journal
from tests.campaign.world import Case, Outcome, World, a_world
from tests.e2e.conftest import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

PLANNED = Case(operation="planned")
COUSIN = "payroll-program"


@pytest.fixture
def world(tmp_path: Path, postgresql_url: str) -> Iterator[World]:
    with a_world(tmp_path / "world") as made:
        made.journal = postgresql_url
        yield made


def at_once(world: World, *starts: tuple[Case, str]) -> list[Outcome]:
    """Start an engine for each, all at the same time, on hosts that take their time."""
    world.be_slow("Stop-VM", seconds=3)
    with ThreadPoolExecutor(len(starts)) as pool:
        begun = [pool.submit(world.start, case, flow_run=flow_run) for case, flow_run in starts]
        return [each.result() for each in begun]


def one_did_it(outcomes: Sequence[Outcome]) -> Outcome:
    """That one of them has done it; gives the other."""
    assert sorted(each.state for each in outcomes) == ["COMPLETED", "FAILED"], outcomes
    return next(each for each in outcomes if each.state == "FAILED")


def nothing_was_done_twice(world: World, vms: Sequence[str]) -> None:
    done = world.done()
    for cmdlet in ("Stop-VM", "Start-VM"):
        found = {vm: count for (each, _, vm), count in done.items() if each == cmdlet}
        assert found == dict.fromkeys(vms, 1), cmdlet
    moved = Counter(vm for (cmdlet, _, vm) in done.elements() if cmdlet == "Start-VMFailover")
    assert set(moved) == set(vms)
    assert len(set(moved.values())) == 1, "one VM was failed over more often than another"


def test_of_two_engines_with_one_plan_one_moves_production(world: World) -> None:
    refused = one_did_it(at_once(world, (PLANNED, str(uuid4())), (PLANNED, str(uuid4()))))

    with Journal.open(world.journal) as journal:
        runs = journal.runs()
    assert len(runs) == 1, "the refused engine has left a run behind"
    assert runs[0].state == "done"
    assert f"run {runs[0].run_id} (active) holds plan payroll" in refused.message
    assert "vm pay01, vm pay02" in refused.message
    nothing_was_done_twice(world, ["pay01", "pay02"])


def test_of_two_engines_that_take_one_run_up_one_gets_it(world: World) -> None:
    flow_run = str(uuid4())
    killed = world.start(PLANNED, flow_run=flow_run, instant="after-write:6")

    refused = one_did_it(at_once(world, (PLANNED, flow_run), (PLANNED, flow_run)))

    with Journal.open(world.journal) as journal:
        runs = journal.runs()
        assert journal.verify().is_whole
    assert killed.state == "killed"
    assert [run.state for run in runs] == ["done"]
    assert f"{runs[0].run_id} is carried by" in refused.message
    nothing_was_done_twice(world, ["pay01", "pay02"])


def test_an_engine_that_was_taken_for_dead_and_comes_back_does_nothing_more(world: World) -> None:
    flow_run = str(uuid4())
    world.be_slow("Stop-VM", seconds=3)
    with ThreadPoolExecutor(1) as pool, Journal.open(world.journal) as journal:
        begun = pool.submit(world.start, PLANNED, flow_run=flow_run)
        until(world.done, what="a VM was shut down")
        [run] = journal.runs()
        lease = journal.lease(run.run_id)
        assert lease is not None
        # Its heart has stopped for long: a machine that was frozen, a network that was cut.
        journal.detach(run.run_id, holder=lease.holder)
        successor = world.start(PLANNED, flow_run=flow_run)
        ghost = begun.result()

        assert successor.state == "COMPLETED", successor.message
        assert ghost.state == "FAILED"
        assert f"{run.run_id} is no longer carried by {lease.holder}" in ghost.message
        engines = [
            entry.event.holder
            for entry in journal.read(run.run_id)
            if isinstance(entry.event, RunAttached)
        ]
        assert len(set(engines)) == 2
        assert journal.verify().is_whole
        assert [each.state for each in journal.runs()] == ["done"]
    nothing_was_done_twice(world, ["pay01", "pay02"])


def test_of_two_plans_that_share_a_vm_one_moves_it(world: World) -> None:
    text = (world.plans / "payroll.yaml").read_text()
    head, _, _ = text.partition("      - name: pay02")
    (world.plans / f"{COUSIN}.yaml").write_text(
        head.replace("name: payroll\n", f"name: {COUSIN}\n", 1)
    )
    cousin = Case(operation="planned", plan=COUSIN)

    refused = one_did_it(at_once(world, (PLANNED, str(uuid4())), (cousin, str(uuid4()))))

    with Journal.open(world.journal) as journal:
        [run] = journal.runs()
    vms = ["pay01", "pay02"] if run.plan == "payroll" else ["pay01"]
    assert f"run {run.run_id} (active) holds vm pay01" in refused.message
    nothing_was_done_twice(world, vms)
