"""Reverse: the site that was left becomes the one that is replicated to."""

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

__all__ = ["reverse"]


@flow(name="reverse", flow_run_name="reverse of {plan}", persist_result=False)
async def reverse(
    plan: str,
    confirm: str = "",
    direction: Literal["forward", "back"] = "forward",
    unattended: bool = False,
    requested_by: str = "",
    resume: str = "",
) -> State[Any]:
    """Replicate the plan's VMs back to the site that they left.

    The VMs there are turned off, kept from starting, and overwritten by what runs now.

    Args:
        plan: Name of the recovery plan; leave it as it is.
        confirm: Type the plan's name.
        direction: That of the failover that this follows.
        unattended: Nobody is there to be asked about failed steps: they end the run.
        requested_by: Your name; it goes into the journal and the report.
        resume: Leave it empty. (Id of an interrupted run that is to go on.)
    """
    if not resume and (refusal := refused(plan, confirm)):
        return refusal
    request = Request(
        plan=plan,
        operation=Operation.REVERSE,
        direction=Direction(direction),
        options=RunOptions(unattended=unattended),
        requested_by=requested_by,
        resume=resume,
    )
    return await conduct(request, TASKS)
