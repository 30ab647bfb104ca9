"""What verifies a plan, and what makes it stale or failing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

import pytest

from secondsite.run.check_events import CHECK_STEPS, check_events
from secondsite.run.events import (
    Decided,
    Decision,
    ErrorFact,
    InventoryTaken,
    JournalEvent,
    PlannedStep,
    RunAttached,
    RunEnded,
    StepIntent,
    StepOutcome,
    VmFact,
)
from secondsite.run.finding import Finding, Severity
from secondsite.run.proof import Proof, ProofState, prove
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from tests.run.story import BEGIN, created

PRINT = {"plan": "aaa", "estate": "bbb", "script scripts/x.ps1": "ccc"}
HARDWARE = {"id": "1", "generation": 2, "memory_mib": 4096, "adapters": 1}
STEPS = (
    PlannedStep(id="db/sql01/failover", action="failover", vm="sql01"),
    PlannedStep(id="db/sql01/ready", action="ready", vm="sql01", waits_for=("db/sql01/failover",)),
)
CLEANUP = (PlannedStep(id="db/sql01/cleanup", action="cleanup", vm="sql01"),)
ENDED = Literal["done", "failed", "aborted"]


def day(number: float) -> Any:
    return BEGIN + timedelta(days=number)


def a_test(
    number: int,
    *,
    ends: ENDED | None = "done",
    fails: bool = False,
    by_hand: bool = False,
    fingerprint: Mapping[str, str] = PRINT,
    hardware: Mapping[str, Any] = HARDWARE,
    rehearsal: str = "r",
) -> RunRecord:
    """A test on that day; its VM is up at the end."""
    at = day(number)
    events: list[JournalEvent] = [
        created(
            f"shop-test-{number}",
            at=at,
            steps=STEPS,
            fingerprint=fingerprint,
            parameters={"rehearsal": rehearsal},
        ),
        RunAttached(at=at, holder="e"),
        InventoryTaken(at=at, vms=(VmFact(name="sql01", id="1", facts={"hardware": hardware}),)),
        StepIntent(at=at, step=STEPS[0].id),
        StepOutcome(at=at, step=STEPS[0].id, state="done", evidence={"test_vm_id": "t"}),
        StepIntent(at=at, step=STEPS[1].id),
    ]
    if fails or by_hand:
        error = ErrorFact(kind="not-ready", message="sql01 was not ready within 10 min.")
        events.append(StepOutcome(at=at, step=STEPS[1].id, state="failed", error=error))
        if by_hand:
            events.append(
                Decided(at=at, step=STEPS[1].id, decision=Decision.MARK_DONE, by="tanaka")
            )
    else:
        events.append(StepOutcome(at=at, step=STEPS[1].id, state="done"))
    if ends:
        events.append(RunEnded(at=at, state=ends, summary="It ended."))
    return replay(events)


def a_cleanup(number: float, *, state: Literal["done", "failed"] = "done") -> RunRecord:
    at = day(number)
    return replay(
        [
            created(f"shop-cleanup-{number}", at=at, steps=CLEANUP, operation="cleanup"),
            RunAttached(at=at, holder="e"),
            StepIntent(at=at, step=CLEANUP[0].id),
            StepOutcome(at=at, step=CLEANUP[0].id, state=state),
            RunEnded(at=at, state=state, summary="hv-osaka-1 did not answer."),
        ]
    )


def a_check(
    number: float,
    *findings: Finding,
    hardware: Mapping[str, Any] = HARDWARE,
    away: tuple[str, ...] = (),
) -> RunRecord:
    at = day(number)
    first = created(f"shop-check-{number}", at=at, steps=CHECK_STEPS, operation="check")
    return replay(
        check_events(first, findings, hardware={"sql01": hardware}, ended_at=at, away=away)
    )


def found(severity: Severity, area: str = "memory") -> Finding:
    return Finding(severity=severity, area=area, sentence="hv1 is full", remedy="free some")


def proof(
    *records: RunRecord,
    now: float = 50,
    fingerprint: Mapping[str, str] = PRINT,
    within: timedelta | None = timedelta(days=90),
) -> Proof:
    return prove("shop", records, fingerprint=fingerprint, within=within, now=day(now))


def test_a_plan_that_was_never_rehearsed_is_a_draft() -> None:
    assert proof().state is ProofState.DRAFT
    assert proof().next_step == "secondsite rehearse shop"


def test_a_test_that_came_up_and_was_cleaned_up_verifies_the_plan() -> None:
    told = proof(a_test(1), a_cleanup(1.5))

    assert told.state is ProofState.VERIFIED
    assert told.run_id == told.verified_by == "shop-test-1"
    assert told.stale_at == day(91)
    assert told.next_step == ""


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([a_test(1)], id="not cleaned up yet"),
        pytest.param([a_test(1, ends=None)], id="still running"),
        pytest.param([a_test(1, ends="aborted", rehearsal=""), a_cleanup(2)], id="broken off"),
    ],
)
def test_a_test_that_is_not_over_or_was_broken_off_proves_nothing(
    records: list[RunRecord],
) -> None:
    assert proof(*records).state is ProofState.DRAFT
    assert proof(a_test(0), a_cleanup(0.5), *records).verified_by == "shop-test-0"


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([a_test(1, ends="failed", fails=True), a_cleanup(2)], "sql01 was not ready within 10 min"),
        ([a_test(1, by_hand=True), a_cleanup(2)], "db/sql01/ready was done by hand"),
        ([a_test(1, ends="aborted"), a_cleanup(2)], "It ended."),
        ([a_test(1), a_cleanup(2, state="failed")], "its clean-up shop-cleanup-2 failed"),
    ],
)
def test_a_rehearsal_that_did_not_come_up_whole_makes_the_plan_fail(
    records: list[RunRecord], reason: str
) -> None:
    told = proof(a_test(0), a_cleanup(0.5), *records)

    assert told.state is ProofState.FAILING
    assert reason in told.reasons[0]
    assert told.verified_by == "shop-test-0"
    assert "secondsite report shop-test-1" in told.next_step


def test_the_next_success_ends_it() -> None:
    failed = a_test(1, ends="failed", fails=True)

    assert proof(failed, a_cleanup(1.5), a_test(2), a_cleanup(2.5)).state is ProofState.VERIFIED


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("plan", "the plan was changed since shop-test-1"),
        ("estate", "what the plan uses of the estate was changed since shop-test-1"),
        ("script scripts/x.ps1", "scripts/x.ps1 was changed since shop-test-1"),
    ],
)
def test_any_change_of_what_it_ran_with_makes_it_stale(part: str, words: str) -> None:
    told = proof(a_test(1), a_cleanup(1.5), fingerprint={**PRINT, part: "other"})

    assert told.state is ProofState.STALE
    assert told.reasons == (words,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"memory_mib": 8192}, "sql01 was changed (memory in MiB 4096 → 8192)"),
        ({"id": "2"}, "sql01 was replaced by another VM of that name"),
    ],
)
def test_a_check_that_sees_another_machine_makes_it_stale(
    change: Mapping[str, Any], words: str
) -> None:
    seen = a_check(3, hardware={**HARDWARE, **change})

    told = proof(a_test(1), a_cleanup(1.5), seen)

    assert told.state is ProofState.STALE
    assert told.reasons == (f"{words} since shop-test-1",)


def test_time_makes_it_stale_if_the_plan_says_how_much() -> None:
    records = (a_test(1), a_cleanup(1.5))

    assert proof(*records, now=91).state is ProofState.VERIFIED
    assert proof(*records, now=92).state is ProofState.STALE
    assert "more than 90d ago" in proof(*records, now=92).reasons[0]
    assert proof(*records, now=92, within=None).state is ProofState.VERIFIED


@pytest.mark.parametrize("severity", [Severity.BLOCKER, Severity.ERROR])
def test_a_check_that_found_something_grave_makes_it_fail_until_one_does_not(
    severity: Severity,
) -> None:
    records = (a_test(1), a_cleanup(1.5), a_check(3, found(severity)))

    assert proof(*records).state is ProofState.FAILING
    assert proof(*records).reasons == ("hv1 is full: free some",)
    assert proof(*records, a_check(4)).state is ProofState.VERIFIED
    assert proof(*records, a_test(4), a_cleanup(4.5)).state is ProofState.VERIFIED


def test_a_check_that_finds_the_vms_in_the_other_site_leaves_the_standing_as_it_was() -> None:
    verified = (a_test(1), a_cleanup(1.5))
    moved = a_check(4, found(Severity.BLOCKER), away=("sql01",))

    assert proof(*verified, moved).state is ProofState.VERIFIED
    assert proof(*verified, moved, now=92).state is ProofState.STALE
    grave = a_check(3, found(Severity.ERROR))
    assert proof(*verified, grave, moved).state is ProofState.FAILING
    back = a_check(5, found(Severity.BLOCKER))
    assert proof(*verified, moved, back).state is ProofState.FAILING


def test_warnings_and_what_is_wrong_with_the_engine_say_nothing_about_the_plan() -> None:
    harmless = (found(Severity.WARNING), found(Severity.ERROR, area="worker"))

    assert proof(a_test(1), a_cleanup(1.5), a_check(3, *harmless)).state is ProofState.VERIFIED
