"""The work pool of this machine: deployments put runs into it, the worker takes them out."""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists

__all__ = ["ensure_work_pool"]


async def ensure_work_pool(name: str) -> None:
    """Make the pool, if the Prefect server that PREFECT_API_URL names does not have it yet."""
    async with get_client() as client:
        try:
            await client.create_work_pool(WorkPoolCreate(name=name, type="process"))
        except ObjectAlreadyExists:
            return
