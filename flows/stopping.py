"""Being told to end: Prefect's *Cancel*, or the end of the machine, as a wish and not as a blow.

Prefect's worker sends SIGTERM to the flow's process and kills it 30 s later; so does a machine that
is shut down. Until then what is under way may finish, nothing new starts, and the journal is told.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from secondsite.graph import Operation
from secondsite.run.attention import CANCELLED, INTERRUPTED
from secondsite.run.events import Noted
from secondsite.run.record import RunRecord

__all__ = ["farewell", "told_to_end", "was_cancelled"]

_PREFECT_ANSWERS_WITHIN_S = 5.0
_WAY_BACK = {
    Operation.TEST: "cleanup",
    Operation.PLANNED: "undo",
    Operation.UNPLANNED: "undo",
}


@contextmanager
def told_to_end(then: Callable[[], None]) -> Iterator[None]:
    """Within the block, SIGTERM calls `then` in the event loop and does nothing else."""
    loop = asyncio.get_running_loop()
    former = signal.getsignal(signal.SIGTERM)
    is_ours = True
    try:
        loop.add_signal_handler(signal.SIGTERM, then)
    except (NotImplementedError, RuntimeError, ValueError):  # no main thread, or Windows
        is_ours = False
    try:
        yield
    finally:
        if is_ours:
            loop.remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, former)


async def was_cancelled(flow_run: UUID) -> bool:
    """Whether somebody has cancelled the flow run in Prefect; False if its server is silent."""
    try:
        async with asyncio.timeout(_PREFECT_ANSWERS_WITHIN_S), get_client() as client:
            state = (await client.read_flow_run(flow_run)).state
    except (HTTPError, ObjectNotFound, PrefectHTTPStatusError, TimeoutError):
        return False
    return state is not None and (state.is_cancelling() or state.is_cancelled())


def farewell(record: RunRecord, *, is_cancelled: bool, at: datetime) -> Noted:
    """What the journal keeps about a run that stops here, and who may take it over."""
    why = "Cancelled in Prefect's UI." if is_cancelled else "The engine's process was told to end."
    under_way = ", ".join(step.id for step in record.unsettled)
    left = (
        f"Under way, and not waited for: {under_way}; whoever takes the run up looks first."
        if under_way
        else "What was under way has finished."
    )
    way_back = _WAY_BACK.get(Operation(record.kind))
    back = f", or go back: secondsite {way_back} {record.plan}" if way_back else ""
    return Noted(
        at=at,
        text=f"{why} Nothing new was started. {left} "
        f"Go on: secondsite resume {record.run_id}{back}",
        level="warning",
        details={CANCELLED if is_cancelled else INTERRUPTED: True},
    )
