"""What the VM networks of a VMM server consist of, found by name and id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secondsite.lab.world.logical_network import LogicalNetwork, NetworkSite, VmSubnet
from secondsite.lab.world.network import Address, AddressPool, Grant, Network
from secondsite.lab.world.refusal import VMM_EXCEPTION, LabRefusal

if TYPE_CHECKING:
    from secondsite.lab.world.network import NetworkAdapter
    from secondsite.lab.world.vmm import VmmMachine
    from secondsite.lab.world.world import Site, World

__all__ = ["VmNetworkParts", "vmm_refusal"]


def vmm_refusal(message: str, *, reason: str, category: str = "InvalidArgument") -> LabRefusal:
    """VMM will not do it."""
    return LabRefusal(message, reason=reason, category=category, exception_type=VMM_EXCEPTION)


class VmNetworkParts:
    """Logical networks, VM networks, VM subnets and static pools as they are."""

    if TYPE_CHECKING:
        world: World
        site: Site
        machines: dict[str, VmmMachine]

        def record(self, cmdlet: str, vm: str = "", **detail: object) -> None:
            """Tell the log of a change made by VMM."""

        def grant_ip_address(
            self, *, pool: str, granted_to: str, address: Address | None, description: str
        ) -> Grant:
            """Grant an address of a pool."""

    def get_logical_networks(self) -> list[LogicalNetwork]:
        """The logical networks."""
        with self.world.settled():
            return list(self.site.logical_networks.values())

    def get_vm_subnets(self) -> list[VmSubnet]:
        """The VM subnets."""
        with self.world.settled():
            return list(self.site.vm_subnets)

    def get_pools(self) -> list[tuple[AddressPool, VmSubnet | None, NetworkSite | None]]:
        """Every static pool, with the VM subnet or the network site that it belongs to."""
        with self.world.settled():
            return list(self._pools())

    def _refuse_attached(self, network: Network) -> None:
        """As VMM's database has it: a machine that is gone counts until the next refresh."""
        attached = [
            record.vm.name
            for record in self.machines.values()
            if any(self._network_of(record, adapter) is network for adapter in record.vm.adapters)
        ]
        if attached:
            raise vmm_refusal(
                f"The VM network {network.name} is in use by {', '.join(sorted(attached))}.",
                reason="NetworkInUse",
            )

    def _network_of(self, record: VmmMachine, adapter: NetworkAdapter) -> Network | None:
        host = self.site.hosts.get(record.host)
        return host.network_of(adapter) if host is not None else None

    def _pools(self) -> Iterator[tuple[AddressPool, VmSubnet | None, NetworkSite | None]]:
        seen: set[str] = set()
        for logical in self.site.logical_networks.values():
            for site in logical.sites:
                for wire in site.wires:
                    for pool in wire.pools:
                        seen.add(pool.id)
                        yield pool, None, site
        for subnet in self.site.vm_subnets:
            for pool in subnet.network.pools:
                if pool.id not in seen:
                    seen.add(pool.id)
                    yield pool, subnet, None

    def _holders(self, pool: AddressPool) -> Iterator[list[AddressPool]]:
        lists = [each.pools for each in self.site.networks.values()]
        lists += [
            wire.pools
            for logical in self.site.logical_networks.values()
            for site in logical.sites
            for wire in site.wires
        ]
        for each in lists:
            if pool in each:
                yield each

    def _logical(self, name: str) -> LogicalNetwork:
        found = self.site.logical_networks.get(name.casefold())
        if found is None:
            raise _not_found(f"There is no logical network {name}.")
        return found

    def _definition(self, site_id: str, logical: LogicalNetwork) -> NetworkSite:
        for site in logical.sites:
            if site.id == site_id.casefold():
                return site
        raise vmm_refusal(
            f"The network site is not one of the logical network {logical.name}.",
            reason="NotOfTheNetwork",
        )

    def _network(self, network_id: str) -> Network:
        for network in self.site.networks.values():
            if network.id == network_id.casefold():
                return network
        raise _not_found(f"There is no VM network {network_id}.")

    def _vm_subnet(self, subnet_id: str) -> VmSubnet:
        for subnet in self.site.vm_subnets:
            if subnet.id == subnet_id.casefold():
                return subnet
        raise _not_found(f"There is no VM subnet {subnet_id}.")


def _not_found(message: str) -> LabRefusal:
    return vmm_refusal(message, reason="NotFound", category="ObjectNotFound")
