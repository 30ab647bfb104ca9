"""How long an unplanned failover waits for the site that it leaves: by a clock that jumps."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secondsite.errors import NotStartedError, SecondsiteError, WrongStateError
from secondsite.graph import Action, Operation, PrimarySide
from secondsite.plan.loader import load_estate, load_plan
from secondsite.plan.model import Direction
from tasks.connections import Sites
from tasks.context import RunContext
from tasks.options import RunOptions
from tasks.surveys import SiteSurvey, a_little_longer
from tests.tasks.virtual_time import at_once

PLANS = Path(__file__).parents[2] / "plans"
LIMIT_S = 60.0
TOKYO = ("hv-tokyo-1", "hv-tokyo-2")


@pytest.fixture
def run(tmp_path: Path) -> RunContext:
    return context(tmp_path, Operation.UNPLANNED)


def context(
    home: Path, operation: Operation, primary_side: PrimarySide = PrimarySide.ATTEMPT
) -> RunContext:
    estate = load_estate(PLANS, resolve=False)
    limits = estate.limits.model_copy(update={"source_site_timeout": timedelta(seconds=LIMIT_S)})
    estate = estate.model_copy(update={"limits": limits})
    return RunContext(
        run_id="payroll-1",
        plan=load_plan(PLANS / "payroll.yaml", estate),
        estate=estate,
        operation=operation,
        direction=Direction.FORWARD,
        options=RunOptions(primary_side=primary_side),
        steps={},
        sites=Sites(estate, home=home),
        now=lambda: datetime.now(UTC),
    )


class Site:
    """Servers that answer after so many seconds, or never; counts who was asked."""

    def __init__(self, run: RunContext, answers_after_s: float = 1e6) -> None:
        self.run = run
        self.after_s = answers_after_s
        self.asked: list[str] = []

    async def _answer(self, host: str) -> str:
        self.asked.append(host)
        await asyncio.sleep(self.after_s)
        return f"{host} answers"

    async def ask(self, host: str, phase: Action = Action.SHUTDOWN) -> str:
        try:
            return await self.run.ask_source(host, self._answer(host), phase=phase)
        except WrongStateError as error:
            return "given up" if "is given up for this run" in str(error) else str(error)


async def seconds_of(*stories: object) -> float:
    clock = asyncio.get_running_loop().time
    began = clock()
    await asyncio.gather(*stories)  # type: ignore[call-overload]
    return float(clock() - began)


def test_servers_asked_one_after_the_other_cost_the_limit_once_and_no_one_is_asked_again(
    run: RunContext,
) -> None:
    async def story() -> tuple[float, list[str]]:
        site = Site(run)

        async def one_by_one() -> None:
            for host in (*TOKYO, *TOKYO):
                assert await site.ask(host) == "given up"

        return await seconds_of(one_by_one()), site.asked

    waited_s, asked = at_once(story())

    assert waited_s == pytest.approx(LIMIT_S)
    assert asked == [TOKYO[0]], "the time of the phase was used up by the first"
    assert all(run.is_given_up(host) for host in TOKYO)


def test_servers_asked_at_once_cost_the_limit_once(run: RunContext) -> None:
    async def story() -> tuple[float, float]:
        site = Site(run)
        together_s = await seconds_of(*(site.ask(host) for host in TOKYO))
        return together_s, await seconds_of(site.ask(TOKYO[0], Action.START))

    together_s, again_s = at_once(story())

    assert together_s == pytest.approx(LIMIT_S)
    assert again_s == 0, "who did not answer once is not asked in a later phase either"


def test_a_server_that_fails_late_takes_its_time_from_the_next_one(run: RunContext) -> None:
    async def dies_after(seconds: float) -> None:
        await asyncio.sleep(seconds)
        raise NotStartedError("connection reset")

    async def late() -> None:
        with pytest.raises(WrongStateError):
            await run.ask_source(TOKYO[0], dies_after(45.0), phase=Action.SHUTDOWN)
        await Site(run).ask(TOKYO[1])

    assert at_once(seconds_of(late())) == pytest.approx(LIMIT_S)


def test_a_site_that_answers_costs_nothing_of_it_however_long_it_takes(run: RunContext) -> None:
    async def story() -> set[str]:
        site = Site(run, answers_after_s=LIMIT_S - 1)
        return {await site.ask(TOKYO[0]) for _ in range(5)}

    assert at_once(story()) == {f"{TOKYO[0]} answers"}


def test_a_planned_failover_waits_for_the_site_as_long_as_that_takes(tmp_path: Path) -> None:
    planned = context(tmp_path, Operation.PLANNED)

    assert at_once(Site(planned, answers_after_s=1000.0).ask(TOKYO[0])) == f"{TOKYO[0]} answers"


def test_an_error_that_is_an_answer_gives_nobody_up(run: RunContext) -> None:
    async def refuses() -> None:
        raise WrongStateError("the VM is locked", host=TOKYO[0])

    async def story() -> None:
        with pytest.raises(SecondsiteError, match="locked"):
            await run.ask_source(TOKYO[0], refuses(), phase=Action.SHUTDOWN)

    at_once(story())

    assert not run.is_given_up(TOKYO[0])


@pytest.mark.parametrize(
    ("other_s", "limit_s", "at_most_s"), [(0.1, 10.0, 3.1), (4.0, 30.0, 12.0), (60.0, 10.0, 70.0)]
)
def test_the_look_waits_for_the_dead_site_a_little_longer_than_for_the_other(
    other_s: float, limit_s: float, at_most_s: float
) -> None:
    async def story() -> float:
        async def look() -> SiteSurvey:
            await asyncio.sleep(other_s)
            return SiteSurvey(site="osaka")

        return await seconds_of(a_little_longer(asyncio.create_task(look()), seconds=limit_s))

    assert at_once(story()) == pytest.approx(at_most_s)
