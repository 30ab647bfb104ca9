"""Rehearsals on the lab, without Prefect's server: their tests are real runs of real engines."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas import State

from flows.looking import CheckRequest, current_proof, look_at_plan
from flows.rehearse import rehearse_programme
from secondsite.home import journal_url
from secondsite.plan.loader import load_estate, load_plan
from secondsite.reports.plan_words import standing_change
from secondsite.reports.proven import proven_facts
from secondsite.run.finding import Finding
from secondsite.run.history import record_of
from secondsite.run.journal import Journal
from secondsite.run.proof import Proof, ProofState
from secondsite.run.record import RunRecord
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(240)]

SUITE = "name: quarter\nplans: [payroll, personnel]\n"
PERSONNEL = """\
name: personnel
protection: tokyo-osaka
groups: [{name: all, vms: [{name: hr01, ready: [heartbeat], boot_timeout: 5s}]}]
"""
_OPERATIONS = {"test-failover": "test", "clean-up": "cleanup"}


@dataclass(kw_only=True)
class Around:
    """Carries runs as Prefect's worker would, each by an engine in a process of its own."""

    world: World
    instants: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[str], Awaitable[None]] | None = None
    is_cancelled: bool = False
    started: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    _flow_runs: dict[str, UUID] = field(default_factory=dict)
    _engines: list[asyncio.Future[Any]] = field(default_factory=list)

    async def start(self, deployment: str, parameters: Mapping[str, Any], *, key: str) -> UUID:
        if key in self._flow_runs:
            return self._flow_runs[key]
        self._flow_runs[key] = flow_run = uuid4()
        self.started.append(deployment)
        flow, _, plan = deployment.partition("/")
        options = {name: value for name, value in parameters.items() if name != "requested_by"}
        case = Case(operation=_OPERATIONS[flow], plan=plan, options=options)
        instant = self.instants.get(deployment, "")
        engine = asyncio.to_thread(self.world.start, case, flow_run=str(flow_run), instant=instant)
        self._engines.append(asyncio.ensure_future(engine))
        if self.then:
            await self.then(deployment)
        return flow_run

    async def ended_before_it_began(self, flow_run: UUID) -> str:
        return ""

    async def was_cancelled(self, flow_run: UUID) -> bool:
        return self.is_cancelled

    async def workers(self, deployment: str) -> Sequence[Finding]:
        return ()

    async def show_standing(self, plan: str, proof: Proof) -> None:
        self.shown[plan] = str(proof.state)

    async def all_over(self) -> None:
        await asyncio.gather(*self._engines)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.rehearsing._POLL_S", 0.05)
    monkeypatch.delenv("SECONDSITE_JOURNAL", raising=False)


def prepared(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The world with a second plan and a suite; gives how it is at rest."""
    monkeypatch.setenv("SECONDSITE_HOME", str(world.home))
    monkeypatch.setenv("SECONDSITE_PLANS", str(world.plans))
    (world.plans / "personnel.yaml").write_text(PERSONNEL)
    (world.plans / "suites").mkdir(exist_ok=True)
    (world.plans / "suites" / "quarter.yaml").write_text(SUITE)
    return world.state()


async def rehearsed(
    around: Around, name: str, *, flow_run: UUID | None = None, resume: str = ""
) -> State[Any]:
    state = await rehearse_programme(
        name,
        requested_by="the schedule",
        resume=resume,
        flow_run=flow_run or uuid4(),
        around=around,
    )
    await around.all_over()
    return state


def standing(world: World, name: str) -> Proof:
    estate = load_estate(world.plans)
    plan = load_plan(world.plans / f"{name}.yaml", estate)
    with closing(Journal.open(journal_url())) as journal:
        return current_proof(plan, estate, journal, folder=world.plans)


def rehearsals(world: World) -> list[RunRecord]:
    with closing(Journal.open(journal_url())) as journal:
        found = journal.runs(operations=("rehearse",))
        return [record_of(journal, each.run_id) for each in found]


def states(record: RunRecord) -> dict[str, str]:
    return {step.id: str(step.state) for step in record.steps}


async def test_a_rehearsal_verifies_its_plan_and_leaves_the_estate_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        before = prepared(world, monkeypatch)
        around = Around(world=world)

        state = await rehearsed(around, "payroll")

        (record,) = rehearsals(world)
        assert state.is_completed(), state.message
        assert states(record) == dict.fromkeys(
            ("payroll/check", "payroll/test", "payroll/clean-up"), "done"
        )
        assert record.summary == "payroll: succeeded."
        assert around.started == ["test-failover/payroll"]  # with its clean-up in the same run
        assert around.shown == {"payroll": "verified"}
        assert standing(world, "payroll").state is ProofState.VERIFIED
        assert world.state() == before
        payroll = world.plans / "payroll.yaml"
        payroll.write_text(payroll.read_text().replace("ttl: 5m", "ttl: 1m"))
        changed = standing(world, "payroll")
        assert changed.state is ProofState.STALE
        assert "the plan was changed since payroll-test-" in changed.reasons[0]


async def test_a_suite_goes_on_after_a_vm_that_fails_its_probe_and_cleans_all_of_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        before = prepared(world, monkeypatch)
        world.arm(kind="vm-never-boots", vm="hr01 - Test")
        suite = world.plans / "suites" / "quarter.yaml"
        suite.write_text("name: quarter\nplans: [personnel, payroll]\n")
        around = Around(world=world)

        state = await rehearsed(around, "quarter")

        (record,) = rehearsals(world)
        assert state.is_failed()
        assert list(states(record).items()) == [
            ("personnel/check", "done"),
            ("personnel/test", "failed"),
            ("payroll/check", "done"),
            ("payroll/test", "done"),
            ("payroll/clean-up", "done"),
            ("personnel/clean-up", "done"),
        ]
        error = record.by_id["personnel/test"].error
        assert error is not None
        assert "hr01" in error.message
        assert record.summary == "personnel: test failed. payroll: succeeded."
        assert standing(world, "personnel").state is ProofState.FAILING
        assert standing(world, "payroll").state is ProofState.VERIFIED
        with closing(Journal.open(journal_url())) as journal:
            plans = proven_facts(journal, record.run_id)["plans"]
        assert [standing_change(plan) for plan in plans] == [
            "· draft before this run, ✗ failing after it",
            "· draft before this run, ✓ verified after it",
        ]
        assert [plan["objectives"]["rto_met"] for plan in plans] == [None, True]
        assert [len(plan["recovery"]["vms"]) for plan in plans] == [1, 2]
        world.mend()
        assert world.state() == before


async def test_what_the_check_finds_keeps_the_test_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def little_memory(text: str) -> str:
        return text.replace("- name: hv-osaka-2", "- {name: hv-osaka-2, memory: 4GiB}")

    with a_world(tmp_path / "world", change_lab=little_memory) as world:
        before = prepared(world, monkeypatch)
        around = Around(world=world)

        state = await rehearsed(around, "payroll")

        (record,) = rehearsals(world)
        assert state.is_failed()
        assert states(record) == {
            "payroll/check": "failed",
            "payroll/test": "skipped",
            "payroll/clean-up": "done",
        }
        assert "hv-osaka-2 has 2048 MiB of memory free" in standing(world, "payroll").reasons[0]
        assert around.started == []
        assert world.state() == before


async def test_a_test_whose_engine_was_killed_is_cleaned_up_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        before = prepared(world, monkeypatch)
        around = Around(world=world, instants={"test-failover/payroll": "after-write:20"})

        state = await rehearsed(around, "payroll")

        (record,) = rehearsals(world)
        assert state.is_failed()
        assert states(record)["payroll/clean-up"] == "done"
        assert around.started == ["test-failover/payroll", "clean-up/payroll"]
        assert standing(world, "payroll").state is ProofState.FAILING
        assert world.state() == before


async def test_none_starts_on_top_of_an_unfinished_one_and_the_journal_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world", Case(operation="test")) as world:
        prepared(world, monkeypatch)
        around = Around(world=world)

        state = await rehearsed(around, "payroll")

        assert state.is_completed()
        assert "was not cleaned up (2 VMs are left)" in str(state.message)
        assert around.started == []
        assert rehearsals(world) == []
        with closing(Journal.open(journal_url())) as journal:
            (test,) = journal.runs(plan="payroll", operations=("test",))
            notes = [note.text for note in record_of(journal, test.run_id).notes]
        assert any("A rehearsal of payroll was due and was skipped" in note for note in notes)


@pytest.mark.parametrize(
    ("failover", "sites", "possible"),
    [
        (
            Case(operation="planned"),
            "protected, reversed",
            "secondsite run payroll --kind planned --direction back",
        ),
        (Case(operation="unplanned"), "failed over, commit pending", "secondsite undo payroll"),
    ],
)
async def test_after_a_real_failover_a_rehearsal_is_skipped_and_the_plan_does_not_fail(
    failover: Case,
    sites: str,
    possible: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with a_world(tmp_path / "world") as world:
        prepared(world, monkeypatch)
        around = Around(world=world)
        await rehearsed(around, "payroll")
        moved = world.carry_out(failover)
        there, done = world.state(), world.done()
        around.started.clear()

        alone = await rehearsed(around, "payroll")
        of_suite = await rehearsed(around, "quarter")

        assert moved.state == "COMPLETED", moved.message
        assert alone.is_completed()
        words = str(alone.message)
        assert words.startswith("Skipped: its VMs are in osaka, where a test would come up")
        assert f"({sites}); possible now: " in words
        assert possible in words
        assert words.endswith(". Nothing was started.")
        suite, *before = rehearsals(world)
        assert len(before) == 1  # the one before the failover
        assert of_suite.is_failed()  # as with anything else that was not rehearsed
        assert list(states(suite).items()) == [
            ("payroll/check", "skipped"),
            ("payroll/test", "skipped"),
            ("personnel/check", "done"),
            ("personnel/test", "done"),
            ("personnel/clean-up", "done"),
            ("payroll/clean-up", "done"),
        ]
        assert suite.summary.startswith("payroll: skipped, because its VMs are in osaka, where")
        assert suite.summary.endswith("personnel: succeeded.")
        assert around.started == ["test-failover/personnel", "clean-up/personnel"]
        assert standing(world, "payroll").state is ProofState.VERIFIED
        assert world.state() == there
        assert {key for key in world.done() - done if "pay" in key[2]} == set()
        with closing(Journal.open(journal_url())) as journal:
            (run,) = journal.runs(plan="payroll", operations=(failover.operation,))
            notes = [note.text for note in record_of(journal, run.run_id).notes]
        assert sum("was due and was skipped: its VMs are in osaka" in note for note in notes) == 2
        with closing(Journal.open(journal_url())) as journal:
            outlook = await look_at_plan(CheckRequest(plan="payroll"), journal)
        assert not outlook.is_ready
        assert outlook.proof.state is ProofState.VERIFIED


async def test_vms_that_run_in_both_sites_are_no_reason_to_skip_a_rehearsal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {"primary_side": "skip", "other_site_is_gone": "the test says so"}
    with a_world(tmp_path / "world", Case(operation="unplanned", options=gone)) as world:
        prepared(world, monkeypatch)
        around = Around(world=world)

        state = await rehearsed(around, "payroll")

        (record,) = rehearsals(world)
        assert state.is_failed()
        assert states(record)["payroll/check"] == "failed"
        assert standing(world, "payroll").state is ProofState.FAILING
        assert around.started == []


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_rehearsal_whose_process_is_told_to_end_is_taken_up_and_cleaned_up(
    is_cancelled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        before = prepared(world, monkeypatch)

        async def told_to_end(deployment: str) -> None:
            signal.raise_signal(signal.SIGTERM)

        around = Around(world=world, then=told_to_end, is_cancelled=is_cancelled)
        flow_run = uuid4()
        first = await rehearsed(around, "payroll", flow_run=flow_run)
        (left,) = rehearsals(world)
        around.then = None

        second = await rehearsed(around, "payroll", flow_run=flow_run)

        (record,) = rehearsals(world)
        assert (first.is_cancelled(), first.is_crashed()) == (is_cancelled, not is_cancelled)
        assert left.ended_at is None
        assert record.run_id == left.run_id
        assert around.started[0] == "test-failover/payroll"
        assert around.started.count("test-failover/payroll") == 1
        assert record.ended_at is not None
        assert states(record)["payroll/clean-up"] == "done"
        assert second.is_completed() or is_cancelled
        assert world.state() == before
