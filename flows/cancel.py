"""Cancel: VMs start again where they were, after a failover that did not come to the other site."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow
from prefect.client.schemas import State

from flows.conduct import conduct
from flows.confirmation import refused
from flows.take_up import Request
from secondsite.graph import Operation
from secondsite.plan.model import Direction
from tasks.catalogue import TASKS
from tasks.options import RunOptions

__all__ = ["cancel"]


@flow(name="cancel", flow_run_name="cancel of {plan}", persist_result=False)
async def cancel(
    plan: str,
    confirm: str = "",
    direction: Literal["forward", "back"] = "forward",
    other_site_is_gone: str = "",
    unattended: bool = False,
    requested_by: str = "",
    resume: str = "",
) -> State[Any]:
    """Take back a planned failover that has only prepared: VMs start again where they were.

    Replication goes on as before. Names that the failover has changed already go back.

    Args:
        plan: Name of the recovery plan; leave it as it is.
        confirm: Type the plan's name.
        direction: That of the failover that this follows.
        other_site_is_gone: Only where the site that the VMs were to go to is silent: who says that
            they do not run there, and how they know.
        unattended: Nobody is there to be asked about failed steps: they end the run.
        requested_by: Your name; it goes into the journal and the report.
        resume: Leave it empty. (Id of an interrupted run that is to go on.)
    """
    if not resume and (refusal := refused(plan, confirm)):
        return refusal
    request = Request(
        plan=plan,
        operation=Operation.CANCEL,
        direction=Direction(direction),
        options=RunOptions(other_site_is_gone=other_site_is_gone, unattended=unattended),
        requested_by=requested_by,
        resume=resume,
    )
    return await conduct(request, TASKS)
