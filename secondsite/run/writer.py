"""Appending to the journal from asyncio: many steps at once share one transaction.

A commit costs a wait for the disk. While one is under way, what arrives is collected and goes into
the next one together, so hundreds of steps that end at once cost a few commits.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self

from secondsite.errors import JournalError, RunConflictError
from secondsite.run.events import JournalEvent
from secondsite.run.journal import Journal

__all__ = ["JournalWriter"]

_Failure = JournalError | RunConflictError


class JournalWriter:
    """Writes the events of one run, in the order of the calls."""

    def __init__(self, journal: Journal, run_id: str, *, holder: str) -> None:
        """Needs a running event loop only once it is used.

        Args:
            journal: Where to write.
            run_id: The run.
            holder: This process: as soon as it does not carry the run, nothing is written.
        """
        self._journal = journal
        self._run_id = run_id
        self._holder = holder
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._pending: list[tuple[tuple[JournalEvent, ...], asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._failure: _Failure | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def append(self, *events: JournalEvent) -> None:
        """Append events; returns when they are durable. Cancelling the caller does not undo it.

        Raises:
            JournalError: they were not written, and nothing after them will be: what is not in
                the journal must not be acted on.
            RunConflictError: the same, because another process carries the run by now.
        """
        if self._failure is not None:
            raise self._failure
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((events, written))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush(), name="journal writer")
        await written

    async def close(self) -> None:
        """Wait for what is under way, then end the writer's thread."""
        if self._flushing is not None:
            await asyncio.shield(self._flushing)
        self._executor.shutdown(wait=True)

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._pending:
            batch, self._pending = self._pending, []
            if self._failure is not None:
                self._answer(batch, self._failure)
                continue
            events = [event for group, _ in batch for event in group]
            write = partial(self._journal.append, self._run_id, *events, holder=self._holder)
            try:
                await loop.run_in_executor(self._executor, write)
            except (JournalError, RunConflictError) as error:
                self._failure = error
                self._answer(batch, error)
            except BaseException as error:
                self._failure = JournalError(f"The journal could not be written: {error}")
                self._answer(batch, self._failure)
                raise
            else:
                self._answer(batch, None)

    def _answer(
        self,
        batch: list[tuple[tuple[JournalEvent, ...], asyncio.Future[None]]],
        error: _Failure | None,
    ) -> None:
        for _, written in batch:
            if written.done():
                continue
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)
                written.exception()  # a caller that was cancelled never looks at it
