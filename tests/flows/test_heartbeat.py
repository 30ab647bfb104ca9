"""The heartbeat of an engine, against a real journal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from flows.heartbeat import beat
from secondsite.run.events import RunEnded
from secondsite.run.journal import Journal
from tests.run.story import BEGIN, created

RUN, ME = "shop-test-1-aaaa", "engine:1"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    with Journal.open(url) as opened:
        opened.append(RUN, created(RUN))
        opened.claim(RUN, plan="shop", vms=["sql01"], holder=ME)
        yield opened


def beaten(journal: Journal) -> list[str]:
    """What the heart says until it stops by itself."""
    said: list[str] = []

    async def scenario() -> None:
        async with asyncio.timeout(30):
            await beat(journal, RUN, holder=ME, lost=lambda: said.append("lost"))

    asyncio.run(scenario())
    return said


def test_a_run_that_has_just_ended_stops_the_heart_without_an_error(journal: Journal) -> None:
    journal.append(RUN, RunEnded(at=BEGIN, state="done"), holder=ME)

    assert beaten(journal) == ["lost"]


def test_an_engine_that_was_replaced_is_told_to_start_nothing_more(journal: Journal) -> None:
    journal.detach(RUN, holder=ME)
    journal.claim(RUN, plan="shop", vms=["sql01"], holder="engine:2")

    assert beaten(journal) == ["lost"]


def test_a_journal_that_is_away_for_a_moment_does_not_stop_the_heart(
    journal: Journal, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.heartbeat._EVERY_S", 0.005)
    before = journal.lease(RUN)
    tables = create_engine(url)

    async def scenario() -> None:
        with tables.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE journal_leases RENAME TO away")
        heart = asyncio.create_task(beat(journal, RUN, holder=ME, lost=lambda: None))
        await asyncio.sleep(0.03)
        assert not heart.done()
        with tables.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO journal_leases")
        while journal.lease(RUN) == before:
            await asyncio.sleep(0.005)
        heart.cancel()

    asyncio.run(asyncio.wait_for(scenario(), 30))
    tables.dispose()
