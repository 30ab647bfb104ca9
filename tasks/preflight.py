"""The first step of every run: look at everything that the run will need, and touch nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from datetime import datetime
from typing import TypeVar

from secondsite.connectors.base import ActionResult, HostSurvey, Inventory
from secondsite.connectors.fitness import Placement, judge_test, place
from secondsite.errors import PreflightError, SecondsiteError
from secondsite.graph import Operation, Step
from secondsite.run.events import InventoryTaken, VmFact
from tasks.action import step_task
from tasks.context import RunContext
from tasks.records import dns_reasons
from tasks.script import unsupported_places

__all__ = ["preflight"]

T = TypeVar("T")


@step_task
async def preflight(run: RunContext, step: Step) -> ActionResult:
    """Find every VM of the plan, and every reason against the run, at once. Touches nothing."""
    if run.operation is Operation.CLEANUP:
        return await _what_is_left(run)
    site = run.target_site
    network = run.test_network
    surveyed, listed, dns = await asyncio.gather(
        _answers(run.sites.host(host.name).survey() for host in site.hosts),
        _answers([run.sites.vmm(run.target_site_name).inventory()]),
        dns_reasons(run),
    )
    surveys: list[HostSurvey] = [each for each in surveyed if isinstance(each, HostSurvey)]
    inventory = next((each for each in listed if isinstance(each, Inventory)), None)
    placements, reasons = place(run.plan, surveys)
    reasons = [
        *(each.message for each in (*surveyed, *listed) if isinstance(each, SecondsiteError)),
        *reasons,
        *judge_test(
            run.plan,
            site=site,
            network=network,
            placements=placements,
            surveys=surveys,
            inventory=inventory,
        ),
        *dns,
        *unsupported_places(run),
        *(
            f"{vm.name}: `address: pool` is not carried out by this version; "
            "write an address, `dhcp` or `keep`"
            for vm in run.plan.vms
            if vm.address == "pool"
        ),
    ]
    if reasons:
        raise PreflightError(
            reasons, next_step="Nothing was touched. Mend these, then start the run again."
        )
    facts = tuple(
        _fact(run, name=planned.name, placement=placements[planned.name])
        for planned in run.plan.vms
    )
    run.vms |= {fact.name: fact for fact in facts}
    await run.tell(InventoryTaken(at=run.now(), vms=facts))
    return ActionResult(
        changed=False,
        evidence={
            "hosts": [survey.host for survey in surveys],
            "vms": len(facts),
            "network": network.name if network else None,
        },
    )


async def _what_is_left(run: RunContext) -> ActionResult:
    """Of a clean-up: what the journal says that tests of this plan have made."""
    found = [run.left_of(planned.name) for planned in run.plan.vms]
    left = [each for each in found if each is not None]
    facts = tuple(
        VmFact(name=each.vm, id=each.vm_id, site=each.site, host=each.host) for each in left
    )
    run.vms |= {fact.name: fact for fact in facts}
    await run.tell(InventoryTaken(at=run.now(), vms=facts))
    return ActionResult(
        changed=False,
        evidence={"left": [each.vm for each in left], "of": sorted({each.run_id for each in left})},
    )


async def _answers(questions: Iterable[Awaitable[T]]) -> list[T | SecondsiteError]:
    """The answer to each question, or the error it met: one dead server must not hide the rest."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    wrong = [
        each
        for each in answers
        if isinstance(each, BaseException) and not isinstance(each, SecondsiteError)
    ]
    if wrong:
        raise wrong[0]
    return [each for each in answers if not isinstance(each, BaseException)] + [
        each for each in answers if isinstance(each, SecondsiteError)
    ]


def _fact(run: RunContext, *, name: str, placement: Placement) -> VmFact:
    point = placement.newest_recovery_point
    relation = placement.survey.replication[0]
    made_at = point.created_at if point else relation.last_replication_at
    return VmFact(
        name=name,
        id=placement.id,
        site=run.target_site_name,
        host=placement.host,
        source_host=relation.primary_server,
        recovery_point_at=datetime.fromisoformat(made_at) if made_at else None,
        facts={
            "replication_state": relation.state,
            "replication_health": relation.health,
            "memory_mib": placement.survey.memory_mib,
        },
    )
