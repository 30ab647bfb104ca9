"""A plan's standing as an artifact in Prefect: one a plan, always the newest."""

from __future__ import annotations

import asyncio

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.exceptions import PrefectHTTPStatusError

from secondsite.reports.standing_words import standing_markdown
from secondsite.run.proof import Proof

__all__ = ["show_standing"]

_LIMIT_S = 10.0


async def show_standing(plan: str, proof: Proof) -> None:
    """Show it, if Prefect's server answers; nothing waits for it long.

    It belongs to the plan and to no run: the page of a run shows the run's own artifact alone.
    """
    key = "standing-" + "".join(each if each.isalnum() else "-" for each in plan.lower())
    artifact = ArtifactCreate(
        key=key,
        type="markdown",
        description=f"Standing of {plan}: {proof.state}",
        data=standing_markdown(plan, proof),
    )
    try:
        async with asyncio.timeout(_LIMIT_S), get_client() as client:
            await client.create_artifact(artifact)
    except (HTTPError, PrefectHTTPStatusError, TimeoutError):
        return
