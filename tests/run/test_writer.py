from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Engine, create_engine, event

from secondsite.errors import JournalError, RunConflictError
from secondsite.run.events import Noted
from secondsite.run.journal import Journal
from secondsite.run.writer import JournalWriter
from tests.run.story import BEGIN, created

RUN = "shop-test-1-aaaa"
ME = "engine:1"


@pytest.fixture
def journal(sqlite_url: str) -> Journal:
    journal = Journal.open(sqlite_url)
    journal.append(RUN, created(RUN))
    journal.claim(RUN, plan="shop", vms=["sql01"], holder=ME)
    return journal


def note(number: int) -> Noted:
    return Noted(at=BEGIN, text=str(number))


def texts(journal: Journal) -> list[str]:
    return [entry.event.text for entry in journal.read(RUN) if isinstance(entry.event, Noted)]


def test_an_event_is_durable_when_append_returns(journal: Journal, sqlite_url: str) -> None:
    async def scenario() -> list[str]:
        async with JournalWriter(journal, RUN, holder=ME) as writer:
            await writer.append(note(1))
            with Journal.open(sqlite_url) as other:
                return texts(other)

    assert asyncio.run(scenario()) == ["1"]
    journal.close()


def test_concurrent_appends_share_transactions_and_keep_their_order(journal: Journal) -> None:
    commits: list[object] = []

    def count(*_arguments: object) -> None:
        commits.append(None)

    async def scenario() -> None:
        async with JournalWriter(journal, RUN, holder=ME) as writer, asyncio.TaskGroup() as group:
            for number in range(300):
                group.create_task(writer.append(note(number)))

    event.listen(Engine, "commit", count)
    try:
        asyncio.run(scenario())
    finally:
        event.remove(Engine, "commit", count)

    assert texts(journal) == [str(number) for number in range(300)]
    assert len(commits) <= 5
    assert journal.verify(RUN).is_whole
    journal.close()


def test_a_cancelled_caller_takes_nothing_back(journal: Journal) -> None:
    async def scenario() -> None:
        async with JournalWriter(journal, RUN, holder=ME) as writer:
            waiting = asyncio.create_task(writer.append(note(1)))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await writer.append(note(2))

    asyncio.run(scenario())

    assert texts(journal) == ["1", "2"]
    journal.close()


def test_after_a_failure_nothing_more_is_written(journal: Journal) -> None:
    other = "shop-test-2-bbbb"

    async def scenario() -> list[BaseException | None]:
        async with JournalWriter(journal, other, holder=ME) as writer:
            first = await asyncio.gather(
                writer.append(note(1)), writer.append(note(2)), return_exceptions=True
            )
            journal.append(other, created(other))
            later = await asyncio.gather(writer.append(note(3)), return_exceptions=True)
        return [*first, *later]

    outcomes = asyncio.run(scenario())

    assert [type(outcome) for outcome in outcomes] == [JournalError] * 3
    assert len(journal.read(other)) == 1
    journal.close()


def test_the_writer_does_not_hold_up_the_event_loop(journal: Journal, sqlite_url: str) -> None:
    async def scenario() -> int:
        ticks = 0
        blocker = create_engine(sqlite_url)
        with blocker.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            async with JournalWriter(journal, RUN, holder=ME) as writer:
                waiting = asyncio.create_task(writer.append(note(1)))
                for _ in range(5):
                    await asyncio.sleep(0.005)
                    ticks += not waiting.done()
                connection.rollback()
                await waiting
        blocker.dispose()
        return ticks

    assert asyncio.run(scenario()) == 5
    assert texts(journal) == ["1"]
    journal.close()


def test_an_engine_that_was_replaced_writes_nothing_more(journal: Journal) -> None:
    async def scenario() -> list[BaseException | None]:
        async with JournalWriter(journal, RUN, holder=ME) as writer:
            await writer.append(note(1))
            journal.detach(RUN, holder=ME)
            journal.claim(RUN, plan="shop", vms=["sql01"], holder="engine:2")
            later = await asyncio.gather(
                writer.append(note(2)), writer.append(note(3)), return_exceptions=True
            )
        return [*later]

    outcomes = asyncio.run(scenario())

    assert [type(outcome) for outcome in outcomes] == [RunConflictError] * 2
    assert f"{RUN} is no longer carried by {ME}" in str(outcomes[0])
    assert texts(journal) == ["1"]
    journal.close()
