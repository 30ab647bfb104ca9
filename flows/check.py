"""Check: whether the plan could be carried out now, read-only; on a schedule too."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Literal
from uuid import UUID

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from flows.looking import CheckRequest, look_at_plan
from flows.schedules import requester_of
from flows.standing_artifact import show_standing
from flows.workers import worker_findings
from secondsite.errors import SecondsiteError
from secondsite.graph import Operation
from secondsite.home import journal_url
from secondsite.plan.model import Direction
from secondsite.run.journal import Journal

__all__ = ["check_readiness"]


@flow(name="check", flow_run_name="check of {plan}", persist_result=False)
async def check_readiness(
    plan: str,
    kind: Literal["test", "planned", "unplanned"] = "test",
    direction: Literal["forward", "back"] = "forward",
    requested_by: str = "",
) -> State[Any]:
    """Look whether the plan could be carried out now. Changes nothing in either site.

    Args:
        plan: Name of the recovery plan; leave it as it is.
        kind: The kind of failover whose readiness is in question.
        direction: forward: to the recovery site; back: home.
        requested_by: Your name; it goes into the journal.
    """
    request = CheckRequest(
        plan=plan,
        operation=Operation(kind),
        direction=Direction(direction),
        requested_by=requested_by or await requester_of(UUID(str(runtime.flow_run.id))),
    )
    try:
        with closing(Journal.open(journal_url())) as journal:
            outlook = await look_at_plan(request, journal, workers=worker_findings)
            await show_standing(outlook.plan, outlook.proof)
    except SecondsiteError as error:
        return Failed(message=str(error))
    message = f"{outlook.run_id}: {outlook.words}"
    return Completed(message=message) if outlook.is_ready else Failed(message=message)
