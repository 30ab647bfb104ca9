from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from sqlalchemy import create_engine, text

from secondsite.errors import RunConflictError
from secondsite.run.events import Noted, RunEnded
from secondsite.run.holder import is_surely_gone, this_process
from secondsite.run.journal import Journal
from secondsite.run.leases import LEASE_S
from tests.run.story import BEGIN, Clock, created

ONE, TWO = "shop-test-1-aaaa", "payroll-test-1-bbbb"


def start(journal: Journal, run_id: str = ONE, *, holder: str = "engine:1") -> None:
    journal.append(run_id, created(run_id))
    journal.claim(run_id, plan=run_id.partition("-")[0], vms=["sql01", "WEB01"], holder=holder)


def test_a_plan_has_one_active_run(journal: Journal) -> None:
    start(journal)

    with pytest.raises(RunConflictError, match=f"{ONE} .active. holds plan Shop") as caught:
        journal.claim(TWO, plan="Shop", vms=["other"], holder="engine:2")

    assert ONE in caught.value.next_step


def test_a_vm_is_in_one_active_run_whatever_its_case(journal: Journal) -> None:
    start(journal)

    with pytest.raises(RunConflictError, match="vm SQL01, vm web01"):
        journal.claim(TWO, plan="payroll", vms=["web01", "pay01", "SQL01"], holder="engine:2")


def test_a_refused_claim_takes_nothing(journal: Journal) -> None:
    start(journal)
    with pytest.raises(RunConflictError):
        journal.claim(TWO, plan="payroll", vms=["pay01", "sql01"], holder="engine:2")

    journal.claim("third", plan="payroll", vms=["pay01"], holder="engine:3")

    assert journal.lease(TWO) is None


def test_all_conflicting_runs_are_named_at_once(journal: Journal) -> None:
    start(journal)
    journal.append(TWO, created(TWO))
    journal.claim(TWO, plan="payroll", vms=["pay01"], holder="engine:2")

    with pytest.raises(RunConflictError) as caught:
        journal.claim("third", plan="third", vms=["pay01", "sql01"], holder="engine:3")

    assert len(caught.value.reasons) == 2


def test_the_end_of_a_run_frees_what_it_held(journal: Journal) -> None:
    start(journal)

    journal.append(ONE, RunEnded(at=BEGIN, state="failed"))

    assert journal.lease(ONE) is None
    journal.claim(TWO, plan="shop", vms=["sql01"], holder="engine:2")


def test_release_frees_what_a_run_held(journal: Journal) -> None:
    start(journal)

    journal.release(ONE)

    journal.claim(TWO, plan="shop", vms=["sql01"], holder="engine:2")


def test_a_live_run_is_not_taken_over(journal: Journal, clock: Clock) -> None:
    start(journal)
    clock.forward(LEASE_S - 1)

    with pytest.raises(RunConflictError, match="carried by engine:1"):
        journal.claim(ONE, plan="shop", vms=["sql01", "web01"], holder="engine:2")


def test_an_interrupted_run_is_noticed_and_may_be_taken_up(journal: Journal, clock: Clock) -> None:
    start(journal)
    assert journal.stale_runs() == ()
    clock.forward(LEASE_S + 1)
    assert journal.stale_runs() == (ONE,)
    assert journal.runs()[0].is_interrupted

    journal.claim(ONE, plan="shop", vms=["sql01", "web01"], holder="engine:2")

    assert journal.stale_runs() == ()
    assert not journal.runs()[0].is_interrupted
    with pytest.raises(RunConflictError, match="no longer carried by engine:1"):
        journal.beat(ONE, holder="engine:1")


def test_only_the_process_that_carries_a_run_writes_about_it(
    journal: Journal, clock: Clock
) -> None:
    start(journal)
    journal.append(ONE, Noted(at=BEGIN, text="mine"), holder="engine:1")
    clock.forward(LEASE_S + 1)
    journal.claim(ONE, plan="shop", vms=["sql01", "web01"], holder="engine:2")

    with pytest.raises(RunConflictError, match="no longer carried by engine:1"):
        journal.append(ONE, Noted(at=BEGIN, text="a ghost's"), holder="engine:1")

    journal.append(ONE, Noted(at=BEGIN, text="its successor's"), holder="engine:2")
    journal.append(ONE, Noted(at=BEGIN, text="somebody's at a terminal"))
    assert [each.event.text for each in journal.read(ONE) if isinstance(each.event, Noted)] == [
        "mine",
        "its successor's",
        "somebody's at a terminal",
    ]


def test_nobody_writes_about_a_run_that_was_ended_by_another(journal: Journal) -> None:
    start(journal)
    journal.append(ONE, RunEnded(at=BEGIN, state="aborted"))

    with pytest.raises(RunConflictError, match="no longer carried by engine:1"):
        journal.append(ONE, Noted(at=BEGIN, text="a ghost's"), holder="engine:1")


def test_a_run_is_not_taken_over_while_its_engine_writes(postgresql_url: str) -> None:
    """What the engine writes in that instant is before the claim, where its successor reads it."""
    writer = create_engine(postgresql_url)
    with (
        Journal.open(postgresql_url, is_gone=lambda holder: holder == "engine:1") as journal,
        ThreadPoolExecutor(1) as pool,
    ):
        start(journal)
        with writer.begin() as writing:
            row = text("SELECT run_id FROM journal_runs WHERE run_id = :run FOR UPDATE")
            writing.execute(row, {"run": ONE})
            claiming = pool.submit(
                journal.claim, ONE, plan="shop", vms=["sql01", "web01"], holder="engine:2"
            )
            with pytest.raises(TimeoutError):
                claiming.result(timeout=0.05)
        claiming.result(timeout=30)

        lease = journal.lease(ONE)
        assert lease is not None
        assert lease.holder == "engine:2"
    writer.dispose()


def test_a_dead_process_of_this_machine_need_not_be_waited_for(journal: Journal) -> None:
    start(journal, holder="gone:1")

    assert journal.stale_runs() == (ONE,)
    journal.claim(ONE, plan="shop", vms=["sql01"], holder="engine:2")


def test_a_heartbeat_keeps_the_lease(journal: Journal, clock: Clock) -> None:
    start(journal)

    for _ in range(3):
        clock.forward(LEASE_S - 1)
        journal.beat(ONE, holder="engine:1")

    assert journal.stale_runs() == ()


def test_an_interrupted_run_keeps_its_vms_from_others(journal: Journal, clock: Clock) -> None:
    start(journal)
    clock.forward(10 * LEASE_S)

    with pytest.raises(RunConflictError, match="interrupted, last heard of at 2026") as caught:
        journal.claim(TWO, plan="payroll", vms=["sql01"], holder="engine:2")

    assert "secondsite cleanup shop" in caught.value.next_step
    assert f"secondsite resume {ONE}" in caught.value.next_step


def test_a_run_that_waits_for_people_keeps_its_vms_without_a_process(
    journal: Journal, clock: Clock
) -> None:
    start(journal)
    journal.detach(ONE, holder="engine:1")
    clock.forward(100 * LEASE_S)

    assert journal.stale_runs() == ()
    with pytest.raises(RunConflictError, match="waiting for people"):
        journal.claim(TWO, plan="payroll", vms=["sql01"], holder="engine:2")
    journal.claim(ONE, plan="shop", vms=["sql01", "web01"], holder="engine:2")


def test_claims_of_a_run_that_died_before_its_first_event_bind_nobody(
    journal: Journal, clock: Clock
) -> None:
    journal.claim(ONE, plan="shop", vms=["sql01"], holder="engine:1")
    with pytest.raises(RunConflictError):
        journal.claim(TWO, plan="shop", vms=["sql01"], holder="engine:2")
    clock.forward(LEASE_S + 1)

    journal.claim(TWO, plan="shop", vms=["sql01"], holder="engine:2")

    assert journal.lease(ONE) is None


def test_of_two_engines_at_once_one_gets_the_vms(url: str) -> None:
    def try_to_claim(number: int) -> bool:
        with Journal.open(url) as own:
            try:
                own.claim(f"run-{number}", plan=f"p{number}", vms=["sql01"], holder=f"e:{number}")
            except RunConflictError:
                return False
            return True

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert sum(pool.map(try_to_claim, range(4))) == 1


def test_this_process_is_not_gone() -> None:
    assert not is_surely_gone(this_process())
    assert not is_surely_gone(this_process().partition("@")[0])


def test_a_process_that_ended_is_gone_and_its_id_used_again_is_not_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as short:
        short.wait()
    host, _, rest = this_process().partition(":")
    _, _, table = rest.partition("~")

    assert is_surely_gone(f"{host}:{short.pid}")
    assert is_surely_gone(f"{host}:{short.pid}@1~{table}")
    assert is_surely_gone(f"{host}:{os.getpid()}@1")
    assert is_surely_gone(f"{host}:{os.getpid()}@1~{table}")


def test_a_clock_that_is_set_makes_no_live_process_look_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Linux counts a process's start from the boot, and adds what its clock says of that."""
    me = this_process()
    boot_time, create_time = psutil.boot_time, psutil.Process.create_time
    monkeypatch.setattr(psutil, "boot_time", lambda: boot_time() + 3600)
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: create_time(process) + 3600)

    assert not is_surely_gone(me)


@pytest.mark.parametrize("holder", ["elsewhere:1", "", "engine", "elsewhere:999999999@5"])
def test_of_other_machines_only_a_heartbeat_tells(holder: str) -> None:
    assert not is_surely_gone(holder)


def test_of_other_boots_and_containers_of_this_machine_only_a_heartbeat_tells() -> None:
    host = this_process().partition(":")[0]

    assert not is_surely_gone(f"{host}:999999999@5~00000000")
