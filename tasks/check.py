"""The readiness of a plan: the look of a run's preflight, and all that will stop one some day.

Read-only: nothing in either site, and nothing in DNS, is changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from secondsite.connectors.base import Inventory
from secondsite.connectors.readiness import (
    CertificateView,
    HostReadiness,
    judge_certificate,
    judge_guest,
    judge_lag,
    judge_mapping,
    judge_space,
    lag_of,
)
from secondsite.connectors.standing import PlanStanding, SideView
from secondsite.errors import SecondsiteError
from secondsite.plan.estate import Server
from secondsite.run.events import VmFact
from secondsite.run.finding import Finding, Severity, by_severity
from tasks.adapter_sight import asks_vmm_of
from tasks.approvers import approver_findings
from tasks.context import RunContext
from tasks.guest_script import enter_guests
from tasks.look import Look, against_server
from tasks.preflight import look_before
from tasks.surveys import SiteSurvey, answers, standing_in, survey_site

__all__ = ["Checked", "check"]

_SCRIPT_CHANGED = tuple(f"{ending} was changed" for ending in (".ps1", ".py", ".sh"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found.

    Attributes:
        findings: The gravest first.
        vms: The plan's VMs as far as they were found.
        standing: Where the plan's VMs stand in both sites.
        lag_s: How old the data of each VM is in the site in which it would come up.
    """

    findings: tuple[Finding, ...]
    vms: tuple[VmFact, ...]
    standing: PlanStanding
    lag_s: Mapping[str, float]


async def check(run: RunContext, *, changes: Sequence[str] = ()) -> Checked:
    """Everything that somebody should know before a run like `run` is needed.

    Args:
        run: What would be started; its graph, options and direction are those that are judged.
        changes: What has changed since the plan was last verified, in words.
    """
    protection = run.protection
    names = (protection.primary, protection.recovery)
    looked, certificates, approvers = await asyncio.gather(
        _look(run), _certificates(run), approver_findings(run)
    )
    sides = await asyncio.gather(*(_side(run, name, looked.sides) for name in names))
    standing = standing_in(run.plan, protection, *sides)
    readiness = await _readiness(run, (survey.host for side in sides for survey in side.surveys))
    findings = [
        *looked.findings,
        *_troubles(sides),
        *certificates,
        *_replication(run, standing),
        *_guests(run, standing, readiness),
        *await enter_guests(run, _running(run, standing)),
        *judge_space(_placed(run, standing), readiness),
        *judge_mapping(
            protection,
            sites=run.estate.sites,
            views=[vm.home for vm in standing.vms.values()],
            inventories=_inventories(*sides),
        ),
        *approvers,
        *_changed(changes),
    ]
    return Checked(
        findings=tuple(_distinct(findings)),
        vms=looked.facts,
        standing=standing,
        lag_s=_lag_s(run, standing),
    )


async def _look(run: RunContext) -> Look:
    try:
        return await look_before(run)
    except SecondsiteError as error:
        return Look(findings=[against_server(error, area="options")])


async def _side(run: RunContext, site: str, seen: Iterable[SiteSurvey]) -> SiteSurvey:
    """The site with what its VMM server says; what the look has asked is not asked again."""
    untold = asks_vmm_of(run, site)
    known = next((each for each in seen if each.site == site and each.surveys), None)
    if known is None:
        hosts = [host.name for host in run.estate.sites[site].hosts]
        return await survey_site(run.sites, site, hosts=hosts, adapters_of=untold)
    if known.inventory is not None:
        return known
    listed = await survey_site(run.sites, site, hosts=(), adapters_of=untold)
    troubles = (*known.troubles, *listed.troubles)
    return replace(known, inventory=listed.inventory, troubles=troubles)


def _inventories(*sides: SiteSurvey) -> dict[str, Inventory]:
    return {each.site: each.inventory for each in sides if each.inventory is not None}


def _troubles(sides: Iterable[SiteSurvey]) -> list[Finding]:
    """Servers that did not answer, or refused our account; the look has judged those it needs."""
    return [
        against_server(trouble, severity=Severity.ERROR)
        for side in sides
        for trouble in side.troubles
    ]


async def _certificates(run: RunContext) -> list[Finding]:
    servers: list[Server] = [
        server
        for name in (run.protection.primary, run.protection.recovery)
        for server in run.estate.sites[name].servers
    ]
    seen = await answers(run.sites.certificate(server) for server in servers)
    # Who shows none does not answer at all, which the survey tells.
    return [
        finding
        for each in seen
        if isinstance(each, CertificateView)
        for finding in judge_certificate(each, now=run.now())
    ]


async def _readiness(run: RunContext, hosts: Iterable[str]) -> list[HostReadiness]:
    found = await answers(run.sites.host(host).readiness() for host in hosts)
    return [each for each in found if isinstance(each, HostReadiness)]


def _replication(run: RunContext, standing: PlanStanding) -> list[Finding]:
    rpo = run.plan.objectives.rpo
    return [
        finding
        for vm in standing.vms.values()
        if (view := vm.side(run.target_site_name)).relation is not None
        for finding in judge_lag(vm.name, view.relation, host=view.host, rpo=rpo, now=run.now())
    ]


def _lag_s(run: RunContext, standing: PlanStanding) -> dict[str, float]:
    relations = {vm.name: vm.side(run.target_site_name).relation for vm in standing.vms.values()}
    ages = {
        name: lag_of(relation, now=run.now())
        for name, relation in relations.items()
        if relation is not None
    }
    return {name: max(0.0, age.total_seconds()) for name, age in ages.items() if age is not None}


def _guests(
    run: RunContext, standing: PlanStanding, readiness: Iterable[HostReadiness]
) -> list[Finding]:
    by_host = {each.host: each for each in readiness}
    return [
        finding
        for vm in standing.vms.values()
        for view in (vm.side(run.source_site_name),)
        if view.survey is not None and view.host in by_host
        for finding in judge_guest(
            vm.name,
            by_host[view.host].vm(view.survey.id),
            host=view.host,
            is_running=view.is_running,
        )
    ]


def _running(run: RunContext, standing: PlanStanding) -> dict[str, tuple[str, str]]:
    """Host and id of each VM that runs in the site that would be left."""
    return {
        vm.name.casefold(): (view.host, view.survey.id)
        for vm in standing.vms.values()
        for view in (vm.side(run.source_site_name),)
        if view.survey is not None and view.is_running
    }


def _placed(run: RunContext, standing: PlanStanding) -> dict[str, tuple[str, str, int]]:
    views: dict[str, SideView] = {
        vm.name: vm.side(run.target_site_name) for vm in standing.vms.values()
    }
    return {
        name: (view.host, view.survey.id, view.survey.memory_mib)
        for name, view in views.items()
        if view.survey is not None and not view.is_running
    }


def _changed(changes: Sequence[str]) -> list[Finding]:
    return [
        Finding(
            severity=Severity.WARNING,
            area="scripts" if change.endswith(_SCRIPT_CHANGED) else "plan",
            sentence=f"{change} since the plan was last verified",
            remedy="rehearse the plan again: secondsite rehearse",
        )
        for change in changes
    ]


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """The gravest first; of two that say the same, the graver one."""
    kept: dict[tuple[str, str], Finding] = {}
    for each in by_severity(findings):
        kept.setdefault((each.sentence, each.host), each)
    return list(kept.values())
