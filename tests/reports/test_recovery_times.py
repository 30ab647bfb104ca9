"""Recovery times from the decision on, people told apart; what to speed up first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from secondsite.graph import Operation, compile_graph
from secondsite.plan.model import Plan
from secondsite.reports.objectives import measure_objectives
from secondsite.reports.prediction import predict
from secondsite.reports.recovery_times import recovery_times
from secondsite.run.events import (
    Asked,
    Decided,
    Decision,
    InventoryTaken,
    JournalEvent,
    PlannedStep,
    RunAttached,
    StepIntent,
    StepOutcome,
    VmFact,
)
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from tests.run.story import BEGIN, created

STEPS = (
    PlannedStep(id="gate", action="gate", title="Go"),
    PlannedStep(id="a/dc01/start", action="start", group="a", vm="dc01", waits_for=("gate",)),
    PlannedStep(
        id="a/dc01/verify", action="verify", group="a", vm="dc01", waits_for=("a/dc01/start",)
    ),
    PlannedStep(
        id="b/sql01/start", action="start", group="b", vm="sql01", waits_for=("a/dc01/verify",)
    ),
    PlannedStep(
        id="b/sql01/verify", action="verify", group="b", vm="sql01", waits_for=("b/sql01/start",)
    ),
)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def run(*, sql01: bool = True) -> RunRecord:
    """Asked at 10 s, answered at 70 s; dc01 in service at 100 s, sql01 at 160 s."""
    events: list[JournalEvent] = [
        created(steps=STEPS),
        RunAttached(at=at(0), holder="e"),
        InventoryTaken(
            at=at(1),
            vms=(
                VmFact(name="dc01", id="1", recovery_point_at=at(-60)),
                VmFact(name="sql01", id="2", recovery_point_at=at(-300)),
            ),
        ),
        Asked(at=at(10), step="gate", title="Go"),
        Decided(at=at(70), step="gate", decision=Decision.APPROVE, by="tanaka"),
    ]
    moments = [("a/dc01/start", 70, 80), ("a/dc01/verify", 80, 100), ("b/sql01/start", 100, 120)]
    moments += [("b/sql01/verify", 120, 160)] if sql01 else []
    for step, begin, end in moments:
        events += [
            StepIntent(at=at(begin), step=step),
            StepOutcome(at=at(end), step=step, state="done"),
        ]
    return replay(events)


def test_each_vm_group_and_the_plan_is_measured_from_the_decision_with_people_told_apart() -> None:
    times = recovery_times(run())

    assert times["vms"] == [
        {"name": "dc01", "rto_s": 100.0, "people_s": 60.0, "rpo_s": 60.0},
        {"name": "sql01", "rto_s": 160.0, "people_s": 60.0, "rpo_s": 300.0},
    ]
    assert [group["rto_s"] for group in times["groups"]] == [100.0, 160.0]
    assert times["plan"] == {"name": "shop", "rto_s": 160.0, "people_s": 60.0, "rpo_s": 300.0}


def test_what_is_not_in_service_has_no_time() -> None:
    times = recovery_times(run(sql01=False))

    assert [vm["rto_s"] for vm in times["vms"]] == [100.0, None]
    assert times["plan"]["rto_s"] is None


GRAPH = compile_graph(
    Plan.model_validate(
        {
            "name": "shop",
            "protection": "x",
            "groups": [{"name": "db", "vms": ["sql01", "sql02"]}],
        }
    ),
    operation=Operation.TEST,
)


def test_what_was_called_off_has_recovered_nothing() -> None:
    called_off = replace(run(), kind="cancel")

    times = recovery_times(called_off)

    assert times["plan"]["rto_s"] is None
    assert times["vms"] == []
    measured = measure_objectives(called_off, now=at(200))
    assert (measured["rto_met"], measured["rpo_met"]) == (None, None)


def test_what_to_speed_up_first_is_what_the_run_would_end_sooner_without() -> None:
    durations_s = {
        "preflight": 5.0,
        "db/sql01/ready": 100.0,
        "db/sql02/ready": 98.0,
        "db/sql01/failover": 10.0,
        "db/sql02/failover": 2.0,
    }

    expected = predict(GRAPH, durations_s, kind="test", runs=["r1"], lengths_s=[110.0, 130.0])

    assert expected is not None
    assert expected["length_s"] == pytest.approx(115.0)
    assert (expected["low_s"], expected["high_s"]) == (110.0, 130.0)
    # sql01 takes longest to be ready, but without it sql02 would be waited for almost as long.
    assert expected["speed_up"] == [
        {"step": "db/sql01/failover", "takes_s": 10.0, "gain_s": 8.0},
        {"step": "preflight", "takes_s": 5.0, "gain_s": 5.0},
        {"step": "db/sql01/ready", "takes_s": 100.0, "gain_s": 2.0},
    ]


def test_without_a_past_nothing_is_predicted() -> None:
    assert predict(GRAPH, {}, kind="test", runs=[]) is None
