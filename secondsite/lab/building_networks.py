"""The networks of a lab's site as its world has them: VM networks, and what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

from secondsite.lab.estate_sites import LabLogicalNetwork, LabNetwork, LabPool, LabSite, LabWire
from secondsite.lab.world import (
    AddressPool,
    LogicalNetwork,
    Network,
    NetworkSite,
    Site,
    VmSubnet,
    Wire,
    World,
)
from secondsite.lab.world.logical_network import next_virtual_id
from secondsite.lab.world.network import Subnet

__all__ = ["add_networks", "masquerade_of", "subnets_by_name", "switches_of"]


def add_networks(world: World, site: Site, written: LabSite) -> None:
    """Add the networks of `written` to `site`."""
    for logical in written.logical_networks:
        site.logical_networks[logical.name.casefold()] = _logical(world, logical)
    for each in written.networks:
        network = _network(world, each, site=site.name)
        site.networks[network.name] = network
        found = site.logical_networks.setdefault(
            network.logical_network.casefold(), _derived(world, network, written)
        )
        is_isolated = network.is_virtual or network.vlan is not None
        definition = NetworkSite(
            id=world.new_id(f"network site/{network.name}"),
            name=f"{found.name} {network.name}",
            wires=[
                Wire(
                    subnets=network.subnets,
                    vlan=network.vlan,
                    dhcp=network.dhcp,
                    gateway=network.gateway,
                    # Without isolation a pool belongs to the network site, else to the VM subnet.
                    pools=[] if is_isolated else network.pools,
                )
            ],
        )
        found.sites.append(definition)
        if network.is_virtual:
            network.virtual_id = next_virtual_id(site.vm_subnets)
        site.vm_subnets.append(
            VmSubnet(
                id=world.new_id(f"subnet/{network.name}"),
                name=network.name,
                network=network,
                subnets=network.subnets,
                vlan=network.vlan,
                site=None if network.is_virtual else definition,
                virtual_id=network.virtual_id,
            )
        )


def switches_of(written: LabSite, *, host: str) -> list[str]:
    """The virtual switches of a host."""
    names = [network.switch for network in written.networks]
    names += [
        logical.switch
        for logical in written.logical_networks
        if logical.hosts is None or host in logical.hosts
    ]
    return list(dict.fromkeys(names))


def masquerade_of(logical: str) -> str:
    """Under which name the addresses of networks made of a logical network are translated."""
    return f"{logical} (logical network)"


def subnets_by_name(world: World) -> dict[str, list[Subnet]]:
    """Subnets of each network, and of what networks can be made of, by the masquerade's names."""
    named: dict[str, list[Subnet]] = {}
    for site in world.sites.values():
        for network in site.networks.values():
            named[network.name] = list(network.subnets)
        used = {subnet.site.id for subnet in site.vm_subnets if subnet.site is not None}
        for logical in site.logical_networks.values():
            free = [each for each in logical.sites if each.id not in used]
            if logical.masquerade and free:
                named[logical.masquerade] = [
                    subnet for each in free for wire in each.wires for subnet in wire.subnets
                ]
    return named


def _logical(world: World, written: LabLogicalNetwork) -> LogicalNetwork:
    return LogicalNetwork(
        id=world.new_id(f"logical network/{written.name}"),
        name=written.name,
        isolation=written.isolation,
        switch=written.switch,
        hosts=None if written.hosts is None else frozenset(written.hosts),
        masquerade=masquerade_of(written.name),
        sites=[
            NetworkSite(
                id=world.new_id(f"network site/{site.name}"),
                name=site.name,
                wires=[_wire(world, site.name, wire) for wire in site.wires],
            )
            for site in written.sites
        ],
    )


def _derived(world: World, network: Network, written: LabSite) -> LogicalNetwork:
    """A logical network that only VM networks name: it allows what they are."""
    own = [
        each
        for each in written.networks
        if (each.logical_network or each.name).casefold() == network.logical_network.casefold()
    ]
    isolation = "vlan" if any(each.vlan is not None for each in own) else "none"
    if any(each.virtual for each in own):
        isolation = "virtual"
    return LogicalNetwork(
        id=world.new_id(f"logical network/{network.logical_network}"),
        name=network.logical_network,
        isolation=isolation,
        switch=network.switch,
    )


def _wire(world: World, site: str, written: LabWire) -> Wire:
    return Wire(
        subnets=written.subnets,
        vlan=written.vlan,
        dhcp=(written.dhcp.first, written.dhcp.last) if written.dhcp else None,
        gateway=written.gateway,
        pools=_pools(world, site, written, written.pools),
    )


def _network(world: World, written: LabNetwork, *, site: str) -> Network:
    return Network(
        id=world.new_id(f"network/{written.name}"),
        name=written.name,
        site=site,
        logical_network=written.logical_network or written.name,
        switch=written.switch,
        vlan=written.vlan,
        subnets=written.subnets,
        purpose=written.purpose,
        is_virtual=written.virtual,
        dhcp=(written.dhcp.first, written.dhcp.last) if written.dhcp else None,
        gateway=written.gateway,
        pools=_pools(world, written.name, written, written.pools),
    )


def _pools(
    world: World, owner: str, around: LabNetwork | LabWire, written: Sequence[LabPool]
) -> list[AddressPool]:
    gateway: IPv4Address | None = around.gateway
    return [
        AddressPool(
            id=world.new_id(f"pool/{owner}/{pool.name}"),
            name=pool.name,
            subnet=next(subnet for subnet in around.subnets if pool.first in subnet),
            first=pool.first,
            last=pool.last,
            gateway=pool.gateway or (gateway if pool.first.version == 4 else None),
            dns=pool.dns,
        )
        for pool in written
    ]
