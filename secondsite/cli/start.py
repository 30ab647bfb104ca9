"""Starting a flow run of a deployment, and following it in the journal until it is over."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from secondsite.cli.services import api_url, services, use_prefect
from secondsite.errors import RefusedError, RunLeftError, UnreachableError, UsageError
from secondsite.home import journal_url
from secondsite.run.attention import CANCELLED, noted_since_engine
from secondsite.run.following import Following
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

__all__ = ["FlowRun", "follow", "open_journal", "page_of", "requested_by", "start"]

_POLL_S = 0.3
_MOST_OF_TIME = 0.2
"""The part of the time that showing a run may take: the run's engine needs the processor too."""
_ASK_SERVER_EVERY_S = 2.0
_WORKER_LIMIT_S = 60.0
_LEFT_LIMIT_S = 60.0
"""Without news for so long, a follower asks whether an engine is there at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun:
    """A run of a deployment, as Prefect knows it."""

    id: UUID
    url: str

    @property
    def token(self) -> str:
        """The end of the run id that this flow run gives its run."""
        return self.id.hex[:8]


def requested_by() -> str:
    """Who sits at this terminal, as far as the machine knows."""
    number = os.getuid()
    try:
        account = pwd.getpwuid(number).pw_name  # of the process: LOGNAME may say anything
    except KeyError:
        account = str(number)
    return f"{account}@{socket.gethostname()}"


def start(deployment: str, parameters: Mapping[str, Any]) -> FlowRun:
    """Ask Prefect for a run of `deployment`; gives it at once.

    Back home it is carried in the primary site, if that has a work pool of its own.

    Raises:
        UnreachableError: no server, or it does not answer.
        UsageError: there is no such deployment, it refuses the parameters, or its worker reads
            other plans.
    """
    url = api_url()
    services().check_plans()
    use_prefect(url)
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    async def create() -> UUID:
        async with get_client() as client:
            found = await _deployment(client, deployment, parameters)
            run = await client.create_flow_run_from_deployment(
                found.id, parameters=dict(parameters)
            )
            return run.id

    try:
        run_id = asyncio.run(create())
    except ObjectNotFound:
        raise UsageError(
            f"There is no deployment {deployment!r}; nothing was started.",
            next_step="Run `secondsite up`: it registers the plans of the plans folder.",
        ) from None
    except PrefectHTTPStatusError as error:
        raise UsageError(
            f"Prefect refused to start {deployment!r}: {_detail(error)}",
            next_step="Mend the parameter that it names.",
        ) from error
    return FlowRun(id=run_id, url=page_of(run_id))


async def _deployment(
    client: PrefectClient, name: str, parameters: Mapping[str, Any]
) -> DeploymentResponse:
    from prefect.exceptions import ObjectNotFound

    if parameters.get("direction") == "back":
        with suppress(ObjectNotFound):
            return await client.read_deployment_by_name(f"{name}-back")
    return await client.read_deployment_by_name(name)


def page_of(flow_run: UUID) -> str:
    """Where Prefect's UI shows that flow run.

    Raises:
        UnreachableError: no server.
    """
    return f"{api_url().removesuffix('/api')}/runs/flow-run/{flow_run}"


@contextmanager
def open_journal() -> Iterator[Journal]:
    """The journal of this machine, closed afterwards."""
    journal = Journal.open(journal_url())
    try:
        yield journal
    finally:
        journal.close()


def follow(
    flow_run: FlowRun,
    journal: Journal,
    *,
    show: Callable[[RunRecord], None],
    run_id: str | None = None,
) -> RunRecord:
    """Show the run as it goes on, until it is over, waits for people or was cancelled.

    Gives its last record.

    Args:
        flow_run: What carries it.
        journal: Where it is read.
        show: Called with every new state.
        run_id: The run, if it was there before the flow run.

    Raises:
        UnreachableError: no worker takes the run up; it stays scheduled.
        RefusedError: the flow run ended before it could begin; nothing was touched.
        RunLeftError: its engine is gone, and nobody has taken it up for a while.
    """
    following = Following(journal, run_id) if run_id else _found(flow_run, journal)
    show(following.record)
    took_s = 0.0
    known = len(following.record.attachments) if run_id else 0
    carried_at = time.monotonic()
    while _goes_on(following.record, known_engines=known):
        time.sleep(max(_POLL_S, took_s / _MOST_OF_TIME))
        began = time.monotonic()
        if following.refresh():
            show(following.record)
            carried_at = began
        elif began - carried_at > _LEFT_LIMIT_S:
            _check_carried(following.record.run_id, journal)
            carried_at = began
        took_s = time.monotonic() - began
    return following.record


def _check_carried(run_id: str, journal: Journal) -> None:
    if run_id in journal.stale_runs():
        raise RunLeftError(
            f"{run_id} was interrupted: the engine that carried it is gone. Nothing more is done.",
            next_step=f"Let it go on where it stopped: secondsite resume {run_id}",
        )


def _goes_on(record: RunRecord, *, known_engines: int) -> bool:
    """Whether there is more to come; what was before a resumption is over."""
    is_new = len(record.attachments) > known_engines
    if is_new and noted_since_engine(record, CANCELLED):
        return False
    return record.is_active and record.state != "waiting"


def _found(flow_run: FlowRun, journal: Journal) -> Following:
    """The run of that flow run, as soon as it is in the journal."""
    given_up_at = time.monotonic() + _WORKER_LIMIT_S
    ask_at = time.monotonic() + _ASK_SERVER_EVERY_S
    while True:
        run_id = journal.find(flow_run.token)
        if run_id is not None:
            return Following(journal, run_id)
        if time.monotonic() >= ask_at:
            _check_beginning(flow_run, is_late=time.monotonic() > given_up_at)
            ask_at = time.monotonic() + _ASK_SERVER_EVERY_S
        time.sleep(_POLL_S)


def _check_beginning(flow_run: FlowRun, *, is_late: bool) -> None:
    from prefect.client.orchestration import get_client

    async def state_of() -> tuple[str, str]:
        async with get_client() as client:
            state = (await client.read_flow_run(flow_run.id)).state
            return (state.type.value, state.message or "") if state else ("SCHEDULED", "")

    state, message = asyncio.run(state_of())
    if state in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}:
        raise RefusedError(
            [message or f"The flow run ended as {state.lower()} before it began."],
            next_step=f"Its log: {flow_run.url}",
        )
    if is_late and state == "SCHEDULED":
        raise UnreachableError(
            f"No worker has taken the run up within {_WORKER_LIMIT_S:g} s; it stays scheduled, "
            "and nothing was touched yet.",
            next_step="See whether the worker lives: secondsite status. Or cancel the flow run: "
            f"{flow_run.url}",
        )


def _detail(error: Exception) -> str:
    """What the server said, without the address and the advice of the HTTP library."""
    response = getattr(error, "response", None)
    try:
        detail = response.json().get("detail") if response is not None else None
    except ValueError:
        detail = None
    return str(detail or error).splitlines()[0]
