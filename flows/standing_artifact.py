"""A plan's standing as an artifact in Prefect: one a plan, always the newest."""

from __future__ import annotations

import asyncio

from httpx import HTTPError
from prefect.artifacts import acreate_markdown_artifact
from prefect.exceptions import PrefectHTTPStatusError

from secondsite.reports.standing_words import standing_markdown
from secondsite.run.proof import Proof

__all__ = ["show_standing"]

_LIMIT_S = 10.0


async def show_standing(plan: str, proof: Proof) -> None:
    """Show it, if Prefect's server answers; nothing waits for it long."""
    key = "standing-" + "".join(each if each.isalnum() else "-" for each in plan.lower())
    try:
        async with asyncio.timeout(_LIMIT_S):
            await acreate_markdown_artifact(
                markdown=standing_markdown(plan, proof),
                key=key,
                description=f"Standing of {plan}: {proof.state}",
            )
    except (HTTPError, PrefectHTTPStatusError, TimeoutError):
        return
