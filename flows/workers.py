"""Whether anybody would carry a run out: the workers of the pool that a plan's runs go to."""

from __future__ import annotations

import asyncio

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from secondsite.run.finding import Finding, Severity

__all__ = ["no_server", "worker_findings"]

_PREFECT_ANSWERS_WITHIN_S = 10.0


async def worker_findings(deployment: str) -> list[Finding]:
    """What speaks against a run of `deployment` being carried out; empty if a worker is there."""
    try:
        async with asyncio.timeout(_PREFECT_ANSWERS_WITHIN_S), get_client() as client:
            found = await client.read_deployment_by_name(deployment)
            pool = found.work_pool_name
            if not pool:
                return [
                    _found(
                        f"the deployment {deployment} has no work pool",
                        "register it again: secondsite deploy (or up)",
                    )
                ]
            workers = await client.read_workers_for_work_pool(pool)
    except ObjectNotFound:
        return [
            _found(
                f"Prefect has no deployment {deployment}: nobody can start it there",
                "register the plans: secondsite deploy (or up)",
            )
        ]
    except (HTTPError, PrefectHTTPStatusError, TimeoutError):
        return await no_server(deployment)
    if any(str(worker.status).upper().endswith("ONLINE") for worker in workers):
        return []
    return [
        _found(
            f"no worker is alive in the work pool {pool!r}, to which runs of {deployment} go",
            f"start one there: secondsite worker --pool {pool}, or secondsite up",
        )
    ]


async def no_server(deployment: str) -> list[Finding]:
    """What is to say where Prefect's server does not answer."""
    return [
        _found(
            f"Prefect's server does not answer, so no run of {deployment} would start",
            "see `secondsite status`; start it with `secondsite up`, or mend PREFECT_API_URL",
        )
    ]


def _found(sentence: str, remedy: str) -> Finding:
    return Finding(severity=Severity.ERROR, area="worker", sentence=sentence, remedy=remedy)
