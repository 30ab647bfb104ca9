"""VM networks made and removed in VMM, and adapters that VMM connects to them.

What VMM refuses here is unsourced but for the kinds of isolation (docs/explanation/
windows-assumptions.md): where two readings are possible, it is the stricter one.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from secondsite.lab.world.logical_network import LogicalNetwork, VmSubnet, Wire, next_virtual_id
from secondsite.lab.world.network import Address, AddressPool, Network, Subnet
from secondsite.lab.world.vm_network_parts import VmNetworkParts, vmm_refusal

if TYPE_CHECKING:
    from secondsite.lab.world.host import HyperVHost
    from secondsite.lab.world.machine import VirtualMachine
    from secondsite.lab.world.network import NetworkAdapter

__all__ = ["VmNetworkOperations"]

_KINDS = {"NoIsolation": "none", "VLANNetwork": "vlan", "WindowsNetworkVirtualization": "virtual"}


class VmNetworkOperations(VmNetworkParts):
    """What a VMM server does with VM networks."""

    def new_vm_network(
        self, name: str, *, logical_network: str, kind: str, description: str
    ) -> Network:
        """Make a VM network without subnets.

        Raises:
            LabRefusal: the name is taken, or the logical network does not allow such a one.
        """
        with self.world.settled():
            logical = self._logical(logical_network)
            if any(name.casefold() == each.casefold() for each in self.site.networks):
                raise vmm_refusal(f"A VM network named {name} exists already.", reason="NameTaken")
            self._refuse_kind(logical, kind)
            plain = logical.sites[0].wires[0] if kind == "NoIsolation" and logical.sites else None
            network = Network(
                id=self.world.new_id(f"network/{name}"),
                name=name,
                site=self.site.name,
                logical_network=logical.name,
                switch=logical.switch,
                vlan=plain.vlan if plain else None,
                subnets=plain.subnets if plain else (),
                purpose="test",
                is_virtual=kind == "WindowsNetworkVirtualization",
                virtual_id=0 if kind != "NoIsolation" else None,
                isolation=kind,
                description=description,
                is_made=True,
            )
            if plain is not None:
                self._lay(network, plain, logical)
                self.site.vm_subnets.append(
                    VmSubnet(
                        id=self.world.new_id(f"subnet/{name}"),
                        name=name,
                        network=network,
                        subnets=plain.subnets,
                        vlan=plain.vlan,
                        site=logical.sites[0],
                    )
                )
            self.site.networks[name] = network
            self.record("New-SCVMNetwork", network=name, logical_network=logical.name, kind=kind)
            return network

    def new_vm_subnet(
        self,
        name: str,
        *,
        network: str,
        pairs: Sequence[tuple[Subnet, int | None]],
        site: str | None,
    ) -> VmSubnet:
        """Make a VM subnet: a VLAN of a network site, or a virtual subnet.

        Raises:
            LabRefusal: the network takes no such subnet, or another one has it.
        """
        with self.world.settled():
            found = self._network(network)
            logical = self._logical(found.logical_network)
            if found.kind == "NoIsolation":
                raise vmm_refusal(
                    f"The VM network {found.name} has no isolation: it has no VM subnets.",
                    reason="NoSubnets",
                )
            if any(each.network is found for each in self.site.vm_subnets):
                raise vmm_refusal(
                    f"lab: one VM subnet for each VM network ({found.name} has one).",
                    reason="SecondSubnet",
                )
            definition = self._definition(site, logical) if site is not None else None
            subnet = VmSubnet(
                id=self.world.new_id(f"subnet/{name}"),
                name=name,
                network=found,
                subnets=tuple(each for each, _ in pairs),
                site=definition,
            )
            if found.is_virtual:
                self._make_virtual(subnet, pairs)
            else:
                self._make_wired(subnet, pairs, logical)
            self.site.vm_subnets.append(subnet)
            self.record(
                "New-SCVMSubnet",
                network=found.name,
                subnets=[str(each) for each in subnet.subnets],
                vlan=subnet.vlan,
            )
            return subnet

    def new_static_ip_address_pool(
        self,
        name: str,
        *,
        vm_subnet: str,
        subnet: Subnet,
        addresses: tuple[Address, Address],
        gateway: Address | None,
        dns: tuple[Address, ...],
    ) -> AddressPool:
        """Make a static pool of a VM subnet.

        Raises:
            LabRefusal: its range is not in the VM subnet, or meets that of another pool there.
        """
        with self.world.settled():
            owner = self._vm_subnet(vm_subnet)
            first, last = addresses
            if subnet not in owner.subnets or first not in subnet or last not in subnet:
                raise vmm_refusal(
                    f"The range {first} - {last} is not within a subnet of {owner.name}.",
                    reason="RangeNotInSubnet",
                )
            pool = AddressPool(
                id=self.world.new_id(f"pool/{owner.network.name}/{name}"),
                name=name,
                subnet=subnet,
                first=first,
                last=last,
                gateway=gateway,
                dns=dns,
            )
            others = owner.network.pools
            if any(first in each or last in each or each.first in pool for each in others):
                raise vmm_refusal(
                    f"The range {first} - {last} overlaps another pool of {owner.name}.",
                    reason="RangeTaken",
                )
            others.append(pool)
            self.record("New-SCStaticIPAddressPool", pool=name, network=owner.network.name)
            return pool

    def remove_static_ip_address_pool(self, pool_id: str) -> None:
        """Remove a static pool.

        Raises:
            LabRefusal: no such pool, or addresses of it are granted.
        """
        with self.world.settled():
            for pool, _, _ in self._pools():
                if pool.id != pool_id.casefold():
                    continue
                if pool.grants:
                    raise vmm_refusal(
                        f"The static IP address pool {pool.name} has addresses in use.",
                        reason="PoolInUse",
                    )
                for holder in self._holders(pool):
                    holder.remove(pool)
                self.record("Remove-SCStaticIPAddressPool", pool=pool.name)
                return
            raise vmm_refusal(
                f"There is no static IP address pool {pool_id}.",
                reason="NotFound",
                category="ObjectNotFound",
            )

    def remove_vm_subnet(self, subnet_id: str) -> None:
        """Remove a VM subnet.

        Raises:
            LabRefusal: no such subnet, it has pools, or adapters are connected to it.
        """
        with self.world.settled():
            subnet = self._vm_subnet(subnet_id)
            if any(owner is subnet for _, owner, _ in self._pools()):
                raise vmm_refusal(
                    f"The VM subnet {subnet.name} has static IP address pools.",
                    reason="SubnetInUse",
                )
            self._refuse_attached(subnet.network)
            self.site.vm_subnets.remove(subnet)
            network = subnet.network
            network.subnets, network.pools = (), []
            network.vlan, network.virtual_id, network.dhcp = None, 0, None
            self.record("Remove-SCVMSubnet", network=network.name)

    def remove_vm_network(self, network_id: str) -> None:
        """Remove a VM network.

        Raises:
            LabRefusal: no such network, it has VM subnets, or adapters are connected to it.
        """
        with self.world.settled():
            network = self._network(network_id)
            if network.kind != "NoIsolation" and any(
                each.network is network for each in self.site.vm_subnets
            ):
                raise vmm_refusal(
                    f"The VM network {network.name} has VM subnets.", reason="NetworkInUse"
                )
            self._refuse_attached(network)
            self.site.vm_subnets = [
                each for each in self.site.vm_subnets if each.network is not network
            ]
            del self.site.networks[network.name]
            self.record("Remove-SCVMNetwork", network=network.name)

    def connect_adapter(
        self,
        host: HyperVHost,
        vm: VirtualMachine,
        adapter: NetworkAdapter,
        *,
        network: str,
        subnet: str | None,
        switch: str | None,
        vlan: int | None,
        is_allocated: bool,
        owner: str,
    ) -> None:
        """Connect an adapter (`Set-SCVirtualNetworkAdapter`).

        Raises:
            LabRefusal: network, subnet, switch and VLAN do not belong together, the host has no
                adapter there, or no address is to be had.
        """
        with self.world.settled():
            found = self._network(network)
            logical = self._logical(found.logical_network)
            own = next((each for each in self.site.vm_subnets if each.network is found), None)
            if found.kind != "NoIsolation" and (own is None or subnet != own.id):
                raise vmm_refusal(
                    f"The VM network {found.name} needs one of its VM subnets.", reason="NoSubnet"
                )
            has_switch = switch is not None and switch.casefold() in host.switches
            fits = (switch or "").casefold() == logical.switch.casefold()
            if not (has_switch and fits and logical.carries_on(host.name)):
                raise vmm_refusal(
                    f"The virtual network {switch} of {host.name} has no access to the logical "
                    f"network {logical.name}.",
                    reason="NoAccess",
                )
            if vlan != found.vlan:
                raise vmm_refusal(
                    f"VLAN {vlan} is not that of the VM network {found.name}.", reason="WrongVlan"
                )
            if is_allocated and adapter.allocated is None:
                pool = next((each for each in found.pools if each.first.version == 4), None)
                if pool is None:
                    raise vmm_refusal(
                        f"The VM network {found.name} has no static IP address pool.",
                        reason="NoPool",
                    )
                grant = self.grant_ip_address(
                    pool=pool.id, granted_to=owner, address=None, description=""
                )
                adapter.allocated = (
                    grant.address if isinstance(grant.address, IPv4Address) else None
                )
            adapter.switch = host.switches[logical.switch.casefold()].name
            adapter.vlan, adapter.virtual_id = found.vlan, found.virtual_id
            self._reconnected(host, vm, adapter, network=found.name)

    def disconnect_adapter(
        self, host: HyperVHost, vm: VirtualMachine, adapter: NetworkAdapter
    ) -> None:
        """Take an adapter off every network (`-NoConnection`); what it was granted stays so."""
        with self.world.settled():
            adapter.switch, adapter.vlan = None, None
            adapter.virtual_id, adapter.allocated = None, None
            self._reconnected(host, vm, adapter, network="")

    def _reconnected(
        self, host: HyperVHost, vm: VirtualMachine, adapter: NetworkAdapter, *, network: str
    ) -> None:
        host.reconnect(vm, adapter)
        self.record(
            "Set-SCVirtualNetworkAdapter",
            vm.name,
            vm_id=vm.id,
            adapter=adapter.name,
            network=network,
        )

    def _refuse_kind(self, logical: LogicalNetwork, kind: str) -> None:
        own = (each for each in self.site.networks.values() if each.logical_network == logical.name)
        allowed = {"virtual": {"virtual", "none"}}.get(logical.isolation, {logical.isolation})
        if _KINDS.get(kind) not in allowed:
            raise vmm_refusal(
                f"The logical network {logical.name} does not allow VM networks of type {kind}.",
                reason="WrongIsolation",
            )
        if kind == "NoIsolation" and any(each.kind == kind for each in own):
            raise vmm_refusal(
                f"The logical network {logical.name} has its one VM network without isolation.",
                reason="SecondNetwork",
            )

    def _make_virtual(self, subnet: VmSubnet, pairs: Sequence[tuple[Subnet, int | None]]) -> None:
        if subnet.site is not None or any(vlan for _, vlan in pairs):
            raise vmm_refusal(
                "A virtual subnet has neither a network site nor a VLAN.", reason="WrongSubnet"
            )
        subnet.virtual_id = next_virtual_id(self.site.vm_subnets)
        subnet.network.virtual_id = subnet.virtual_id
        subnet.network.subnets = subnet.subnets

    def _make_wired(
        self,
        subnet: VmSubnet,
        pairs: Sequence[tuple[Subnet, int | None]],
        logical: LogicalNetwork,
    ) -> None:
        wires = subnet.site.wires if subnet.site is not None else ()
        wire = next(
            (
                each
                for each in wires
                if all(vlan == each.vlan and part in each.subnets for part, vlan in pairs)
            ),
            None,
        )
        if wire is None or not pairs:
            raise vmm_refusal(
                "The subnets and VLAN are not those of the network site.", reason="NotOfTheSite"
            )
        for other in self.site.vm_subnets:
            if other.site is subnet.site and other.vlan == wire.vlan:
                raise vmm_refusal(
                    f"VLAN {wire.vlan} of {logical.name} is used by the VM network "
                    f"{other.network.name}.",
                    reason="VlanTaken",
                )
        subnet.vlan = wire.vlan
        self._lay(subnet.network, wire, logical)
        subnet.network.subnets = subnet.subnets

    def _lay(self, network: Network, wire: Wire, logical: LogicalNetwork) -> None:
        network.vlan, network.virtual_id, network.dhcp = wire.vlan, None, wire.dhcp
        network.gateway, network.pools = wire.gateway, wire.pools
        network.masquerade = logical.masquerade
