"""DNS alone: TTLs lowered ahead of a planned failover, and what a run changed taken back."""

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

__all__ = ["prepare_dns", "rollback_dns"]


@flow(name="prepare-dns", flow_run_name="prepare DNS of {plan}", persist_result=False)
async def prepare_dns(
    plan: str,
    direction: Literal["forward", "back"] = "forward",
    unattended: bool = False,
    requested_by: str = "",
    resume: str = "",
) -> State[Any]:
    """Lower the TTLs of the plan's names, ahead of a planned failover.

    Values stay as they are. When the old TTLs have run out, clients follow a change soon. A commit
    raises them again.

    Args:
        plan: Name of the recovery plan; leave it as it is.
        direction: Of the failover that it is for.
        unattended: Nobody is there to be asked about failed steps: they end the run.
        requested_by: Your name; it goes into the journal and the report.
        resume: Leave it empty. (Id of an interrupted run that is to go on.)
    """
    request = Request(
        plan=plan,
        operation=Operation.PREPARE_DNS,
        direction=Direction(direction),
        options=RunOptions(unattended=unattended),
        requested_by=requested_by,
        resume=resume,
    )
    return await conduct(request, TASKS)


@flow(name="rollback-dns", flow_run_name="roll back DNS of {plan}", persist_result=False)
async def rollback_dns(
    plan: str,
    run: str = "",
    confirm: str = "",
    direction: Literal["forward", "back"] = "forward",
    unattended: bool = False,
    requested_by: str = "",
    resume: str = "",
) -> State[Any]:
    """Take back what one run of the plan changed in DNS, record by record.

    What somebody else has changed since stays as it is, and is reported. VMs are not touched.

    Args:
        plan: Name of the recovery plan; leave it as it is.
        run: Id of the run whose changes are taken back.
        confirm: Type the plan's name: its names lead elsewhere then.
        direction: Of that run.
        unattended: Nobody is there to be asked about failed steps: they end the run.
        requested_by: Your name; it goes into the journal and the report.
        resume: Leave it empty. (Id of an interrupted run that is to go on.)
    """
    if not resume and (refusal := refused(plan, confirm)):
        return refusal
    request = Request(
        plan=plan,
        operation=Operation.ROLLBACK_DNS,
        direction=Direction(direction),
        options=RunOptions(of_run=run, unattended=unattended),
        requested_by=requested_by,
        resume=resume,
    )
    return await conduct(request, TASKS)
