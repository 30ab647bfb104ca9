"""The first step of every run: look at everything that the run will need, and touch nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.connectors.fitness import Placement, judge_test, place
from secondsite.connectors.network_maker import NetworkMaker
from secondsite.connectors.offers import instead
from secondsite.connectors.standing import PlanStanding, SideView, Standing
from secondsite.errors import PreflightError, SecondsiteError
from secondsite.graph import Operation, Step
from secondsite.plan.estate import Network
from secondsite.plan.made_network import MADE_NETWORKS
from secondsite.run.adapters_seen import PLANNED
from secondsite.run.events import InventoryTaken, Noted, VmFact
from secondsite.run.finding import reasons, told
from tasks.action import step_task
from tasks.adapter_look import AdapterLook, asks_source, look_at_adapters, network_maker
from tasks.adapter_sight import asks_vmm_of
from tasks.context import RunContext
from tasks.dns_preflight import dns_findings
from tasks.dns_prepare import look_at_dns
from tasks.guest_script import against_guest_credentials
from tasks.look import Look, against_server, hardware
from tasks.preflight_failover import look_at_both_sites
from tasks.recovery_points import Chosen, choose
from tasks.surveys import SiteSurvey, a_little_longer, standing_in, survey_site

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
    usual = run.options.test_network(site, run.protection)
    looking = asyncio.create_task(
        survey_site(
            run.sites,
            run.target_site_name,
            hosts=[host.name for host in site.hosts],
            adapters_of=asks_vmm_of(run, run.target_site_name),
        )
    )
    seen, left, dns = await asyncio.gather(looking, _left_site(run, looking), dns_findings(run))
    standing = standing_in(run.plan, run.protection, left, seen)
    placements, missing = place(run.plan, seen.surveys)
    points = {name: choose(each.survey, run.options) for name, each in placements.items()}
    maker, silence = await _maker(run, seen)
    look = look_at_adapters(
        run,
        _sides(run, placements, standing),
        surveys=seen.surveys,
        inventory=seen.inventory,
        left=left.inventory,
        maker=maker,
    )
    networks = _networks(run, usual, look)
    findings = [
        *(against_server(each) for each in (*seen.troubles, *silence)),
        *missing,
        *told("recovery points", (each.refusal for each in points.values() if each.refusal)),
        *judge_test(
            run.plan,
            site=site,
            networks=networks,
            placements=placements,
            surveys=seen.surveys,
            inventory=seen.inventory,
        ),
        *look.findings,
        *dns,
        *against_guest_credentials(run),
    ]
    facts = tuple(
        _fact(
            run,
            placement=placements[name],
            chosen=points[name],
            name=name,
            adapters=look.facts.get(name, {}),
        )
        for name in (planned.name for planned in run.plan.vms)
        if name in placements and placements[name].survey.replication
    )
    return Look(
        findings=findings,
        facts=facts,
        notes=[*(_of_left_site(each) for each in left.troubles), *look.warnings],
        evidence={
            "hosts": [survey.host for survey in seen.surveys],
            "vms": len(facts),
            "network": ", ".join(network.name for network in networks) or None,
            **({MADE_NETWORKS: [each.as_dict() for each in maker.made]} if maker else {}),
        },
        next_step=_instead(run, standing),
        sides=(seen,),
    )


def _instead(run: RunContext, standing: PlanStanding) -> str:
    """What to do about blockers; where the plan stands elsewhere, what is possible there."""
    mend = "Nothing was touched. Mend these, then start the run again."
    if any(vm.state is Standing.PROTECTED for vm in standing.vms.values()):
        return mend  # a test of it is
    return f"{mend} {instead(run.plan.name, standing, run.protection)}".rstrip()


async def _left_site(run: RunContext, target: asyncio.Task[SiteSurvey]) -> SiteSurvey:
    """The site in which the VMs run, if something depends on it; a test needs no answer."""
    site = run.source_site_name
    names = [host.name for host in run.estate.sites[site].hosts]
    if not asks_source(run):
        return SiteSurvey(site=site, silent=tuple(names))
    limit_s = run.estate.limits.connect_timeout.total_seconds()
    untold = asks_vmm_of(run, site)
    return await survey_site(
        run.sites,
        site,
        hosts=names,
        with_vmm=bool(untold),
        adapters_of=untold,
        enough=a_little_longer(target, seconds=limit_s),
    )


async def _maker(
    run: RunContext, seen: SiteSurvey
) -> tuple[NetworkMaker | None, list[SecondsiteError]]:
    """What plans the networks of the test, if it makes any; a silent VMM is told once."""
    try:
        return await network_maker(run), []
    except SecondsiteError as error:
        return None, [] if seen.inventory is None else [error]


def _sides(
    run: RunContext, placements: Mapping[str, Placement], standing: PlanStanding
) -> dict[str, tuple[SideView, SideView]]:
    return {
        name: (
            standing.vms[name].side(run.source_site_name),
            SideView(site=run.target_site_name, host=each.host, survey=each.survey),
        )
        for name, each in placements.items()
    }


def _networks(run: RunContext, usual: Network | None, look: AdapterLook) -> list[Network]:
    """The networks of the estate that test VMs are connected to, and the one that was asked for."""
    names = [adapter["network"] for facts in look.facts.values() for adapter in facts[PLANNED]]
    found = [run.target_site.network(name) for name in names if name]
    return list({each.name: each for each in (usual, *found) if each is not None}.values())


def _of_left_site(trouble: SecondsiteError) -> str:
    return (
        f"{trouble.message} What earlier runs have seen of the networks and addresses there counts "
        "for this test."
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


def _fact(
    run: RunContext,
    *,
    name: str,
    placement: Placement,
    chosen: Chosen,
    adapters: Mapping[str, Any],
) -> VmFact:
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
            **adapters,
        },
    )
