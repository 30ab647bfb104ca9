"""Taking a run up that others have gone on writing about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from flows.take_up import Request, catch_up, take_up
from secondsite.errors import RefusedError
from secondsite.graph import Operation, compile_graph
from secondsite.plan.loader import find_plan, load_estate, load_plan
from secondsite.plan.model import Direction
from secondsite.run.events import RunAttached, RunCreated, RunEnded, StepIntent, StepOutcome
from secondsite.run.journal import Journal
from secondsite.run.model_note import model_note
from secondsite.run.planned import planned_steps
from secondsite.run.states import StepState
from tasks.options import RunOptions

PLANS = Path(__file__).parents[2] / "plans"
FLOW_RUN = UUID("01234567-0000-7000-8000-0000000000ff")
RUN = "payroll-planned-20261124-010203-01234567"
NOW = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
FIRST, SECOND = "engine:1", "engine:2"
REQUEST = Request(plan="payroll", operation=Operation.PLANNED, options=RunOptions())
RESUME = Request(plan="payroll", operation=Operation.PLANNED, options=RunOptions(), resume=RUN)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with a run that its first engine carries, and that has begun its preflight."""
    estate = load_estate(PLANS)
    plan = load_plan(find_plan("payroll", folder=PLANS), estate)
    graph = compile_graph(plan, operation=Operation.PLANNED, direction=Direction.FORWARD)
    created = RunCreated(
        at=NOW,
        run_id=RUN,
        plan="payroll",
        plan_digest="sha256:1234",
        operation="planned",
        direction="forward",
        steps=planned_steps(graph, source_site="tokyo", target_site="osaka"),
        parameters=RunOptions().model_dump(mode="json"),
    )
    with Journal.open(f"sqlite:///{tmp_path}/journal.db") as opened:
        claim(opened, FIRST)
        opened.append(
            RUN,
            created,
            model_note(plan, estate, at=NOW),
            RunAttached(at=NOW, holder=FIRST),
            StepIntent(at=NOW, step="preflight"),
            holder=FIRST,
        )
        yield opened


def claim(journal: Journal, holder: str) -> None:
    journal.claim(RUN, plan="payroll", vms=["pay01", "pay02"], holder=holder)


def test_what_was_written_until_the_run_was_ours_is_known_and_not_done_again(
    journal: Journal,
) -> None:
    taken = take_up(REQUEST, journal, flow_run=FLOW_RUN)
    done = StepOutcome(at=NOW, step="preflight", state="done")
    [entry] = journal.append(RUN, done, holder=FIRST)
    journal.detach(RUN, holder=FIRST)
    claim(journal, SECOND)

    ours = catch_up(REQUEST, taken, journal)

    assert ours.replay.record().by_id["preflight"].state is StepState.DONE
    assert "preflight" not in ours.replay.scheduler.ready()
    assert ours.last_seq == entry.run_seq


@pytest.mark.parametrize("request_", [REQUEST, RESUME], ids=["by Prefect", "by its id"])
def test_a_run_that_was_ended_until_it_was_ours_is_let_go(
    journal: Journal, request_: Request
) -> None:
    taken = take_up(request_, journal, flow_run=FLOW_RUN)
    journal.append(RUN, RunEnded(at=NOW, state="aborted", summary="Ended by the undo."))
    claim(journal, SECOND)

    with pytest.raises(RefusedError, match=f"{RUN} was ended: Ended by the undo") as caught:
        catch_up(request_, taken, journal)

    assert "Nothing was touched" in caught.value.next_step
    assert journal.lease(RUN) is None
    claim(journal, "another run's engine")


def test_a_run_that_is_over_is_not_resumed_by_its_id(journal: Journal) -> None:
    journal.append(RUN, RunEnded(at=NOW, state="failed", summary="It failed."))

    with pytest.raises(RefusedError, match=f"{RUN} is over: It failed"):
        take_up(RESUME, journal, flow_run=FLOW_RUN)

    # Prefect's own retry of a failed flow run lets it go on.
    assert take_up(REQUEST, journal, flow_run=FLOW_RUN).run_id == RUN


def test_a_run_of_another_plan_or_operation_is_not_resumed(journal: Journal) -> None:
    other = Request(plan="payroll", operation=Operation.UNDO, options=RunOptions(), resume=RUN)

    with pytest.raises(RefusedError, match=f"{RUN} is a planned of payroll"):
        take_up(other, journal, flow_run=FLOW_RUN)
