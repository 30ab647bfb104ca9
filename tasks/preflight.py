"""The first step of every run: look at everything that the run will need, and touch nothing."""

from __future__ import annotations

import asyncio

from secondsite.connectors.base import ActionResult
from secondsite.connectors.fitness import Placement, judge_test, place
from secondsite.errors import PreflightError
from secondsite.graph import Operation, Step
from secondsite.run.events import InventoryTaken, Noted, VmFact
from secondsite.run.finding import reasons, told
from tasks.action import step_task
from tasks.context import RunContext
from tasks.dns_preflight import dns_findings
from tasks.dns_prepare import look_at_dns
from tasks.look import Look, against_server, hardware
from tasks.preflight_failover import look_at_both_sites
from tasks.recovery_points import Chosen, choose
from tasks.script import unsupported_places
from tasks.surveys import survey_site

__all__ = ["look_before", "preflight"]


@step_task
async def preflight(run: RunContext, step: Step) -> ActionResult:
    """Find every VM of the plan, and every reason against the run, at once. Touches nothing."""
    if run.operation is Operation.CLEANUP:
        return await _what_is_left(run)
    seen = await look_before(run)
    if against := reasons(seen.findings):
        raise PreflightError(against, next_step=seen.next_step)
    run.vms |= {fact.name: fact for fact in seen.facts}
    await run.tell(InventoryTaken(at=run.now(), vms=seen.facts))
    known = [str(each) for each in seen.findings if each.area == "dns"]
    for text in (*seen.notes, *dict.fromkeys(known)):
        await run.tell(Noted(at=run.now(), text=text, level="warning"))
    return ActionResult(changed=False, evidence=seen.evidence)


async def look_before(run: RunContext) -> Look:
    """Look at everything that the run will need: `check` and every run do it alike."""
    if run.operation is Operation.TEST:
        return await _look_before_a_test(run)
    if run.operation in {Operation.PREPARE_DNS, Operation.ROLLBACK_DNS}:
        return await look_at_dns(run)
    return await look_at_both_sites(run)


async def _look_before_a_test(run: RunContext) -> Look:
    site = run.target_site
    network = run.test_network
    seen, dns = await asyncio.gather(
        survey_site(run.sites, run.target_site_name, hosts=[host.name for host in site.hosts]),
        dns_findings(run),
    )
    placements, missing = place(run.plan, seen.surveys)
    points = {name: choose(each.survey, run.options) for name, each in placements.items()}
    findings = [
        *(against_server(each) for each in seen.troubles),
        *missing,
        *told("recovery points", (each.refusal for each in points.values() if each.refusal)),
        *judge_test(
            run.plan,
            site=site,
            network=network,
            placements=placements,
            surveys=seen.surveys,
            inventory=seen.inventory,
        ),
        *dns,
        *told("scripts", unsupported_places(run)),
        *told(
            "addresses",
            (
                f"{vm.name} with `address: pool` is not carried out by this version: "
                "write an address, `dhcp` or `keep`"
                for vm in run.plan.vms
                if vm.address == "pool"
            ),
        ),
    ]
    facts = tuple(
        _fact(run, placement=placements[name], chosen=points[name], name=name)
        for name in (planned.name for planned in run.plan.vms)
        if name in placements and placements[name].survey.replication
    )
    return Look(
        findings=findings,
        facts=facts,
        evidence={
            "hosts": [survey.host for survey in seen.surveys],
            "vms": len(facts),
            "network": network.name if network else None,
        },
        sides=(seen,),
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


def _fact(run: RunContext, *, name: str, placement: Placement, chosen: Chosen) -> VmFact:
    relation = placement.survey.replication[0]
    return VmFact(
        name=name,
        id=placement.id,
        site=run.target_site_name,
        host=placement.host,
        source_host=relation.primary_server,
        recovery_point_at=chosen.made_at,
        facts={
            "recovery_point_id": chosen.id,
            "replication_state": relation.state,
            "replication_health": relation.health,
            "memory_mib": placement.survey.memory_mib,
            "hardware": hardware(placement.survey),
        },
    )
