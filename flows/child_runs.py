"""Runs that another flow starts: flow runs of their own, carried by whichever worker takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from secondsite.errors import UnreachableError, UsageError

__all__ = ["ended_before_it_began", "start_child"]

_OVER = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


async def start_child(deployment: str, parameters: Mapping[str, Any], *, key: str) -> UUID:
    """Start a run of `deployment`, once for `key`: asked again, it gives the same flow run.

    Raises:
        UnreachableError: Prefect's server does not answer; asking again does no harm.
        UsageError: there is no such deployment, or it refuses the parameters.
    """
    try:
        async with get_client() as client:
            found = await client.read_deployment_by_name(deployment)
            run = await client.create_flow_run_from_deployment(
                found.id, parameters=dict(parameters), idempotency_key=key
            )
    except ObjectNotFound as error:
        raise UsageError(
            f"There is no deployment {deployment!r}; nothing was started.",
            next_step="Register the plans: secondsite up",
        ) from error
    except PrefectHTTPStatusError as error:
        raise UsageError(
            f"Prefect refused to start {deployment!r}: {str(error).splitlines()[0]}",
            next_step="Mend the parameter that it names.",
        ) from error
    except HTTPError as error:
        raise UnreachableError(
            f"Prefect's server did not take the start of {deployment!r}: {error}",
            next_step="See: secondsite status",
        ) from error
    return run.id


async def ended_before_it_began(flow_run: UUID) -> str:
    """Why a flow run is over of which the journal knows nothing; empty if it is not over."""
    try:
        async with get_client() as client:
            state = (await client.read_flow_run(flow_run)).state
    except ObjectNotFound:
        return "Prefect does not know its flow run any more."
    except (HTTPError, PrefectHTTPStatusError):
        return ""
    if state is None or state.type.value not in _OVER:
        return ""
    return state.message or f"Its flow run ended as {state.type.value.lower()}."
