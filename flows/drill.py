"""Test failover: the plan's VMs come up as test VMs in the other site, production untouched."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow
from prefect.client.schemas import State

from flows.conduct import conduct
from flows.take_up import Request
from secondsite.graph import Operation
from secondsite.plan.model import Direction
from tasks.catalogue import TASKS
from tasks.options import RunOptions

__all__ = ["drill"]

Network = Literal["as the estate says", "none", "existing", "created"]


@flow(name="test-failover", flow_run_name="test failover of {plan}", persist_result=False)
async def drill(
    plan: str,
    network: Network = "as the estate says",
    network_name: str = "",
    direction: Literal["forward", "back"] = "forward",
    hold: bool = False,
    clean_up: bool = False,
    recovery_point: str = "latest",
    recovery_points: dict[str, str] | None = None,
    attended: bool = False,
    hold_for_s: float | None = None,
    rehearsal: str = "",
    requested_by: str = "",
    resume: str = "",
) -> State[Any]:
    """Bring the plan's VMs up as test VMs, in order, and prove that they are ready.

    Production VMs, networks and DNS zones are not touched.

    Args:
        plan: Name of the recovery plan; leave it as it is.
        network: What the test VMs are connected to: the test network of the estate, none, an
            existing one (its name below), or networks created in VMM for this test.
        network_name: With `existing`: the network, one that the estate marks as for tests.
        direction: forward: in the recovery site; back: in the primary site.
        hold: With clean_up: suspend the run and ask people before the test is ended.
        clean_up: End the test as part of this run. Otherwise the test VMs stay up until the
            clean-up deployment of this plan is run.
        recovery_point: latest, latest-app-consistent, or a time (2026-11-24T03:00Z): the newest
            point that is not younger.
        recovery_points: The same for single VMs, by name.
        attended: Ask people about failed steps; otherwise they end the test.
        hold_for_s: With hold: after so many seconds the test is ended without an answer.
        rehearsal: Leave it empty. (Id of the rehearsal that starts it.)
        requested_by: Your name; it goes into the journal and the report.
        resume: Leave it empty. (Id of an interrupted run that is to go on.)
    """
    options = RunOptions(
        network=network,
        network_name=network_name,
        hold=hold,
        hold_for_s=hold_for_s,
        rehearsal=rehearsal,
        clean_up=clean_up,
        recovery_point=recovery_point,
        recovery_points=recovery_points or {},
        unattended=not attended,
    )
    request = Request(
        plan=plan,
        operation=Operation.TEST,
        direction=Direction(direction),
        options=options,
        requested_by=requested_by,
        resume=resume,
    )
    return await conduct(request, TASKS)
