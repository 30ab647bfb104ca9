"""What must hold between the logical networks of a lab's site and its VM networks."""

from __future__ import annotations

from collections.abc import Iterator

from secondsite.lab.estate_sites import LabLogicalNetwork, LabSite, LabWire

__all__ = ["logical_faults"]

Place = tuple[str | int, ...]


def logical_faults(site: LabSite, place: Place) -> Iterator[tuple[Place, str]]:
    """Every fault, with its place."""
    yield from _names(site, place)
    wires = {(network.switch.casefold(), network.vlan): network.name for network in site.networks}
    for index, logical in enumerate(site.logical_networks):
        at = (*place, "logical_networks", index)
        yield from _hosts(site, logical, at)
        yield from _networks(site, logical, at)
        seen: set[object] = set()
        for number, part in enumerate(logical.sites):
            for count, wire in enumerate(part.wires):
                here = (*at, "sites", number, "wires", count)
                yield from _wire(logical, wire, here)
                key = (logical.switch.casefold(), wire.vlan)
                if key in wires:
                    yield (
                        (*here, "vlan"),
                        f'"{wires[key]}" has the same switch and VLAN: give one of them another',
                    )
                wires.setdefault(key, f"{part.name}")
                for subnet in wire.subnets:
                    if subnet in seen:
                        yield (
                            (*here, "subnets"),
                            f"{subnet} is in another VLAN of {logical.name} too, and the lab "
                            "could not tell their guests apart: write each subnet once",
                        )
                    seen.add(subnet)


def _names(site: LabSite, place: Place) -> Iterator[tuple[Place, str]]:
    seen: set[str] = set()
    for index, logical in enumerate(site.logical_networks):
        if logical.name.casefold() in seen:
            yield (
                (*place, "logical_networks", index, "name"),
                f'there is a logical network "{logical.name}" already',
            )
        seen.add(logical.name.casefold())


def _hosts(site: LabSite, logical: LabLogicalNetwork, at: Place) -> Iterator[tuple[Place, str]]:
    known = [host.name for host in site.hosts]
    for number, name in enumerate(logical.hosts or ()):
        if name not in known:
            yield (
                (*at, "hosts", number),
                f'"{name}" is not a host of this site: write one of {", ".join(known)}',
            )


def _networks(site: LabSite, logical: LabLogicalNetwork, at: Place) -> Iterator[tuple[Place, str]]:
    own = [
        each
        for each in site.networks
        if (each.logical_network or each.name).casefold() == logical.name.casefold()
    ]
    for network in own:
        if network.vlan is not None and logical.isolation != "vlan":
            yield (
                (*at, "isolation"),
                f'"{network.name}" has a VLAN: write vlan, or take it out of {logical.name}',
            )
        if network.virtual and logical.isolation != "virtual":
            yield (
                (*at, "isolation"),
                f'"{network.name}" is virtual: write virtual, or take it out of {logical.name}',
            )
        if network.switch.casefold() != logical.switch.casefold():
            yield (
                (*at, "switch"),
                f'"{network.name}" is on {network.switch}: a logical network of the lab has one '
                "switch",
            )
    plain = [each.name for each in own if each.vlan is None and not each.virtual]
    if len(plain) > 1:
        yield (
            (*at, "name"),
            f"{', '.join(plain)} have no isolation, and a logical network has one such network: "
            "write another logical_network for the others",
        )


def _wire(logical: LabLogicalNetwork, wire: LabWire, here: Place) -> Iterator[tuple[Place, str]]:
    if logical.isolation == "vlan" and wire.vlan is None:
        yield here, "a logical network isolated by VLANs has no untagged subnets: write vlan"
    listed = ", ".join(str(subnet) for subnet in wire.subnets)
    inside: list[tuple[Place, object]] = []
    if wire.gateway is not None:
        inside.append(((*here, "gateway"), wire.gateway))
    if wire.dhcp is not None:
        inside += [((*here, "dhcp"), wire.dhcp.first), ((*here, "dhcp"), wire.dhcp.last)]
    for number, pool in enumerate(wire.pools):
        inside += [((*here, "pools", number), pool.first), ((*here, "pools", number), pool.last)]
    for at, address in inside:
        if not any(address in subnet for subnet in wire.subnets):
            yield at, f"{address} is not in {listed}"
    for number, subnet in enumerate(wire.subnets):
        if subnet.version == 4 and subnet.prefixlen < 16:
            yield (
                (*here, "subnets", number),
                f"{subnet} is too large for the lab: write a /16 or smaller",
            )
