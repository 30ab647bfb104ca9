"""Clean-up: end the plan's test failover, also one whose run died half-way."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas import State

from flows.conduct import conduct
from flows.take_up import Request
from secondsite.graph import Operation
from tasks.catalogue import TASKS
from tasks.options import RunOptions

__all__ = ["clean_up"]


@flow(name="clean-up", flow_run_name="clean-up of {plan}", persist_result=False)
async def clean_up(plan: str, requested_by: str = "", resume: str = "") -> State[Any]:
    """Put DNS back and remove the test VMs; what the test did not make is never touched.

    Args:
        plan: Name of the recovery plan; leave it as it is.
        requested_by: Your name; it goes into the journal and the report.
        resume: Leave it empty. (Id of an interrupted run that is to go on.)
    """
    request = Request(
        plan=plan,
        operation=Operation.CLEANUP,
        options=RunOptions(unattended=True),
        requested_by=requested_by,
        resume=resume,
    )
    return await conduct(request, TASKS)
