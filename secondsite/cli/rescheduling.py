"""Making Prefect start a run's flow again: after a decision, after a crash."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from secondsite.cli.services import api_url, use_prefect
from secondsite.cli.start import FlowRun, open_journal, page_of, requested_by, start
from secondsite.errors import UnreachableError
from secondsite.run.following import Following
from secondsite.run.record import RunRecord

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas import State

__all__ = ["is_suspended", "reschedule"]

_POLL_S = 0.5
_WORKER_TELLS_WITHIN_S = 15.0
_TELLS_AGAIN_WITHIN_S = 4.0
_TAKEN_UP_WITHIN_S = 20.0
_ENGINE_STARTS_WITHIN_S = 10.0

_FLOWS = {
    "test": "test-failover",
    "cleanup": "clean-up",
    "planned": "planned-failover",
    "unplanned": "unplanned-failover",
    "rehearse": "rehearse",
}


def reschedule(record: RunRecord) -> FlowRun:
    """The run's flow run, scheduled again; a new one where Prefect does not know it any more.

    Raises:
        UnreachableError: Prefect's server does not answer; the journal is as it was.
    """
    use_prefect(api_url())
    known = _flow_run(record)
    if known is not None and _asked(_again(known, record)):
        return FlowRun(id=known, url=page_of(known))
    deployment = f"{_FLOWS.get(record.kind, record.kind)}/{record.plan}"
    parameters = {"resume": record.run_id, "requested_by": requested_by()}
    if record.direction == "back" and record.kind != "cleanup":
        parameters["direction"] = record.direction
    return start(deployment, parameters)


def is_suspended(record: RunRecord) -> bool:
    """Whether Prefect shows the run's flow run as suspended."""
    use_prefect(api_url())
    known = _flow_run(record)
    return known is not None and _asked(_is_paused(known))


def _asked(question: Coroutine[None, None, bool]) -> bool:
    """What Prefect's server answers.

    Raises:
        UnreachableError: nothing, or it did not understand.
    """
    from httpx import HTTPError
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        return asyncio.run(question)
    except (HTTPError, PrefectHTTPStatusError) as error:
        raise UnreachableError(
            f"Prefect's server has stopped answering in the middle of a request: {error}",
            next_step="See `secondsite status`, start it with `secondsite up`, then try again.",
        ) from error


def _flow_run(record: RunRecord) -> UUID | None:
    carried = [each.flow_run for each in record.attachments if each.flow_run]
    return UUID(carried[-1]) if carried else None


async def _again(flow_run: UUID, record: RunRecord) -> bool:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.states import AwaitingRetry

    async with get_client() as client:
        try:
            has_died = not await _has_left_by_itself(client, flow_run)
            await client.set_flow_run_state(flow_run, AwaitingRetry(), force=True)
            if has_died:
                await _insist(client, flow_run, record)
        except ObjectNotFound:
            return False
    return True


async def _has_left_by_itself(client: PrefectClient, flow_run: UUID) -> bool:
    """Whether its process has ended as it should; otherwise waits for the word of its death.

    Prefect's worker tells of a death twice, the second time when it has looked for the flow's
    hooks (seen with Prefect 3.8: the runner, then the worker). It would overwrite what is set
    before. A worker that has died as well never tells.
    """
    has_left = True
    given_up_at = time.monotonic() + _WORKER_TELLS_WITHIN_S
    while time.monotonic() < given_up_at:
        state = (await client.read_flow_run(flow_run)).state
        if state is None or state.is_scheduled() or state.is_paused():
            break
        has_left = False
        is_fresh_crash = state.is_crashed() and _age_s(state) < _TELLS_AGAIN_WITHIN_S
        if not (state.is_running() or state.is_pending() or is_fresh_crash):
            break
        await asyncio.sleep(_POLL_S)
    return has_left


async def _insist(client: PrefectClient, flow_run: UUID, record: RunRecord) -> None:
    """Schedule it again if a late word of the old death has overwritten that.

    Until an engine has the run, or for a while: where no worker is, it stays scheduled.
    """
    from prefect.states import AwaitingRetry

    given_up_at = time.monotonic() + _TAKEN_UP_WITHIN_S
    submitted_at = -_ENGINE_STARTS_WITHIN_S
    with open_journal() as journal:
        following = Following(journal, record.run_id)
        while time.monotonic() < given_up_at:
            following.refresh()
            if len(following.record.attachments) > len(record.attachments):
                return
            state = (await client.read_flow_run(flow_run)).state
            if state is not None and (state.is_pending() or state.is_running()):
                submitted_at = time.monotonic()
            is_starting = time.monotonic() - submitted_at < _ENGINE_STARTS_WITHIN_S
            if state is not None and state.is_crashed() and not is_starting:
                await client.set_flow_run_state(flow_run, AwaitingRetry(), force=True)
            await asyncio.sleep(_POLL_S)


def _age_s(state: State[Any]) -> float:
    at = state.timestamp
    return (datetime.now(UTC) - at).total_seconds() if at else _TELLS_AGAIN_WITHIN_S


async def _is_paused(flow_run: UUID) -> bool:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    async with get_client() as client:
        try:
            state = (await client.read_flow_run(flow_run)).state
        except ObjectNotFound:
            return False
    return state is not None and state.is_paused()
