"""Deployments: per plan, one for each of the operator's verbs, in a work pool of this machine.

They are loaded by module path: by file path a flow would be loaded twice, under two names.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import Any

from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow
from prefect.types.entrypoint import EntrypointType

from flows.cancel import cancel
from flows.clean_up import clean_up
from flows.commit import commit
from flows.dns_alone import prepare_dns, rollback_dns
from flows.drill import drill
from flows.fail_over import planned_failover, unplanned_failover
from flows.reverse import reverse
from flows.undo import undo
from flows.work_pool import ensure_work_pool
from secondsite.plan.model import Plan

__all__ = ["deployment_name", "register"]

_VERBS: tuple[Flow[Any, Any], ...] = (
    drill,
    clean_up,
    planned_failover,
    unplanned_failover,
    commit,
    undo,
    reverse,
    cancel,
    prepare_dns,
    rollback_dns,
)


def deployment_name(flow_name: str, plan_name: str) -> str:
    """`test-failover/storefront`: as `prefect deployment run` takes it."""
    return f"{flow_name}/{plan_name}"


def register(plans: Iterable[Plan], *, work_pool: str) -> list[str]:
    """Make or renew the deployments of `plans`; gives their names.

    The Prefect server that PREFECT_API_URL names must answer. Afterwards the work pool exists, and
    each plan has one deployment a verb; doing it again changes nothing.
    """
    asyncio.run(ensure_work_pool(work_pool))
    names = []
    for plan in plans:
        for verb in _VERBS:
            _deployment(verb, plan, work_pool).apply()
            names.append(deployment_name(verb.name, plan.name))
    return sorted(names)


def _deployment(verb: Flow[Any, Any], plan: Plan, work_pool: str) -> RunnerDeployment:
    deployment = verb.to_deployment(
        name=plan.name,
        description=plan.description or None,
        parameters={"plan": plan.name},
        tags=["secondsite", plan.name],
        work_pool_name=work_pool,
        entrypoint_type=EntrypointType.MODULE_PATH,
        job_variables={"working_dir": os.sep},
    )
    assert isinstance(deployment, RunnerDeployment)  # noqa: S101 - narrows a sync-or-async result
    return deployment
