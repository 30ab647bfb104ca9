"""What plans and suites say about time, as schedules of their deployments in Prefect."""

from __future__ import annotations

from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from secondsite.plan.model import Plan
from secondsite.plan.suite import Suite

__all__ = ["check_schedules", "rehearsal_schedules", "requester_of", "suite_schedules"]

_BY_SCHEDULE = "the schedule"


def rehearsal_schedules(plan: Plan) -> tuple[CronSchedule, ...]:
    """When the plan is rehearsed by itself."""
    wanted = plan.rehearse
    if wanted is None or wanted.cron is None:
        return ()
    return (CronSchedule(cron=wanted.cron, timezone=wanted.timezone),)


def check_schedules(plan: Plan) -> tuple[CronSchedule, ...]:
    """When the plan is checked by itself."""
    wanted = plan.check
    return (CronSchedule(cron=wanted.cron, timezone=wanted.timezone),) if wanted else ()


def suite_schedules(suite: Suite) -> tuple[CronSchedule, ...]:
    """When the suite is rehearsed by itself."""
    wanted = suite.schedule
    return (CronSchedule(cron=wanted.cron, timezone=wanted.timezone),) if wanted else ()


async def requester_of(flow_run: UUID) -> str:
    """Who requested a flow run that names nobody: the schedule, or somebody unknown."""
    try:
        async with get_client() as client:
            found = await client.read_flow_run(flow_run)
    except (HTTPError, ObjectNotFound, PrefectHTTPStatusError):
        return ""
    return _BY_SCHEDULE if found.auto_scheduled else ""
