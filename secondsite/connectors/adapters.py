"""The adapters of a surveyed VM, and what addresses are expected of them once it runs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar

from secondsite.connectors.addresses import usable_addresses
from secondsite.connectors.base import (
    Adapter,
    AdapterObservation,
    Inventory,
    InventoryAdapter,
    VmObservation,
    VmSurvey,
)
from secondsite.plan.adapter_plan import PlannedAdapter, SeenAdapter, Slot, slot_of
from secondsite.plan.estate import Network, Site
from secondsite.plan.quantities import Subnet
from secondsite.plan.subnet_rules import Address

__all__ = [
    "Expectation",
    "ExpectedAdapter",
    "VirtualPlaces",
    "numbered",
    "seen_adapters",
    "virtual_places",
]

VirtualPlaces = Mapping[Slot, str]
"""Which adapters of a VM are on virtual networks, and on which: only VMM knows that."""
_A = TypeVar("_A", Adapter, InventoryAdapter)
_NOWHERE: VirtualPlaces = {}


def numbered(adapters: Iterable[_A]) -> Iterator[tuple[int, _A]]:
    """Each adapter with its place among those of its name."""
    count: Counter[str] = Counter()
    for adapter in adapters:
        yield count[adapter.name.casefold()], adapter
        count[adapter.name.casefold()] += 1


def virtual_places(inventory: Inventory | None, vm_id: str) -> VirtualPlaces | None:
    """The adapters of that VM which VMM shows on virtual networks; None: VMM does not tell."""
    vm = inventory.vm(vm_id) if inventory is not None else None
    if inventory is None or vm is None or vm.adapters is None:
        return None
    places = {}
    for number, adapter in numbered(vm.adapters):
        network = inventory.network(adapter.network) if adapter.network else None
        if network is not None and network.is_virtual:
            places[slot_of(adapter.name, number)] = network.name
    return places


def seen_adapters(
    survey: VmSurvey, site: Site, places: VirtualPlaces | None = _NOWHERE
) -> tuple[SeenAdapter, ...]:
    """The adapters of a VM in `site`, each with the network of the estate that it is on.

    Args:
        survey: What its host shows: switch and VLAN, which tell other than virtual networks.
        site: Whose networks.
        places: Which of them are on virtual networks; None: some may be, and VMM does not tell.
    """
    return tuple(
        SeenAdapter(
            name=adapter.name,
            number=number,
            network=_network(adapter, site, (places or {}).get(slot_of(adapter.name, number))),
            is_connected=adapter.switch is not None,
            addresses=adapter.addresses,
            # A virtual network has no VLAN.
            is_untold=places is None and adapter.switch is not None and adapter.vlan is None,
        )
        for number, adapter in numbered(survey.adapters)
    )


def _network(adapter: Adapter, site: Site, virtual: str | None) -> str | None:
    if adapter.switch is None:
        return None
    if virtual is not None:
        known = site.network(virtual)
        return known.name if known is not None else None
    wire = (adapter.switch.casefold(), adapter.vlan)
    found = (
        each
        for each in site.networks
        if not each.is_virtual and (each.switch.casefold(), each.vlan) == wire
    )
    return next((each.name for each in found), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAdapter:
    """A connected adapter.

    Attributes:
        plan: What was planned for it.
        network: What it is connected to.
        planned: The addresses that it was given, where that is known; nothing else counts then.
        left: Subnets of the site that the VM leaves: where the network does not tell its own
            subnets, addresses in these are stale.
    """

    plan: PlannedAdapter
    network: Network
    planned: frozenset[str] = frozenset()
    left: tuple[Subnet, ...] = ()

    def usable(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """Those that count: of the expected prefix, and not link-local, IPv4 first."""
        return tuple(each for each in usable_addresses(addresses) if self._counts(each))

    def is_satisfied(self, addresses: Sequence[str]) -> bool:
        """Whether nothing more is to be waited for."""
        if self.planned:
            return self.planned <= set(addresses)
        return bool(addresses)

    def _counts(self, text: str) -> bool:
        if self.planned:
            return text in self.planned
        address = ip_address(text)
        if self.network.subnets:
            return _within(address, self.network.subnets)
        return not _within(address, self.left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What addresses a VM must show; empty for one that is on no network of the estate."""

    adapters: tuple[ExpectedAdapter, ...] = ()

    @property
    def first(self) -> ExpectedAdapter | None:
        """The adapter whose addresses are the VM's: services and names are looked for there."""
        return next(iter(self.adapters), None)

    def shown(self, seen: VmObservation) -> dict[Slot, tuple[str, ...]]:
        """What counts of what the guest reports, by adapter."""
        reported = {slot_of(each.name, each.number): each for each in seen.adapters}
        return {
            each.plan.slot: each.usable(_reported(reported.get(each.plan.slot), seen))
            for each in self.adapters
        }

    def best(self, seen: VmObservation) -> tuple[str, ...]:
        """The VM's addresses: those of its first connected adapter."""
        return self.shown(seen)[self.first.plan.slot] if self.first else ()

    def missing(self, shown: dict[Slot, tuple[str, ...]]) -> list[ExpectedAdapter]:
        """Adapters that must show more: the first, and those whose address comes from a rule."""
        return [
            each
            for each in self.adapters
            if (each is self.first or each.plan.rule != "keep")
            and not each.is_satisfied(shown[each.plan.slot])
        ]

    def among(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """Those that count for any of the adapters: for a source that does not tell them apart."""
        given = list(addresses)
        fit = {found for each in self.adapters for found in each.usable(given)}
        return usable_addresses(fit)

    def covers(self, addresses: Iterable[str]) -> bool:
        """Whether these are all that is waited for, whichever adapter has which."""
        fit = self.among(addresses)
        return not self.missing({each.plan.slot: each.usable(fit) for each in self.adapters})


def _reported(found: AdapterObservation | None, seen: VmObservation) -> tuple[str, ...]:
    if seen.adapters:
        return found.addresses if found is not None else ()
    return seen.addresses


def _within(address: Address, subnets: Iterable[Subnet]) -> bool:
    return any(each.version == address.version and address in each for each in subnets)
