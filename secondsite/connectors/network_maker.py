"""Which VM networks a test makes for itself: as Azure Site Recovery did with a logical network.

Of a virtual one (Windows Network Virtualization) copies of the mapped networks, subnets and static
pools alike. Of one with VLANs a network for each free VLAN that fits best. Of one without isolation
the only VM network that there can be. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from secondsite.connectors.adapter_fitness import VmAdapters
from secondsite.connectors.base import Inventory, InventoryNetwork, InventoryPool
from secondsite.connectors.logical_networks import LogicalView, NetworkView, SiteView
from secondsite.connectors.virtual_fitness import is_among, without_logical_network
from secondsite.plan.created_networks import reasons_against_created
from secondsite.plan.estate import Network, Protection, Site
from secondsite.plan.made_network import MadeNetwork, MadeSubnet

__all__ = ["NetworkMaker"]

_KINDS = {
    "none": "NoIsolation",
    "vlan": "VLANNetwork",
    "virtual": "WindowsNetworkVirtualization",
}


@dataclass(slots=True, kw_only=True)
class NetworkMaker:
    """Plans the networks of one test, one for each network that its VMs belong to.

    Attributes:
        run_id: Part of every name, so that the networks are found again.
        site: Where the test VMs come up.
        views: What its VMM server shows.
    """

    run_id: str
    site: Site
    protection: Protection
    views: Sequence[LogicalView]
    _made: dict[str, MadeNetwork | None] = field(default_factory=dict)
    _told: list[str] = field(init=False)
    _reasons: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """What the estate alone tells against it: then nothing is planned at all."""
        self._told = reasons_against_created(self.site, self.protection)

    @property
    def made(self) -> tuple[MadeNetwork, ...]:
        """The networks that were asked for and are possible."""
        return tuple(each for each in self._made.values() if each is not None)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why others are not."""
        return tuple(dict.fromkeys([*self._told, *self._reasons]))

    def network_for(self, mapped: str | None) -> Network | None:
        """The network that takes the place of `mapped`; the same whenever it is asked for."""
        key = (mapped or "").casefold()
        if key not in self._made:
            self._made[key] = None if self._told else self._plan(mapped)
        found = self._made[key]
        return found.as_network() if found is not None else None

    def against_hosts(self, vms: Sequence[VmAdapters]) -> Iterator[str]:
        """Hosts of test VMs on which the networks cannot be had."""
        hosts = {
            each.name: (each.logical_network, self._view(each.logical_network))
            for each in self.made
        }
        seen: set[tuple[str, str]] = set()
        for vm in vms:
            for adapter in vm.adapters:
                logical, view = hosts.get(adapter.network or "", ("", None))
                if view is None or (vm.host, logical) in seen:
                    continue
                seen.add((vm.host, logical))
                if not is_among(vm.host, view.hosts):
                    yield without_logical_network(vm.host, vm.name, logical, is_test=True)

    def added_to(self, inventory: Inventory | None) -> Inventory | None:
        """The inventory as it will be with the networks in it."""
        if inventory is None:
            return None
        added = tuple(self._in_inventory(each) for each in self.made)
        return replace(inventory, networks=(*inventory.networks, *added))

    def _plan(self, mapped: str | None) -> MadeNetwork | None:
        usual = self._mapped(mapped)
        name = self.protection.test_logical_network
        if name is None:
            if usual is None:
                what = f"VMM does not know {mapped}" if mapped else "no network is mapped"
                return self._not(
                    f"{what}, so there is nothing to make a test network of: mend `networks` of "
                    "the protection, or write its `test_logical_network`"
                )
            view: LogicalView | None = usual[0]
        else:
            view = self._view(name)
        if view is None:
            return self._not(f"VMM has no logical network {name}: mend `test_logical_network`")
        if view.isolation not in _KINDS:
            return self._not(
                f"{view.name} is isolated by private VLANs, of which no test network can be made: "
                "name another logical network"
            )
        if name is None and view.isolation != "virtual":
            return self._not(
                f"{mapped} is of the logical network {view.name}, whose VLANs lead into production:"
                " name a separate one with isolated network sites as `test_logical_network` of the "
                "protection"
            )
        written = self.site.logical_network(view.name)
        if written is not None and written.isolation != view.isolation:
            return self._not(
                f"the estate says that {view.name} is isolated by {written.isolation!r}, and VMM "
                f"shows {view.isolation!r}: mend the estate"
            )
        if view.isolation == "virtual":
            return self._copy(view, mapped, usual[1] if usual is not None else None)
        return self._of_site(view, mapped, usual[1] if usual is not None else None)

    def _copy(
        self, view: LogicalView, mapped: str | None, usual: NetworkView | None
    ) -> MadeNetwork | None:
        """With virtualization: subnets and pools are those of the network it takes the place of."""
        choose = "name a logical network without virtualization, or choose another test network"
        if usual is None:
            what = f"VMM does not know {mapped}" if mapped else "no network is mapped"
            return self._not(f"{what}, so there is nothing to copy: {choose}")
        if usual.isolation == "NoIsolation" or not usual.subnets:
            return self._not(
                f"{usual.name} has no isolation and {view.name} is virtual (Windows Network "
                "Virtualization), so there are no subnets that could be copied, and no VM of "
                f"{usual.name} can be tested there: {choose}"
            )
        if not any(subnet.pools for subnet in usual.subnets):
            return self._not(
                f"{usual.name} has its addresses by DHCP, without a static IP address pool, and "
                f"{view.name} is virtual (Windows Network Virtualization), where nothing would "
                f"give its VMs addresses: create a pool for {usual.name} in VMM, or {choose}"
            )
        name = self._name(mapped)
        return MadeNetwork(
            name=name,
            mapped=mapped,
            logical_network=view.name,
            isolation=_KINDS["virtual"],
            subnets=tuple(
                MadeSubnet(
                    name=f"{name} {each.name}",
                    prefixes=each.prefixes,
                    pools=tuple(
                        replace(pool, name=f"{name} {pool.name}")
                        for pool in each.pools
                        if pool.subnet in each.prefixes
                    ),
                )
                for each in usual.subnets
            ),
            masquerade=self._masquerade(view),
        )

    def _of_site(
        self, view: LogicalView, mapped: str | None, usual: NetworkView | None
    ) -> MadeNetwork | None:
        """A VLAN of a network site that no VM network has; or the one network without isolation."""
        if view.isolation == "none" and (view.networks or self.made):
            has = view.networks[0].name if view.networks else self.made[0].name
            return self._not(
                f"{view.name} has no isolation, and its one VM network is {has}: choose it by name,"
                " or name a logical network that is isolated by VLANs or virtual"
            )
        wanted = {prefix for each in usual.subnets for prefix in each.prefixes} if usual else set()
        site = max(
            self._free(view),
            # The first of equals, in the order of names and VLANs.
            key=lambda each: len(wanted.intersection(each.prefixes)),
            default=None,
        )
        if site is None:
            return self._not(
                f"every VLAN of the logical network {view.name} has its VM network, so none can be "
                f"made in the place of {mapped or 'the network of the VMs'}: add VLANs to its "
                "network sites in VMM, or clean up tests that have theirs"
            )
        name = self._name(mapped)
        return MadeNetwork(
            name=name,
            mapped=mapped,
            logical_network=view.name,
            isolation=_KINDS[view.isolation],
            subnets=(
                MadeSubnet(name=name, site=site.name, vlan=site.vlan, prefixes=site.prefixes),
            ),
            masquerade=self._masquerade(view),
        )

    def _free(self, view: LogicalView) -> list[SiteView]:
        used = {
            (subnet.site, subnet.vlan) for network in view.networks for subnet in network.subnets
        }
        used |= {
            (subnet.site, subnet.vlan)
            for each in self.made
            if each.logical_network == view.name
            for subnet in each.subnets
        }
        free = (each for each in view.sites if (each.name, each.vlan) not in used)
        return sorted(free, key=lambda each: (each.name, each.vlan or 0))

    def _mapped(self, mapped: str | None) -> tuple[LogicalView, NetworkView] | None:
        for view in self.views:
            for network in view.networks:
                if mapped is not None and network.name.casefold() == mapped.casefold():
                    return view, network
        return None

    def _view(self, name: str) -> LogicalView | None:
        return next((each for each in self.views if each.name.casefold() == name.casefold()), None)

    def _masquerade(self, view: LogicalView) -> Mapping[str, str]:
        written = self.site.logical_network(view.name)
        known = written.masquerade if written is not None else {}
        return {str(ip_network(here)): str(ip_network(there)) for here, there in known.items()}

    def _name(self, mapped: str | None) -> str:
        return f"Secondsite {self.run_id} {mapped or 'network'}"

    def _not(self, reason: str) -> MadeNetwork | None:
        self._reasons.append(reason)
        return None

    def _in_inventory(self, made: MadeNetwork) -> InventoryNetwork:
        view = self._view(made.logical_network)
        taken = {(each.site, each.vlan) for each in made.subnets}
        pools = [
            (pool, granted)
            for site in (view.sites if view is not None else ())
            if (site.name, site.vlan) in taken
            for pool, granted in zip(site.pools, site.granted, strict=True)
        ]
        pools += [(pool, 0) for each in made.subnets for pool in each.pools]
        return InventoryNetwork(
            name=made.name,
            id="",
            logical_network=made.logical_network,
            isolation=made.isolation,
            subnets=made.prefixes,
            pools=tuple(
                InventoryPool(
                    name=pool.name,
                    subnet=pool.subnet,
                    first=pool.first,
                    last=pool.last,
                    granted=granted,
                )
                for pool, granted in pools
            ),
        )
