"""Planned and unplanned failover: production moves to the other site, in order."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow
from prefect.client.schemas import State

from flows.conduct import conduct
from flows.confirmation import refused
from flows.take_up import Request
from secondsite.graph import Operation, PrimarySide
from secondsite.plan.model import Direction
from tasks.catalogue import TASKS
from tasks.options import RunOptions

__all__ = ["planned_failover", "unplanned_failover"]


@flow(name="planned-failover", flow_run_name="planned failover of {plan}", persist_result=False)
async def planned_failover(
    plan: str,
    confirm: str = "",
    direction: Literal["forward", "back"] = "forward",
    unattended: bool = False,
    requested_by: str = "",
    resume: str = "",
) -> State[Any]:
    """Move the plan's VMs to the other site without losing anything. Production is moved.

    VMs are shut down, their last changes sent, failed over, started in order, and replicate back
    at the end. An error stops it where it stands.

    Args:
        plan: Name of the recovery plan; leave it as it is.
        confirm: Type the plan's name: this moves production.
        direction: forward: to the recovery site; back: home.
        unattended: Nobody is there to be asked about failed steps: they end the run.
        requested_by: Your name; it goes into the journal and the report.
        resume: Leave it empty. (Id of an interrupted run that is to go on.)
    """
    if not resume and (refusal := refused(plan, confirm)):
        return refusal
    request = Request(
        plan=plan,
        operation=Operation.PLANNED,
        direction=Direction(direction),
        options=RunOptions(unattended=unattended),
        requested_by=requested_by,
        resume=resume,
    )
    return await conduct(request, TASKS)


@flow(name="unplanned-failover", flow_run_name="unplanned failover of {plan}", persist_result=False)
async def unplanned_failover(
    plan: str,
    confirm: str = "",
    direction: Literal["forward", "back"] = "forward",
    primary_side: Literal["attempt", "skip"] = "attempt",
    recovery_point: str = "latest",
    recovery_points: dict[str, str] | None = None,
    other_site_is_gone: str = "",
    unattended: bool = False,
    requested_by: str = "",
    resume: str = "",
) -> State[Any]:
    """Bring the plan's VMs up in the other site, with the site that they leave dead or dying.

    Goes on past VMs that fail. Ends with the commit pending: undo, and another recovery point, are
    possible until then.

    Args:
        plan: Name of the recovery plan; leave it as it is.
        confirm: Type the plan's name: this moves production, and what was not replicated is lost.
        direction: forward: to the recovery site; back: to the primary site.
        primary_side: attempt: try an orderly shutdown there first, within the estate's limit;
            skip: ask nothing of the site that is left.
        recovery_point: latest, latest-app-consistent, or a time (2026-11-24T03:00Z): the newest
            point that is not younger.
        recovery_points: The same for single VMs, by name.
        other_site_is_gone: Who says that the VMs do not run in the other site any more, and how
            they know. Needed for VMs of which nobody can be asked.
        unattended: Nobody is there to be asked about failed steps: they end the run.
        requested_by: Your name; it goes into the journal and the report.
        resume: Leave it empty. (Id of an interrupted run that is to go on.)
    """
    if not resume and (refusal := refused(plan, confirm)):
        return refusal
    request = Request(
        plan=plan,
        operation=Operation.UNPLANNED,
        direction=Direction(direction),
        options=RunOptions(
            primary_side=PrimarySide(primary_side),
            recovery_point=recovery_point,
            recovery_points=recovery_points or {},
            other_site_is_gone=other_site_is_gone,
            unattended=unattended,
        ),
        requested_by=requested_by,
        resume=resume,
    )
    return await conduct(request, TASKS)
