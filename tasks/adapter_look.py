"""The part of a preflight that is about network adapters: what is seen, planned, and against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from secondsite.connectors.adapter_fitness import (
    VmAdapters,
    against_adapters,
    against_pools,
    against_test_network,
    against_virtual,
    warnings_about,
)
from secondsite.connectors.adapters import numbered
from secondsite.connectors.base import HostSurvey, Inventory
from secondsite.connectors.network_maker import NetworkMaker
from secondsite.connectors.standing import SideView
from secondsite.connectors.virtual_fitness import against_connecting, against_isolation
from secondsite.graph import Operation
from secondsite.plan.adapter_plan import AdapterPlanner, PlannedAdapter, SeenAdapter, slot_of
from secondsite.plan.adapter_rules import has_pool
from secondsite.plan.estate import Network
from secondsite.plan.model import PlannedVm
from secondsite.run.adapters_seen import PLANNED, TARGET, TARGET_SITE, VIRTUAL_NETWORK
from secondsite.run.finding import Finding, Severity, told
from tasks.adapter_sight import AdapterSight, asks_vmm_of
from tasks.context import RunContext
from tasks.options import TestNetworkChoice

__all__ = [
    "AdapterLook",
    "asks_source",
    "look_at_adapters",
    "needs_pools",
    "network_maker",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterLook:
    """What a preflight found out about the adapters of the VMs.

    Attributes:
        facts: What the journal keeps, by VM.
        findings: Against the run, or worth knowing.
        warnings: The latter in words.
    """

    facts: Mapping[str, Mapping[str, Any]]
    findings: Sequence[Finding] = ()
    warnings: Sequence[str] = ()


def needs_pools(run: RunContext) -> bool:
    """Whether VMM has to tell its address pools."""
    return any(has_pool(vm) for vm in run.plan.vms)


async def network_maker(run: RunContext) -> NetworkMaker | None:
    """What plans the networks that this test makes for itself; None if it makes none.

    Raises:
        SiteError: VMM does not tell its logical networks.
    """
    if run.options.network is not TestNetworkChoice.CREATED:
        return None
    return NetworkMaker(
        run_id=run.run_id,
        site=run.target_site,
        protection=run.protection,
        views=await run.sites.vmm(run.target_site_name).logical_networks(),
    )


def asks_source(run: RunContext) -> bool:
    """Whether networks or addresses of this run depend on what the site shows that is left."""
    protection = run.protection
    return (
        bool(protection.subnets)
        or len(protection.networks) > 1
        or any(vm.adapters or has_pool(vm) for vm in run.plan.vms)
    )


def look_at_adapters(
    run: RunContext,
    sides: Mapping[str, tuple[SideView, SideView]],
    *,
    surveys: Sequence[HostSurvey],
    inventory: Inventory | None = None,
    left: Inventory | None = None,
    maker: NetworkMaker | None = None,
) -> AdapterLook:
    """Plan the adapters of every VM, and judge what came of it.

    Args:
        run: The run; of its VMs those in `sides` count.
        sides: By VM, (in the site that is left, in the site in which it comes up).
        surveys: Of the hosts of the latter.
        inventory: Of its VMM server.
        left: Of that of the site that is left, where only VMM knows its networks.
        maker: Of a test that makes its networks itself.
    """
    in_run = maker.network_for if maker is not None else run.in_run
    sight = AdapterSight(
        run=run, inventories={run.target_site_name: inventory, run.source_site_name: left}
    )
    vms = [
        each
        for vm in run.plan.vms
        if vm.name in sides and (each := _planned(sight, vm, *sides[vm.name], in_run))
    ]
    if maker is not None:
        inventory = maker.added_to(inventory)
    vms = [_narrowed(each, inventory) for each in vms]
    facts = {each.name: _facts(sight, each, sides[each.name][0]) for each in vms}
    if run.operation is Operation.CANCEL:
        return AdapterLook(facts=facts)
    reasons = [
        *_against_silence(sight, vms),
        *against_isolation(run.target_site, inventory, _names(run, vms)),
        *against_isolation(run.estate.sites[run.source_site_name], left, _names(run, vms)),
        *against_connecting(vms, site=run.target_site, inventory=inventory, is_test=run.is_test),
        *against_adapters(
            vms,
            site=run.target_site,
            surveys=surveys,
            is_mapped=bool(run.protection.networks),
            made=[each.as_network() for each in maker.made] if maker is not None else (),
        ),
        *against_pools(vms, inventory, vmm=run.target_site.vmm.name),
    ]
    if run.is_test:
        reasons += against_virtual(vms, inventory)
        if run.options.network in {TestNetworkChoice.ESTATE, TestNetworkChoice.EXISTING}:
            reasons += against_test_network(vms)
    if maker is not None:
        reasons += [*maker.reasons, *maker.against_hosts(vms)]
    # Without the networks that it was to make, nothing that follows is as it would be.
    warnings = warnings_about(vms) if maker is None or not maker.reasons else []
    return AdapterLook(
        facts=facts,
        findings=[*told("addresses", dict.fromkeys(reasons)), *(_worth_knowing(warnings))],
        warnings=warnings,
    )


def _worth_knowing(warnings: Sequence[str]) -> list[Finding]:
    return [
        Finding(
            severity=Severity.WARNING,
            area="addresses",
            sentence=each.removesuffix("."),
            remedy="if something else is meant, write it as `address` or `adapters` of that VM",
        )
        for each in warnings
    ]


def _names(run: RunContext, vms: Sequence[VmAdapters]) -> set[str]:
    """The networks that adapters are connected to in this run, and those of real failovers."""
    mapped = {name for pair in run.protection.networks.items() for name in pair}
    return mapped | {each.network for vm in vms for each in vm.adapters if each.network}


def _against_silence(sight: AdapterSight, vms: Sequence[VmAdapters]) -> list[str]:
    """VMs of a planned failover whose networks nobody knows: that is no time for guessing."""
    run, site = sight.run, sight.run.source_site_name
    if run.operation is not Operation.PLANNED or not asks_vmm_of(run, site):
        return []
    names = [
        each.name
        for each in vms
        if any(seen.is_untold for seen in sight.in_source(each.vm, each.source) or ())
    ]
    if not names:
        return []
    return [
        f"only VMM knows the networks of {', '.join(names)} in {site} (Windows Network "
        f"Virtualization), and {run.estate.sites[site].vmm.name} does not tell them: mend VMM, "
        "refresh the hosts there, then start again"
    ]


def _planned(
    sight: AdapterSight,
    vm: PlannedVm,
    source: SideView,
    target: SideView,
    in_run: Callable[[str | None], Network | None],
) -> VmAdapters | None:
    run = sight.run
    here = source if run.operation is Operation.CANCEL else target
    if here.survey is None:
        return None
    if run.operation is Operation.CANCEL:
        planned = _as_they_are(sight.seen(source.site, here.survey))
    else:
        planner = AdapterPlanner(
            protection=run.protection,
            direction=run.direction,
            target_site=run.target_site,
            in_run=in_run,
            is_test=run.is_test,
        )
        planned = planner.plan(
            vm,
            source=sight.in_source(vm, source.survey),
            target=sight.seen(run.target_site_name, here.survey),
            former=sight.before(vm.name, run.target_site_name) or (),
        )
    return VmAdapters(
        vm=vm,
        host=here.host,
        copy=here.survey,
        adapters=planned,
        source=source.survey,
        places=sight.places(here.site, here.survey) or {},
    )


def _as_they_are(adapters: Sequence[SeenAdapter]) -> tuple[PlannedAdapter, ...]:
    """A VM that starts where it was: nothing about it changes."""
    return tuple(
        PlannedAdapter(name=each.name, number=each.number, network=each.network, keeps=True)
        for each in adapters
    )


def _narrowed(vm: VmAdapters, inventory: Inventory | None) -> VmAdapters:
    adapters = tuple(
        _with_allocation(vm, _within_pools(each, inventory), inventory) for each in vm.adapters
    )
    return replace(vm, adapters=adapters)


def _with_allocation(
    vm: VmAdapters, adapter: PlannedAdapter, inventory: Inventory | None
) -> PlannedAdapter:
    """Whether VMM is to give it an address: on a virtual network it is the DHCP server.

    One that keeps what it has inside may need it as well, if there is anything to give.
    """
    is_there = (vm.places.get(adapter.slot) or "").casefold() == (adapter.network or "").casefold()
    if not adapter.is_virtual or adapter.keeps or is_there:
        return adapter
    network = inventory.network(adapter.network or "") if inventory is not None else None
    has_pool = network is not None and any(pool.version == 4 for pool in network.pools)
    wants = adapter.rule == "dhcp" or (adapter.rule == "keep" and has_pool)
    return replace(adapter, is_allocated=wants)


def _within_pools(adapter: PlannedAdapter, inventory: Inventory | None) -> PlannedAdapter:
    """With the wanted addresses that the network's pools may grant at all."""
    if adapter.rule != "pool" or inventory is None:
        return adapter
    network = inventory.network(adapter.network or "")
    pools = network.pools if network is not None else ()
    wanted = (each for each in adapter.wanted if any(pool.holds(each) for pool in pools))
    return replace(adapter, wanted=tuple(wanted))


def _facts(sight: AdapterSight, each: VmAdapters, source: SideView) -> dict[str, Any]:
    run = sight.run
    facts: dict[str, Any] = {
        PLANNED: [adapter.as_dict() for adapter in each.adapters],
        TARGET_SITE: run.target_site_name,
        **sight.facts(each.name, source),
    }
    if run.operation is not Operation.CANCEL:
        facts[TARGET] = [
            {
                "name": adapter.name,
                "number": number,
                "switch": adapter.switch,
                "vlan": adapter.vlan,
                VIRTUAL_NETWORK: each.places.get(slot_of(adapter.name, number)),
                "failover": dict(adapter.failover),
            }
            for number, adapter in numbered(each.copy.adapters)
        ]
    return facts
