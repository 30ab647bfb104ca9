"""The look before a real failover, and before what follows one: both sites, and every reason."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import ip_interface

from secondsite.connectors.fitness import Placement, against_memory
from secondsite.connectors.offers import already, command, offered, reasons_against
from secondsite.connectors.standing import PlanStanding, SideView, Standing, VmStanding, stand
from secondsite.errors import SecondsiteError
from secondsite.graph import Operation, PrimarySide
from secondsite.plan.estate import Network
from secondsite.plan.model import Direction, PlannedVm, StaticAddress
from secondsite.run.events import VmFact
from secondsite.run.finding import Finding, told
from tasks.context import RunContext
from tasks.dns_preflight import dns_findings
from tasks.look import Look, against_server, hardware
from tasks.recovery_points import Chosen, choose
from tasks.script import unsupported_places
from tasks.surveys import SiteSurvey, survey_site

__all__ = ["look_at_both_sites"]

_NEEDS_SOURCE = frozenset({Operation.PLANNED, Operation.REVERSE, Operation.CANCEL})
_MOVES = frozenset({Operation.PLANNED, Operation.UNPLANNED})


async def look_at_both_sites(run: RunContext) -> Look:
    """Find every VM in both sites, and every reason against the run, at once. Touches nothing.

    An unplanned failover needs nothing of the site that is left: its silence is noted, no more.
    """
    looking = asyncio.create_task(_target(run))
    source, target, dns = await asyncio.gather(_source(run, looking), looking, _dns(run))
    for host in source.silent:
        run.give_up(host)
    standing = stand(
        run.plan,
        run.protection,
        surveys={each.site: each.surveys for each in (source, target)},
        silent={each.site: each.silent for each in (source, target)},
    )
    points = {
        name: choose(survey, run.options)
        for name, vm in standing.vms.items()
        if run.operation is Operation.UNPLANNED
        and not already(vm, run.operation, run.direction)
        and (survey := vm.side(target.site).survey) is not None
    }
    facts = tuple(_fact(run, standing.vms[vm.name], vm, points) for vm in run.plan.vms)
    findings = [
        *(against_server(each) for each in _silence(run, source, target)),
        *told("replication", _absence(standing, target)),
        *told("standing", reasons_against(standing, run.operation, run.direction, run.protection)),
        *told("recovery points", (each.refusal for each in points.values() if each.refusal)),
        *(_against_target(run, standing, target, facts) if run.operation in _MOVES else ()),
        *told("twins", _against_twins(run, facts)),
        *told("replication", _against_reversal(run, standing, source)),
        *dns,
        *told("scripts", unsupported_places(run)),
    ]
    return Look(
        findings=findings,
        facts=facts,
        notes=_warnings(run, source, facts),
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


def _source_hosts(run: RunContext) -> list[str]:
    """The hosts of the site that is left, if they are asked at all."""
    asks = run.operation in _NEEDS_SOURCE or (
        run.operation is Operation.UNPLANNED and run.options.primary_side is PrimarySide.ATTEMPT
    )
    site = run.estate.sites[run.source_site_name]
    return [host.name for host in site.hosts] if asks else []


async def _source(run: RunContext, target: asyncio.Task[SiteSurvey]) -> SiteSurvey:
    hosts = _source_hosts(run)
    site = run.source_site_name
    if not hosts:
        names = tuple(host.name for host in run.estate.sites[site].hosts)
        return SiteSurvey(site=site, silent=names)
    return await survey_site(
        run.sites,
        site,
        hosts=hosts,
        with_vmm=False,
        enough=_patience(run, target) if run.operation is Operation.UNPLANNED else None,
    )


async def _patience(run: RunContext, target: asyncio.Task[SiteSurvey]) -> None:
    """A site that lives answers about as fast as the other one: a little later it is given up."""
    await asyncio.wait({target})
    await asyncio.sleep(run.estate.limits.connect_timeout.total_seconds())


async def _target(run: RunContext) -> SiteSurvey:
    site = run.target_site_name
    return await survey_site(
        run.sites, site, hosts=[host.name for host in run.target_site.hosts], with_vmm=False
    )


async def _dns(run: RunContext) -> list[Finding]:
    return await dns_findings(run) if run.operation in _MOVES else []


def _silence(run: RunContext, source: SiteSurvey, target: SiteSurvey) -> list[SecondsiteError]:
    """Servers that had to answer and did not."""
    troubles: list[SecondsiteError] = []
    if run.operation in _NEEDS_SOURCE:
        troubles += source.troubles
    if run.operation is not Operation.UNPLANNED or not target.surveys:
        troubles += target.troubles
    return troubles


def _absence(standing: PlanStanding, target: SiteSurvey) -> list[str]:
    return [
        f"{vm.name} is on none of the hosts of {target.site} that answered: "
        "set up its replication, or take it out of the plan"
        for vm in standing.vms.values()
        if vm.side(target.site).survey is None
    ]


def _fact(
    run: RunContext, vm: VmStanding, planned: PlannedVm, points: Mapping[str, Chosen]
) -> VmFact:
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
            "network": _network_name(run, planned, source),
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


def _network_name(run: RunContext, vm: PlannedVm, source: SideView) -> str | None:
    """The network of the other site for the VM: mapped from where it is, or told by its address."""
    mapped = _mapped(run)
    site = run.estate.sites[run.source_site_name]
    adapters = source.survey.adapters if source.survey else ()
    for adapter in adapters:
        for network in site.networks:
            is_here = (adapter.switch, adapter.vlan) == (network.switch, network.vlan)
            if is_here and network.name.casefold() in mapped:
                return mapped[network.name.casefold()]
    production = [
        network
        for network in run.target_site.networks
        if network.purpose == "production" and network.name in mapped.values()
    ]
    if len(production) == 1:
        return production[0].name
    return next((each.name for each in production if _holds(each, vm)), None)


def _mapped(run: RunContext) -> dict[str, str]:
    """Network of the source → network of the target, whatever the direction."""
    pairs = run.protection.networks.items()
    if run.direction is Direction.FORWARD:
        return {here.casefold(): there for here, there in pairs}
    return {there.casefold(): here for here, there in pairs}


def _holds(network: Network, vm: PlannedVm) -> bool:
    address = vm.address
    return (
        isinstance(address, StaticAddress)
        and address.ipv4 is not None
        and any(ip_interface(address.ipv4).ip in subnet for subnet in network.subnets)
    )


def _against_target(
    run: RunContext, standing: PlanStanding, target: SiteSurvey, facts: Iterable[VmFact]
) -> list[Finding]:
    """Memory, networks and health on the side that takes over."""
    moving = [fact for fact in facts if not fact.facts["already"]]
    placements = {
        fact.name: Placement(vm=fact.name, id=fact.id, host=fact.host, survey=survey)
        for fact in moving
        if (survey := standing.vms[fact.name].side(target.site).survey) is not None
        and survey.state == "Off"
    }
    reasons: list[str] = []
    switches = {survey.host: survey.switches for survey in target.surveys}
    for fact in moving:
        network = run.target_site.network(fact.facts["network"]) if fact.facts["network"] else None
        if network is None and run.protection.networks:
            reasons.append(
                f"{fact.name}: nothing tells its network in {target.site}: complete `networks` of "
                "the protection in the estate"
            )
        elif network is not None and network.switch not in switches.get(fact.host, ()):
            reasons.append(
                f"{fact.host} has no virtual switch {network.switch!r}, which carries "
                f"{network.name}: create it there, or mend the network's `switch` in the estate"
            )
        if run.operation is Operation.PLANNED and fact.facts["standing"] == Standing.PROTECTED:
            source = standing.vms[fact.name].side(run.source_site_name).relation
            if source is None or source.state != "Replicating" or source.health == "Critical":
                state = f"{source.state}, health {source.health}" if source else "not replicated"
                reasons.append(
                    f"{fact.name} in {run.source_site_name} is {state}: mend its replication "
                    "first, or choose an unplanned failover"
                )
    return [*against_memory(placements, target.surveys), *told("mapping", reasons)]


def _against_twins(run: RunContext, facts: Iterable[VmFact]) -> list[str]:
    """A VM is never started while nobody knows about its twin, unless people vouch for that."""
    if run.operation is not Operation.UNPLANNED or run.options.other_site_is_gone.strip():
        return []
    unknown = [
        fact.name
        for fact in facts
        if fact.facts["source_state"] == "unknown" and not fact.facts["already"]
    ]
    if not unknown:
        return []
    return [
        f"nobody knows whether {', '.join(unknown)} still run in {run.source_site_name}: make sure "
        'that they do not, and say so with --other-site-is-gone "who says so, and how they know"'
    ]


def _against_reversal(run: RunContext, standing: PlanStanding, source: SiteSurvey) -> list[str]:
    """What Hyper-V cannot turn round (extended replication, reference §3.6)."""
    if run.operation not in {Operation.PLANNED, Operation.REVERSE}:
        return []
    return [
        f"{vm.name} in {vm.side(run.target_site_name).site} is itself replicated on to a third "
        f"server: Hyper-V cannot reverse it to {source.site} until that extended replication is "
        "removed (Remove-VMReplication -ReplicationRelationshipType Extended)"
        for vm in standing.vms.values()
        if vm.side(run.target_site_name).is_extended
    ]


def _warnings(run: RunContext, source: SiteSurvey, facts: Iterable[VmFact]) -> list[str]:
    texts = [
        f"{fact.name} is skipped: {fact.facts['already']}."
        for fact in facts
        if fact.facts["already"]
    ]
    if run.operation is Operation.UNPLANNED:
        texts += [each.message for each in source.troubles]
        if run.options.other_site_is_gone:
            said = run.options.other_site_is_gone
            texts.append(f"Said in writing about {source.site}: {said}")
    return texts


def _minutes(run: RunContext, fact: VmFact) -> float | None:
    if fact.recovery_point_at is None:
        return None
    return round((run.now() - fact.recovery_point_at).total_seconds() / 60, 1)


def _next_step(run: RunContext, standing: PlanStanding) -> str:
    possible = [
        command(run.plan.name, operation, direction)
        for operation, direction in offered(standing, run.protection)
    ]
    instead = f" Possible now: {'; '.join(possible)}." if possible else ""
    return f"Nothing was touched. Mend these, then start the run again.{instead}"
