"""Which networks the adapters of a run's VMs are on: its hosts, its VMM and earlier runs tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from secondsite.connectors.adapters import VirtualPlaces, seen_adapters, virtual_places
from secondsite.connectors.base import Inventory, VmSurvey
from secondsite.connectors.standing import SideView
from secondsite.plan.adapter_plan import SeenAdapter
from secondsite.plan.model import PlannedVm
from secondsite.run.adapters_seen import SOURCE, SOURCE_SITE, remembered
from tasks.context import RunContext

__all__ = ["AdapterSight", "asks_vmm_of"]


def asks_vmm_of(run: RunContext, site: str) -> tuple[str, ...]:
    """The VMs whose adapters only VMM tells in that site; none where no network of it is virtual.

    Of what the protection maps; of a test, whatever of the site it may be connected to.
    """
    protection, found = run.protection, run.estate.sites[site]
    names = {name for pair in protection.networks.items() for name in pair}
    if run.is_test and site == run.target_site_name:
        names |= {each.name for each in found.networks}
    wanted = {each.casefold() for each in names}
    if any(each.is_virtual and each.name.casefold() in wanted for each in found.networks):
        return tuple(vm.name for vm in run.plan.vms)
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSight:
    """What a run has seen of the adapters of its VMs.

    Attributes:
        inventories: By site, what its VMM server told.
    """

    run: RunContext
    inventories: Mapping[str, Inventory | None] = field(default_factory=dict)

    def places(self, site: str, survey: VmSurvey) -> VirtualPlaces | None:
        """The virtual networks that the VM is on; None: VMM did not tell, and had to."""
        if not asks_vmm_of(self.run, site):
            return {}
        return virtual_places(self.inventories.get(site), survey.id)

    def seen(self, site: str, survey: VmSurvey) -> tuple[SeenAdapter, ...]:
        """The adapters of a VM in `site` as they are now."""
        return seen_adapters(survey, self.run.estate.sites[site], self.places(site, survey))

    def before(self, vm: str, site: str) -> tuple[SeenAdapter, ...] | None:
        """The adapters of that VM as earlier runs have seen them in `site`."""
        found = remembered(self.run.runs_of_vms(), vm, site)
        return None if found is None else tuple(SeenAdapter.from_dict(each) for each in found)

    def in_source(self, vm: PlannedVm, survey: VmSurvey | None) -> tuple[SeenAdapter, ...] | None:
        """The adapters in the site that is left; what is not seen now, earlier runs may have."""
        before = self.before(vm.name, self.run.source_site_name)
        if survey is None:
            return before
        known = {each.slot: each for each in before or ()}
        return tuple(
            _completed(each, known.get(each.slot))
            for each in self.seen(self.run.source_site_name, survey)
        )

    def facts(self, vm: str, source: SideView) -> dict[str, Any]:
        """What the journal keeps of the VM in the site that is left; runs to come may need it."""
        if source.survey is None:
            return {SOURCE_SITE: source.site}
        seen = self.seen(source.site, source.survey)
        before = self.before(vm, source.site) if any(each.is_untold for each in seen) else None
        known = {each.slot: each for each in before or ()}
        return {
            SOURCE_SITE: source.site,
            SOURCE: [_placed(each, known.get(each.slot)).as_dict() for each in seen],
        }


def _completed(seen: SeenAdapter, before: SeenAdapter | None) -> SeenAdapter:
    placed = _placed(seen, before)
    if seen.addresses or before is None:
        return placed
    return replace(placed, addresses=before.addresses)


def _placed(seen: SeenAdapter, before: SeenAdapter | None) -> SeenAdapter:
    """With the network that an earlier run has seen it on, where VMM is silent."""
    if not seen.is_untold:
        return seen
    if before is not None and before.network is not None and not before.is_untold:
        return replace(seen, network=before.network, is_untold=False)
    # The estate may have a network without VLAN on that switch: that is better than a guess.
    return replace(seen, is_untold=seen.network is None)
