from __future__ import annotations

import pytest

from secondsite.errors import IllegalTransitionError
from secondsite.run.events import PlannedStep
from secondsite.run.scheduler import Scheduler
from secondsite.run.states import Event, StepState


def step(name: str, *waits_for: str, **rest: object) -> PlannedStep:
    action = "barrier" if name.endswith(("begin", "end")) else "start"
    return PlannedStep(
        **{"id": name, "action": action, "waits_for": waits_for, **rest}  # type: ignore[arg-type]
    )


def succeed(scheduler: Scheduler, *names: str) -> None:
    for name in names:
        scheduler.apply(name, Event.START)
        scheduler.apply(name, Event.SUCCEED)


def fail(scheduler: Scheduler, name: str) -> None:
    scheduler.apply(name, Event.START)
    scheduler.apply(name, Event.FAIL)


DIAMOND = (step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))


def test_only_what_waits_for_nothing_may_start_first() -> None:
    assert Scheduler(DIAMOND, operation="test").ready() == ("a",)


def test_a_step_becomes_ready_when_the_last_of_its_needs_is_done() -> None:
    scheduler = Scheduler(DIAMOND, operation="test")

    succeed(scheduler, "a", "b")
    assert scheduler.ready() == ("c",)
    scheduler.apply("c", Event.START)
    consequences = scheduler.apply("c", Event.SUCCEED)

    assert consequences.ready == ("d",)
    assert scheduler.ready() == ("d",)


def test_a_step_cannot_be_started_early() -> None:
    scheduler = Scheduler(DIAMOND, operation="test")

    with pytest.raises(IllegalTransitionError, match="d waits for b, c"):
        scheduler.apply("d", Event.START)

    assert scheduler.states["d"] is StepState.PENDING


def test_barriers_are_passed_by_themselves() -> None:
    steps = (step("a"), step("x/end", "a"), step("y/begin", "x/end"), step("b", "y/begin"))
    scheduler = Scheduler(steps, operation="test")

    scheduler.apply("a", Event.START)
    consequences = scheduler.apply("a", Event.SUCCEED)

    assert consequences.passed == ("x/end", "y/begin")
    assert scheduler.states["y/begin"] is StepState.DONE
    assert scheduler.ready() == ("b",)


def test_a_graph_may_begin_with_a_barrier() -> None:
    scheduler = Scheduler((step("begin"), step("a", "begin")), operation="test")

    assert scheduler.ready() == ("a",)


def test_in_a_test_independent_branches_go_on_after_a_failure() -> None:
    scheduler = Scheduler(DIAMOND, operation="test")

    succeed(scheduler, "a")
    scheduler.apply("b", Event.START)
    consequences = scheduler.apply("b", Event.FAIL)

    assert consequences.stuck == ("d",)
    assert scheduler.ready() == ("c",)
    assert scheduler.causes()["d"] == {"b", "c"}


def test_in_a_planned_failover_nothing_new_starts_after_a_failure() -> None:
    scheduler = Scheduler((*DIAMOND, step("e", "c")), operation="planned")

    succeed(scheduler, "a")
    scheduler.apply("c", Event.START)
    fail(scheduler, "b")
    assert scheduler.verdict() == "running"
    scheduler.apply("c", Event.SUCCEED)

    assert scheduler.ready() == (), "e needs only c, but a planned failover stops where it stands"
    assert scheduler.verdict() == "failed"
    scheduler.apply("b", Event.RETRY)
    assert scheduler.ready() == ("b", "e")


def test_a_hook_with_on_error_stop_stops_every_kind() -> None:
    steps = (step("a", on_failure="stop"), step("b"), step("c", "b"))
    scheduler = Scheduler(steps, operation="unplanned")

    fail(scheduler, "a")

    assert scheduler.ready() == ()
    assert scheduler.is_halted


def test_a_hook_with_on_error_continue_counts_as_done() -> None:
    scheduler = Scheduler((step("a", on_failure="continue"), step("b", "a")), operation="planned")

    fail(scheduler, "a")
    assert scheduler.ready() == ("b",)
    succeed(scheduler, "b")

    assert scheduler.verdict() == "done"
    assert scheduler.states["a"] is StepState.FAILED
    with pytest.raises(IllegalTransitionError, match="went on"):
        scheduler.apply("a", Event.RETRY)


TOLERANT = (
    step("sql01"),
    step("sql02", "sql01"),
    step("mq01"),
    step("db/end", "sql02", "mq01", tolerates=("sql02", "mq01")),
    step("web", "db/end"),
)


def test_an_unplanned_failover_goes_on_past_a_failed_vm_and_holds_its_dependants() -> None:
    scheduler = Scheduler(TOLERANT, operation="unplanned")

    fail(scheduler, "sql01")
    assert scheduler.is_stuck("sql02")
    assert "db/end" not in scheduler.causes()["web"]
    assert scheduler.ready() == ("mq01",)
    succeed(scheduler, "mq01")

    assert scheduler.states["db/end"] is StepState.DONE
    assert scheduler.ready() == ("web",)
    succeed(scheduler, "web")
    assert scheduler.verdict() == "failed"


def test_what_is_tolerated_is_still_waited_for_while_it_can_move() -> None:
    steps = (
        step("sql01"),
        step("mq01"),
        step("sql02", "sql01", "mq01"),
        step("cleanup/begin", "sql02", tolerates=("sql02",)),
        step("clean", "cleanup/begin"),
    )
    scheduler = Scheduler(steps, operation="test")

    scheduler.apply("mq01", Event.START)
    fail(scheduler, "sql01")
    assert scheduler.is_stuck("sql02")
    assert scheduler.ready() == (), "mq01 is still running: too early to clean up"
    scheduler.apply("mq01", Event.SUCCEED)

    assert scheduler.ready() == ("clean",)


def test_retry_frees_what_was_stuck() -> None:
    scheduler = Scheduler(TOLERANT, operation="unplanned")

    fail(scheduler, "sql01")
    scheduler.apply("sql01", Event.RETRY)
    assert scheduler.stuck == ()
    succeed(scheduler, "sql01")

    assert scheduler.ready() == ("sql02", "mq01")


@pytest.mark.parametrize("event", [Event.SKIP, Event.MARK_DONE])
def test_a_decision_lets_the_dependants_run(event: Event) -> None:
    scheduler = Scheduler(DIAMOND, operation="planned")

    fail(scheduler, "a")
    scheduler.apply("a", event)

    assert scheduler.ready() == ("b", "c")


def test_a_stuck_step_may_be_marked_done_by_hand() -> None:
    scheduler = Scheduler(TOLERANT, operation="unplanned")

    fail(scheduler, "sql01")
    scheduler.apply("sql02", Event.MARK_DONE)
    assert scheduler.states["db/end"] is StepState.PENDING
    succeed(scheduler, "mq01")

    assert scheduler.ready() == ("web",)


def test_an_interrupted_step_may_start_again() -> None:
    scheduler = Scheduler(DIAMOND, operation="test")

    scheduler.apply("a", Event.START)
    consequences = scheduler.apply("a", Event.INTERRUPT)

    assert consequences.ready == ("a",)
    assert scheduler.ready() == ("a",)


def test_a_held_run_starts_nothing() -> None:
    scheduler = Scheduler(DIAMOND, operation="test")

    scheduler.is_held = True

    assert scheduler.ready() == ()
    assert scheduler.verdict() == "waiting"


def test_abort_ends_everything_that_has_not_started() -> None:
    scheduler = Scheduler(DIAMOND, operation="test")
    succeed(scheduler, "a")
    scheduler.apply("b", Event.START)

    assert scheduler.abort() == ("c", "d")

    assert scheduler.verdict() == "running"
    scheduler.apply("b", Event.SUCCEED)
    assert scheduler.verdict() == "aborted"
    assert scheduler.ready() == ()
    assert scheduler.is_finished


def test_a_waiting_gate_makes_the_run_wait_only_when_nothing_else_goes_on() -> None:
    steps = (step("gate"), step("b", "gate"), step("c"))
    scheduler = Scheduler(steps, operation="test")

    scheduler.apply("gate", Event.ASK)
    assert scheduler.verdict() == "running"
    succeed(scheduler, "c")

    assert scheduler.verdict() == "waiting"
    assert scheduler.causes()["b"] == {"gate"}


def test_states_from_a_journal_are_taken_over() -> None:
    states = {"a": StepState.DONE, "b": StepState.FAILED}

    scheduler = Scheduler(DIAMOND, operation="test", states=states)

    assert scheduler.ready() == ("c",)
    assert scheduler.stuck == ("d",)


def test_done_means_every_step_is_satisfied() -> None:
    scheduler = Scheduler(DIAMOND, operation="test")

    succeed(scheduler, "a", "b", "c", "d")

    assert scheduler.verdict() == "done"
    assert scheduler.is_finished
