"""What must hold between the parts of a lab's estate; every fault found, with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from secondsite.lab.estate import LabAdapter, LabEstate, LabNetwork, LabSite, LabVm
from secondsite.lab.estate_network_checks import logical_faults

__all__ = ["Misfit", "misfits"]

Place = tuple[str | int, ...]

_FREQUENCIES_S = (30, 300, 900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One thing that does not fit another.

    Attributes:
        place: Keys that lead to it in the file.
        message: What is wrong, and what to write instead.
    """

    place: Place
    message: str


def misfits(estate: LabEstate) -> list[Misfit]:
    """Everything that does not fit, in the order of the file."""
    return [
        *_names(estate),
        *(
            found
            for name, site in estate.sites.items()
            for found in _site(estate, name=name, site=site)
        ),
        *(
            found
            for index, vm in enumerate(estate.vms)
            for found in _vm(estate, vm, place=("vms", index))
        ),
        *_adapters(estate, estate.defaults.adapters, None, ("defaults", "adapters")),
        *_guest_accounts(estate),
        *_dns(estate),
    ]


def _guest_accounts(estate: LabEstate) -> Iterator[Misfit]:
    named: list[tuple[Place, str | None]] = [
        (("defaults", "guest_credential"), estate.defaults.guest_credential),
        (("defaults", "guest", "credential"), estate.defaults.guest.credential),
        *(
            (("vms", index, "guest", "credential"), vm.guest.credential)
            for index, vm in enumerate(estate.vms)
            if vm.guest
        ),
    ]
    for place, name in named:
        if name is not None and name not in estate.credentials:
            known = list(estate.credentials)
            yield Misfit(place=place, message=unknown("a credential", name, known))


def unknown(what: str, name: str, known: list[str]) -> str:
    """`"x" is not a host of this lab (did you mean "y"?)`."""
    near = get_close_matches(name, known, n=1)
    if near:
        return f'"{name}" is not {what} of this lab (did you mean "{near[0]}"?)'
    listed = ", ".join(known[:8]) or "there is none yet"
    return f'"{name}" is not {what} of this lab: write one of {listed}'


def _names(estate: LabEstate) -> Iterator[Misfit]:
    seen: dict[str, str] = {}
    servers = [
        *((("sites", name, "vmm", "name"), site.vmm.name) for name, site in estate.sites.items()),
        *(
            (("sites", name, "hosts", index, "name"), host.name)
            for name, site in estate.sites.items()
            for index, host in enumerate(site.hosts)
        ),
        *(
            (("dns", "servers", index, "name"), server.name)
            for index, server in enumerate(estate.dns.servers)
        ),
    ]
    for place, name in servers:
        if name.casefold() in seen:
            yield Misfit(
                place=place, message=f'there is a server "{name}" already: give each its own name'
            )
        seen[name.casefold()] = name
    networks: set[str] = set()
    for site_name, site in estate.sites.items():
        for index, network in enumerate(site.networks):
            if network.name in networks:
                yield Misfit(
                    place=("sites", site_name, "networks", index, "name"),
                    message=f'there is a network "{network.name}" already: names count for the '
                    "whole lab",
                )
            networks.add(network.name)
    secrets = [*estate.credentials, *(key.name for key in estate.dns.keys)]
    for index, key in enumerate(estate.dns.keys):
        if secrets.count(key.name) > 1:
            yield Misfit(
                place=("dns", "keys", index, "name"),
                message=f'"{key.name}" names another key or credential too: both would keep their '
                "secret in one file",
            )
    for secret in secrets:
        if "/" in secret or secret.startswith("."):
            yield Misfit(
                place=("credentials",), message=f'"{secret}" must be a plain name: it names a file'
            )


def _clusters(site: LabSite, place: Place) -> Iterator[Misfit]:
    hosts = [host.name for host in site.hosts]
    taken: dict[str, str] = {}
    for index, cluster in enumerate(site.clusters):
        at = (*place, "clusters", index)
        if cluster.broker in hosts:
            yield Misfit(
                place=(*at, "broker"),
                message=f'"{cluster.broker}" is a host: the broker has a name of its own',
            )
        for number, host in enumerate(cluster.hosts):
            if host not in hosts:
                yield Misfit(
                    place=(*at, "hosts", number),
                    message=unknown("a host of this site", host, hosts),
                )
            elif host in taken:
                yield Misfit(
                    place=(*at, "hosts", number),
                    message=f'"{host}" is a node of "{taken[host]}" already',
                )
            taken.setdefault(host, cluster.name)


def _site(estate: LabEstate, *, name: str, site: LabSite) -> Iterator[Misfit]:
    place: Place = ("sites", name)
    if site.credential not in estate.credentials:
        yield Misfit(
            place=(*place, "credential"),
            message=unknown("a credential", site.credential, list(estate.credentials)),
        )
    yield from _clusters(site, place)
    wires: dict[tuple[str, int | None], str] = {}
    for index, network in enumerate(site.networks):
        at = (*place, "networks", index)
        wire = (network.switch.casefold(), network.vlan)
        if wire in wires and not network.virtual:
            yield Misfit(
                place=(*at, "vlan"),
                message=f'"{network.name}" and "{wires[wire]}" have the same switch and VLAN: '
                "give one of them another",
            )
        if not network.virtual:
            wires.setdefault(wire, network.name)
        for number, subnet in enumerate(network.subnets):
            if subnet.version == 4 and subnet.prefixlen < 16:
                yield Misfit(
                    place=(*at, "subnets", number),
                    message=f"{subnet} is too large for the lab: write a /16 or smaller",
                )
        if network.virtual and (network.vlan is not None or network.dhcp is not None):
            yield Misfit(
                place=(*at, "virtual"),
                message="a virtualized network has neither a VLAN nor DHCP: remove vlan and dhcp, "
                "and write pools for addresses",
            )
        yield from _ranges(network, at)
    for found, message in logical_faults(site, place):
        yield Misfit(place=found, message=message)


def _ranges(network: LabNetwork, place: Place) -> Iterator[Misfit]:
    listed = ", ".join(str(subnet) for subnet in network.subnets)
    addresses: list[tuple[Place, object]] = []
    if network.gateway is not None:
        addresses.append(((*place, "gateway"), network.gateway))
    if network.dhcp is not None:
        addresses.append(((*place, "dhcp", "first"), network.dhcp.first))
        addresses.append(((*place, "dhcp", "last"), network.dhcp.last))
        if network.dhcp.first > network.dhcp.last:
            yield Misfit(place=(*place, "dhcp"), message="the last address comes before the first")
    for index, pool in enumerate(network.pools):
        at = (*place, "pools", index)
        addresses.append(((*at, "first"), pool.first))
        addresses.append(((*at, "last"), pool.last))
        if pool.first.version != pool.last.version or int(pool.first) > int(pool.last):
            yield Misfit(place=at, message="the last address comes before the first")
    for at, address in addresses:
        if not any(address in subnet for subnet in network.subnets):
            yield Misfit(place=at, message=f"{address} is not in {listed}")


def _vm(estate: LabEstate, vm: LabVm, *, place: Place) -> Iterator[Misfit]:
    hosts = {host.name: name for name, site in estate.sites.items() for host in site.hosts}
    names = [other.name.casefold() for other in estate.vms]
    if names.index(vm.name.casefold()) < int(place[-1]):
        yield Misfit(place=(*place, "name"), message=f'there is a VM "{vm.name}" already')
    if vm.host not in hosts:
        yield Misfit(
            place=(*place, "host"), message=unknown("a Hyper-V host", vm.host, list(hosts))
        )
    if vm.replica is not None:
        if vm.replica not in hosts:
            yield Misfit(
                place=(*place, "replica"),
                message=unknown("a Hyper-V host", vm.replica, list(hosts)),
            )
        elif vm.replica == vm.host:
            yield Misfit(
                place=(*place, "replica"),
                message=f'"{vm.replica}" is the host of the VM itself: name another',
            )
    home = hosts.get(vm.host)
    if vm.extended_replica is not None:
        at = (*place, "extended_replica")
        if vm.replica is None:
            yield Misfit(place=at, message="only a replica is extended: write replica: HOST first")
        elif vm.extended_replica not in hosts:
            message = unknown("a Hyper-V host", vm.extended_replica, list(hosts))
            yield Misfit(place=at, message=message)
        elif vm.extended_replica in {vm.host, vm.replica}:
            message = f'"{vm.extended_replica}" has the VM or its replica: name a third host'
            yield Misfit(place=at, message=message)
    away = hosts.get(vm.replica or "")
    for key, cloud, site in (("cloud", vm.cloud, home), ("replica_cloud", vm.replica_cloud, away)):
        if cloud is not None and site is not None and cloud not in estate.sites[site].clouds:
            yield Misfit(
                place=(*place, key),
                message=unknown(f"a cloud of {site}", cloud, list(estate.sites[site].clouds)),
            )
    replication = vm.replication or estate.defaults.replication
    if vm.replica is not None and replication.frequency.total_seconds() not in _FREQUENCIES_S:
        at = (*place, "replication") if vm.replication else ("defaults", "replication")
        yield Misfit(
            place=(*at, "frequency"), message="Hyper-V replicates every 30s, 5m or 15m: write one"
        )
    yield from _adapters(estate, vm.adapters or (), vm, (*place, "adapters"))


def _adapters(
    estate: LabEstate, adapters: tuple[LabAdapter, ...], vm: LabVm | None, place: Place
) -> Iterator[Misfit]:
    networks = {
        network.name: (name, network)
        for name, site in estate.sites.items()
        for network in site.networks
    }
    for index, adapter in enumerate(adapters):
        for key, name, host in (
            ("network", adapter.network, vm.host if vm else None),
            ("replica_network", adapter.replica_network, vm.replica if vm else None),
        ):
            if name is None:
                continue
            if name not in networks:
                yield Misfit(
                    place=(*place, index, key),
                    message=unknown("a network", name, list(networks)),
                )
                continue
            site = networks[name][0]
            hosts = {each.name for each in estate.sites[site].hosts}
            if host is not None and host not in hosts:
                yield Misfit(
                    place=(*place, index, key),
                    message=f'network "{name}" is in {site}, and "{host}" is not',
                )
        if vm is not None and adapter.network in networks:
            yield from _own_addresses(adapter, networks[adapter.network or ""][1], (*place, index))


def _own_addresses(adapter: LabAdapter, network: LabNetwork, place: Place) -> Iterator[Misfit]:
    for key, interface in (("ipv4", adapter.ipv4), ("ipv6", adapter.ipv6)):
        if interface is not None and not any(interface.ip in subnet for subnet in network.subnets):
            yield Misfit(
                place=(*place, key),
                message=f'{interface.ip} is not in a subnet of network "{network.name}"',
            )


def _dns(estate: LabEstate) -> Iterator[Misfit]:
    servers = [server.name for server in estate.dns.servers]
    keys = [key.name for key in estate.dns.keys]
    for index, server in enumerate(estate.dns.servers):
        if server.site not in estate.sites:
            yield Misfit(
                place=("dns", "servers", index, "site"),
                message=unknown("a site", server.site, list(estate.sites)),
            )
    served: set[tuple[str, str]] = set()
    for index, zone in enumerate(estate.dns.zones):
        place: Place = ("dns", "zones", index)
        for number, name in enumerate(zone.servers):
            if name not in servers:
                yield Misfit(
                    place=(*place, "servers", number),
                    message=unknown("a DNS server", name, servers),
                )
            if (name, zone.name.casefold()) in served:
                yield Misfit(
                    place=(*place, "servers", number),
                    message=f'"{name}" serves a zone {zone.name} already',
                )
            served.add((name, zone.name.casefold()))
        for number, key in enumerate(zone.keys):
            if key not in keys:
                yield Misfit(
                    place=(*place, "keys", number), message=unknown("a TSIG key", key, keys)
                )
