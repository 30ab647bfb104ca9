"""The heartbeat of the process that carries a run: without one the run is shown as interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from secondsite.errors import JournalError, RunConflictError
from secondsite.run.journal import Journal

__all__ = ["beat", "beside"]

_EVERY_S = 5.0


async def beat(journal: Journal, run_id: str, *, holder: str, lost: Callable[[], None]) -> None:
    """Show that `holder` lives, until cancelled or the run is not its own any more.

    Raises nothing. A journal that is away for a moment is tried again; for longer, the walk's own
    writing tells of it. Whoever has the run no more writes nothing either: that it was taken up
    elsewhere is told there, and that it has just come to its end is no error at all.

    Args:
        journal: Of the run.
        run_id: The run.
        holder: This process.
        lost: Called when it does not carry the run any more: nothing new must start.
    """
    while True:
        try:
            await asyncio.to_thread(journal.beat, run_id, holder=holder)
        except RunConflictError:
            lost()
            return
        except JournalError:
            pass
        await asyncio.sleep(_EVERY_S)


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let `work` go on beside the block, and end with it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
