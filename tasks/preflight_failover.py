"""The look before a real failover, and before what follows one: both sites, and every reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from datetime import datetime
from typing import Any

from secondsite.connectors.fitness import Placement, against_memory
from secondsite.connectors.offers import already, instead, reasons_against
from secondsite.connectors.standing import PlanStanding, SideView, Standing, VmStanding
from secondsite.errors import SecondsiteError
from secondsite.graph import Operation, PrimarySide
from secondsite.run.adapters_seen import COPY, holders
from secondsite.run.events import VmFact
from secondsite.run.finding import Finding, told
from tasks.adapter_look import look_at_adapters, needs_pools
from tasks.adapter_sight import AdapterSight, asks_vmm_of
from tasks.context import RunContext
from tasks.dns_preflight import dns_findings
from tasks.guest_script import against_guest_credentials
from tasks.look import Look, against_server, hardware
from tasks.recovery_points import Chosen, choose
from tasks.surveys import SiteSurvey, a_little_longer, standing_in, survey_site

__all__ = ["look_at_both_sites"]

_NEEDS_SOURCE = frozenset({Operation.PLANNED, Operation.REVERSE, Operation.CANCEL})
_MOVES = frozenset({Operation.PLANNED, Operation.UNPLANNED})


async def look_at_both_sites(run: RunContext) -> Look:
    """Find every VM in both sites, and every reason against the run, at once. Touches nothing.

    An unplanned failover needs nothing of the site that is left: its silence is noted, no more.
    Nor does a cancel of the other one, when people have vouched that it is gone.
    """
    source, target, dns = await asyncio.gather(*_questions(run))
    for host in source.silent:
        run.give_up(host)
    standing = standing_in(
        run.plan,
        run.protection,
        source,
        target,
        holders=holders(
            run.runs_of_vms(), (vm.name for vm in run.plan.vms), (source.site, target.site)
        ),
    )
    points = {
        name: choose(survey, run.options)
        for name, vm in standing.vms.items()
        if run.operation is Operation.UNPLANNED
        and not already(vm, run.operation, run.direction)
        and (survey := vm.side(target.site).survey) is not None
    }
    look = look_at_adapters(
        run,
        {
            name: (vm.side(source.site), vm.side(target.site))
            for name, vm in standing.vms.items()
            if run.operation in {*_MOVES, Operation.CANCEL}
            and not already(vm, run.operation, run.direction)
        },
        surveys=target.surveys,
        inventory=target.inventory,
        left=source.inventory,
    )
    sight = AdapterSight(run=run, inventories={source.site: source.inventory})
    facts = tuple(
        _fact(sight, standing.vms[vm.name], points, look.facts.get(vm.name, {}))
        for vm in run.plan.vms
    )
    findings = [
        *(against_server(each) for each in _silence(run, source, target)),
        *told("replication", _absence(run, standing, target)),
        *told("standing", reasons_against(standing, run.operation, run.direction, run.protection)),
        *told("recovery points", (each.refusal for each in points.values() if each.refusal)),
        *(_against_target(run, standing, target, facts) if run.operation in _MOVES else ()),
        *look.findings,
        *told("twins", _against_twins(run, standing)),
        *dns,
        *against_guest_credentials(run),
    ]
    return Look(
        findings=findings,
        facts=facts,
        notes=[*_warnings(run, source, target, facts), *look.warnings, *run.sites.absent.news()],
        next_step=_next_step(run, standing),
        sides=(source, target),
        evidence={
            "standing": standing.state,
            "vms": len(facts),
            "hosts": [survey.host for survey in target.surveys],
            "other_site": {"silent": list(source.silent), "asked": bool(_source_hosts(run))},
            "lost_minutes": {
                fact.name: _minutes(run, fact)
                for fact in facts
                if run.operation is Operation.UNPLANNED and fact.recovery_point_at is not None
            },
        },
    )


def _questions(
    run: RunContext,
) -> tuple[Awaitable[SiteSurvey], Awaitable[SiteSurvey], Awaitable[list[Finding]]]:
    """Both sites and DNS; a site that may be gone is given a little longer than the other takes."""
    limit_s = run.estate.limits.connect_timeout.total_seconds()
    enough: Awaitable[object] | None = None
    if run.operation is Operation.CANCEL:
        source = asyncio.create_task(_source(run))
        # It may be cancelled because the other site has died: then people are asked, and soon.
        enough = (
            a_little_longer(source, seconds=limit_s)
            if run.cancels_alone
            else asyncio.sleep(limit_s)
        )
        return source, _target(run, enough=enough), _dns(run)
    target = asyncio.create_task(_target(run))
    if run.operation is Operation.UNPLANNED and _source_hosts(run):
        enough = a_little_longer(target, seconds=limit_s)
    return _source(run, enough=enough), target, _dns(run)


def _source_hosts(run: RunContext) -> list[str]:
    """The hosts of the site that is left, if they are asked at all."""
    asks = run.operation in _NEEDS_SOURCE or (
        run.operation is Operation.UNPLANNED and run.options.primary_side is PrimarySide.ATTEMPT
    )
    site = run.estate.sites[run.source_site_name]
    return [host.name for host in site.hosts] if asks else []


async def _source(run: RunContext, *, enough: Awaitable[object] | None = None) -> SiteSurvey:
    hosts = _source_hosts(run)
    site = run.source_site_name
    untold = () if run.operation is Operation.REVERSE else asks_vmm_of(run, site)
    if not hosts:
        names = tuple(host.name for host in run.estate.sites[site].hosts)
        return SiteSurvey(site=site, silent=names)
    return await survey_site(
        run.sites, site, hosts=hosts, with_vmm=bool(untold), adapters_of=untold, enough=enough
    )


async def _target(run: RunContext, *, enough: Awaitable[object] | None = None) -> SiteSurvey:
    site = run.target_site_name
    untold = asks_vmm_of(run, site) if run.operation in _MOVES else ()
    return await survey_site(
        run.sites,
        site,
        hosts=[host.name for host in run.target_site.hosts],
        with_vmm=run.operation in _MOVES and (needs_pools(run) or bool(untold)),
        adapters_of=untold,
        enough=enough,
    )


async def _dns(run: RunContext) -> list[Finding]:
    return await dns_findings(run) if run.operation in _MOVES else []


def _silence(run: RunContext, source: SiteSurvey, target: SiteSurvey) -> list[SecondsiteError]:
    """Servers that had to answer and did not."""
    troubles: list[SecondsiteError] = []
    if run.operation in _NEEDS_SOURCE:
        troubles += [each for each in source.troubles if not _is_vmms(run, each)]
    if run.cancels_alone:
        return troubles
    if run.operation is not Operation.UNPLANNED or not target.surveys:
        troubles += target.troubles
    return troubles


def _is_vmms(run: RunContext, trouble: SecondsiteError) -> bool:
    """Whether it is that of the left site's VMM, without which earlier runs tell the networks."""
    vmm = run.estate.sites[run.source_site_name].vmm.name
    return getattr(trouble, "host", "") == vmm


def _absence(run: RunContext, standing: PlanStanding, target: SiteSurvey) -> list[str]:
    if run.cancels_alone and target.silent:
        return []
    return [
        f"{vm.name} is on none of the hosts of {target.site} that answered: "
        "set up its replication, or take it out of the plan"
        for vm in standing.vms.values()
        if vm.side(target.site).survey is None
    ]


def _fact(
    sight: AdapterSight,
    vm: VmStanding,
    points: Mapping[str, Chosen],
    adapters: Mapping[str, Any],
) -> VmFact:
    run = sight.run
    source, target = vm.side(run.source_site_name), vm.side(run.target_site_name)
    here = source if run.operation is Operation.CANCEL else target
    chosen = points.get(vm.name, Chosen())
    relation = target.relation
    return VmFact(
        name=vm.name,
        id=here.survey.id if here.survey else "",
        site=run.running_site_name,
        host=here.host,
        source_host=source.host,
        recovery_point_at=chosen.made_at or _replicated_at(target),
        facts={
            "standing": str(vm.state),
            "already": already(vm, run.operation, run.direction),
            "replication_mode": relation.mode if relation else "",
            "replication_state": relation.state if relation else "",
            "replication_health": relation.health if relation else "",
            "primary_server": relation.primary_server if relation else "",
            "replica_broker": run.estate.sites[run.source_site_name].replica_broker,
            "memory_mib": target.survey.memory_mib if target.survey else 0,
            "hardware": hardware(here.survey) if here.survey else {},
            "source_state": _power(source),
            "source_addresses": _addresses(source),
            "recovery_point_id": chosen.id,
            COPY: {"id": target.survey.id if target.survey else "", "host": target.host},
            **(adapters or sight.facts(vm.name, source)),
        },
    )


def _addresses(side: SideView) -> list[str]:
    adapters = side.survey.adapters if side.survey else ()
    return [address for adapter in adapters for address in adapter.addresses]


def _power(side: SideView) -> str:
    if side.survey is None:
        return "absent" if side.is_known else "unknown"
    return side.survey.state


def _replicated_at(side: SideView) -> datetime | None:
    relation = side.relation
    made_at = relation.last_replication_at if relation else None
    return datetime.fromisoformat(made_at) if made_at else None


def _against_target(
    run: RunContext, standing: PlanStanding, target: SiteSurvey, facts: Iterable[VmFact]
) -> list[Finding]:
    """Memory and health on the side that takes over."""
    moving = [fact for fact in facts if not fact.facts["already"]]
    placements = {
        fact.name: Placement(vm=fact.name, id=fact.id, host=fact.host, survey=survey)
        for fact in moving
        if (survey := standing.vms[fact.name].side(target.site).survey) is not None
        and survey.state == "Off"
    }
    reasons: list[str] = []
    for fact in moving:
        if run.operation is Operation.PLANNED and fact.facts["standing"] == Standing.PROTECTED:
            source = standing.vms[fact.name].side(run.source_site_name).relation
            if source is None or source.state != "Replicating" or source.health == "Critical":
                state = f"{source.state}, health {source.health}" if source else "not replicated"
                reasons.append(
                    f"{fact.name} in {run.source_site_name} is {state}: mend its replication "
                    "first, or choose an unplanned failover"
                )
    return [*against_memory(placements, target.surveys), *told("replication", reasons)]


def _against_twins(run: RunContext, standing: PlanStanding) -> list[str]:
    """A VM is never started while nobody knows about its twin, unless people vouch for that."""
    others = {
        Operation.UNPLANNED: (run.source_site_name, "still run"),
        Operation.CANCEL: (run.target_site_name, "run"),
    }
    if run.operation not in others or run.options.other_site_is_gone.strip():
        return []
    other, they_run = others[run.operation]
    unknown = [
        vm.name
        for vm in standing.vms.values()
        if vm.side(other).survey is None
        and not vm.side(other).is_known
        and not already(vm, run.operation, run.direction)
    ]
    if not unknown:
        return []
    return [
        f"nobody knows whether {', '.join(unknown)} {they_run} in {other}: make sure that they do "
        'not, and say so with --other-site-is-gone "who says so, and how they know"'
    ]


def _warnings(
    run: RunContext, source: SiteSurvey, target: SiteSurvey, facts: Iterable[VmFact]
) -> list[str]:
    texts = [
        f"{fact.name} is skipped: {fact.facts['already']}."
        for fact in facts
        if fact.facts["already"]
    ]
    other = target if run.operation is Operation.CANCEL else source
    if run.operation is Operation.UNPLANNED or run.cancels_alone:
        texts += [each.message for each in other.troubles]
    if run.operation is not Operation.UNPLANNED:
        texts += [each.message for each in source.troubles if _is_vmms(run, each)]
    if said := run.options.other_site_is_gone:
        texts.append(f"Said in writing about {other.site}: {said}")
    return texts


def _minutes(run: RunContext, fact: VmFact) -> float | None:
    if fact.recovery_point_at is None:
        return None
    return round((run.now() - fact.recovery_point_at).total_seconds() / 60, 1)


def _next_step(run: RunContext, standing: PlanStanding) -> str:
    possible = instead(run.plan.name, standing, run.protection)
    return f"Nothing was touched. Mend these, then start the run again. {possible}".rstrip()
