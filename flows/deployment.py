"""Deployments: per plan, one for each of the operator's verbs, in the work pool of a site.

A run is carried in the site where its VMs come up: there the engine needs nothing of the other one.
Flows are loaded by module path: by file path a flow would be loaded twice, under two names.

No deployment has a concurrency limit of Prefect's: with one, Prefect 3.8 ends a flow's process when
its server cannot be reached to renew a lease, in the middle of a failover. One run per plan, and no
VM in two, is the journal's claim; who comes second is refused at once, with words.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow
from prefect.types.entrypoint import EntrypointType

from flows.cancel import cancel
from flows.check import check_readiness
from flows.clean_up import clean_up
from flows.commit import commit
from flows.dns_alone import prepare_dns, rollback_dns
from flows.drill import drill
from flows.fail_over import planned_failover, unplanned_failover
from flows.rehearse import rehearse
from flows.reverse import reverse
from flows.schedules import check_schedules, rehearsal_schedules, suite_schedules
from flows.undo import undo
from flows.work_pool import ensure_work_pool
from secondsite.plan.estate import Estate
from secondsite.plan.model import Direction, Plan
from secondsite.plan.suite import Suite

__all__ = ["BACK", "Deployment", "deployments_of", "obsolete", "register", "remove"]

TAG = "secondsite"
BACK = "-back"
"""Ends the names of those that are carried in the primary site, where that has its own pool."""

_VERBS: tuple[Flow[Any, Any], ...] = (
    drill,
    clean_up,
    rehearse,
    check_readiness,
    planned_failover,
    unplanned_failover,
    commit,
    undo,
    reverse,
    cancel,
    prepare_dns,
    rollback_dns,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One flow for one plan: what Prefect is told of it."""

    flow: Flow[Any, Any]
    name: str
    work_pool: str
    description: str
    tags: tuple[str, ...]
    parameters: Mapping[str, Any]
    schedules: tuple[CronSchedule, ...] = field(default=())

    @property
    def full_name(self) -> str:
        """`test-failover/storefront`: as `prefect deployment run` takes it."""
        return f"{self.flow.name}/{self.name}"

    @property
    def entrypoint(self) -> str:
        """Module path of the flow."""
        return f"{self.flow.fn.__module__}.{self.flow.fn.__name__}"


def deployments_of(
    plans: Iterable[Plan], estate: Estate, suites: Iterable[Suite] = ()
) -> Sequence[Deployment]:
    """Every deployment of `plans` and of `suites` of them, in the order of their names."""
    found: list[Deployment] = []
    pools: dict[str, str] = {}
    for plan in plans:
        protection = estate.protection(plan.protection)
        if protection is None:
            continue  # no plan of a checked folder
        home = estate.prefect.pool(protection.recovery)
        other = estate.prefect.pool(protection.primary)
        pools[plan.name] = home
        found += [_deployment(verb, plan, pool=home) for verb in _VERBS]
        if other != home:
            found += [_back(verb, plan, pool=other) for verb in _VERBS if _has_direction(verb)]
    found += [_of_suite(suite, pool=pools[suite.plans[0]]) for suite in suites]
    return sorted(found, key=lambda each: each.full_name)


def register(deployments: Iterable[Deployment]) -> list[str]:
    """Make or renew deployments, and the work pools they name; gives their names.

    Those for the way back are removed where the primary site has no pool of its own any more: a
    run there would wait for a worker that nobody starts.

    The Prefect server that PREFECT_API_URL names must answer. Doing it again changes nothing.
    """
    wanted = list(deployments)
    for pool in sorted({each.work_pool for each in wanted}):
        asyncio.run(ensure_work_pool(pool))
    for each in wanted:
        _for_prefect(each).apply()
    remove(_left_in_former_pools(wanted))
    return [each.full_name for each in wanted]


def obsolete(deployments: Iterable[Deployment]) -> list[str]:
    """Names of the deployments that the server has of us, and that are not among these."""
    wanted = {each.full_name for each in deployments}
    return sorted(name for name in asyncio.run(_registered()) if name not in wanted)


def remove(names: Iterable[str]) -> None:
    """Remove deployments from the server. Flow runs that they have made stay."""
    asyncio.run(_remove(list(names)))


def _deployment(verb: Flow[Any, Any], plan: Plan, *, pool: str) -> Deployment:
    return Deployment(
        flow=verb,
        name=plan.name,
        work_pool=pool,
        description=plan.description,
        tags=(TAG, plan.name),
        parameters={"plan": plan.name},
        schedules=_schedules(verb, plan),
    )


def _back(verb: Flow[Any, Any], plan: Plan, *, pool: str) -> Deployment:
    return Deployment(
        flow=verb,
        name=f"{plan.name}{BACK}",
        work_pool=pool,
        description=plan.description,
        tags=(TAG, plan.name),
        parameters={"plan": plan.name, "direction": Direction.BACK.value},
    )


def _of_suite(suite: Suite, *, pool: str) -> Deployment:
    return Deployment(
        flow=rehearse,
        name=suite.name,
        work_pool=pool,
        description=suite.description or f"Rehearses {', '.join(suite.plans)}, in this order.",
        tags=(TAG, suite.name),
        parameters={"plan": suite.name},
        schedules=suite_schedules(suite),
    )


def _schedules(verb: Flow[Any, Any], plan: Plan) -> tuple[CronSchedule, ...]:
    """When the deployment runs by itself: the one place where a plan's schedule gets to Prefect."""
    if verb is rehearse:
        return rehearsal_schedules(plan)
    return check_schedules(plan) if verb is check_readiness else ()


def _has_direction(verb: Flow[Any, Any]) -> bool:
    return "direction" in verb.parameters.properties


def _for_prefect(wanted: Deployment) -> RunnerDeployment:
    deployment = wanted.flow.to_deployment(
        name=wanted.name,
        description=wanted.description or None,
        parameters=dict(wanted.parameters),
        tags=list(wanted.tags),
        work_pool_name=wanted.work_pool,
        entrypoint_type=EntrypointType.MODULE_PATH,
        job_variables={"working_dir": os.sep},
        schedules=list(wanted.schedules),
    )
    assert isinstance(deployment, RunnerDeployment)  # noqa: S101 - narrows a sync-or-async result
    return deployment


def _left_in_former_pools(wanted: Sequence[Deployment]) -> list[str]:
    names = {each.full_name for each in wanted}
    return [
        name
        for name in obsolete(wanted)
        if name.endswith(BACK) and name.removesuffix(BACK) in names
    ]


async def _registered() -> dict[str, Any]:
    """The ids of our deployments, by full name."""
    found: dict[str, Any] = {}
    mine = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    async with get_client() as client:
        flows: dict[Any, str] = {}
        while page := await client.read_deployments(deployment_filter=mine, offset=len(found)):
            for each in page:
                if each.flow_id not in flows:
                    flows[each.flow_id] = (await client.read_flow(each.flow_id)).name
                found[f"{flows[each.flow_id]}/{each.name}"] = each.id
    return found


async def _remove(names: Sequence[str]) -> None:
    known = await _registered()
    async with get_client() as client:
        for name in names:
            if name in known:
                await client.delete_deployment(known[name])
