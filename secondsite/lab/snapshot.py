"""The simulated world as plain JSON values: what `lab state` prints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from secondsite.lab.world import (
    Checkpoint,
    HyperVHost,
    Network,
    NetworkAdapter,
    Site,
    VirtualMachine,
    World,
)

__all__ = ["snapshot"]


def snapshot(
    world: World, *, dns: Mapping[str, Any] | None = None, stable: bool = False
) -> dict[str, Any]:
    """Everything that is simulated, sorted by name.

    Args:
        world: The world.
        dns: Per site, what its DNS servers hold.
        stable: Leave out what differs between two equal runs: times, what depends on them
            (recovery points, VMM's inventory as of its last refresh), and ids that are made when
            something happens.
    """
    with world.settled() as now:
        return {
            "lab": world.name,
            "sites": {
                name: {
                    **_site(world, site, now=now, stable=stable),
                    "dns": dict((dns or {}).get(name, {})),
                }
                for name, site in sorted(world.sites.items())
            },
        }


def _site(world: World, site: Site, *, now: datetime, stable: bool) -> dict[str, Any]:
    vmm: dict[str, Any] = {
        "name": site.vmm.name,
        "clouds": sorted(cloud.name for cloud in site.vmm.clouds),
    }
    if not stable:
        vmm["vms"] = [
            {
                "name": record.vm.name,
                "id": record.id,
                "host": record.host,
                "cloud": record.cloud,
                "status": record.status,
            }
            for record in sorted(
                site.vmm.machines.values(), key=lambda record: (record.vm.name, record.id)
            )
        ]
    return {
        "vmm": vmm,
        "hosts": [
            _host(world, host, now=now, stable=stable) for _, host in sorted(site.hosts.items())
        ],
        "networks": [
            _network(network, stable=stable)
            for network in sorted(
                site.networks.values(), key=lambda each: _name_of(each, stable=stable)
            )
        ],
    }


def _host(world: World, host: HyperVHost, *, now: datetime, stable: bool) -> dict[str, Any]:
    return {
        "name": host.name,
        "memory_mib": host.memory_mib,
        "free_memory_mib": host.free_memory_mib(),
        "switches": sorted(switch.name for switch in host.switches.values()),
        "vms": [
            _vm(world, host, vm, now=now, stable=stable)
            for vm in sorted(host.vms.values(), key=lambda vm: (vm.name, vm.id))
        ],
    }


def _vm(
    world: World, host: HyperVHost, vm: VirtualMachine, *, now: datetime, stable: bool
) -> dict[str, Any]:
    networks = [_network_name(host, adapter, stable=stable) for adapter in vm.adapters]
    found: dict[str, Any] = {
        "name": vm.name,
        "id": vm.id,
        "state": vm.state.name,
        "heartbeat": str(host.heartbeat(vm)),
        "generation": vm.generation,
        "memory_mib": vm.memory_mib,
        "is_test": vm.is_test,
        "created_by": vm.created_by,
        "replication": [
            {
                "mode": relation.mode.label,
                "state": relation.state.name,
                "health": relation.health.name,
                "relationship": relation.relationship.name,
                "primary_server": relation.primary_server,
                "replica_server": relation.replica_server,
                **(
                    {}
                    if stable
                    else {"last_replication_at": _iso(host.last_replication_at(relation))}
                ),
            }
            for relation in vm.replications
        ],
        "network": next((name for name in networks if name), None),
        "addresses": list(vm.addresses),
        "adapters": [
            _adapter(adapter, network)
            for adapter, network in zip(vm.adapters, networks, strict=True)
        ],
        "open_ports": sorted(vm.guest.open_ports),
    }
    if vm.guest.files:
        found["files"] = dict(sorted(vm.guest.files.items()))
    if stable and vm.is_test:
        del found["id"]
    if not stable:
        found["recovery_points"] = [_recovery_point(point) for point in vm.recovery_points]
        found["uptime_s"] = round(vm.uptime_s(now), 3)
        found["created_at"] = _iso(vm.created_at)
    return found


def _adapter(adapter: NetworkAdapter, network: str | None) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "network": network,
        "switch": adapter.switch,
        "vlan": adapter.vlan,
        **({} if adapter.virtual_id is None else {"virtual_subnet": adapter.virtual_id}),
        "addresses": [str(address) for address in adapter.addresses],
        "test_switch": adapter.test_switch,
        "failover_ipv4": str(adapter.failover.ipv4) if adapter.failover.ipv4 else None,
        "failover_ipv6": str(adapter.failover.ipv6) if adapter.failover.ipv6 else None,
    }


def _network_name(host: HyperVHost, adapter: NetworkAdapter, *, stable: bool) -> str | None:
    network = host.network_of(adapter)
    return _name_of(network, stable=stable) if network else None


def _name_of(network: Network, *, stable: bool) -> str:
    """Its name; of one that was made, in equal runs, what it was made of."""
    if not (stable and network.is_made):
        return network.name
    subnets = ", ".join(str(subnet) for subnet in network.subnets)
    return f"(made of {network.logical_network}: {subnets})"


def _recovery_point(point: Checkpoint) -> dict[str, Any]:
    return {"id": point.id, "kind": point.kind.name, "created_at": _iso(point.created_at)}


def _network(network: Network, *, stable: bool) -> dict[str, Any]:
    return {
        "name": _name_of(network, stable=stable),
        "logical_network": network.logical_network,
        "isolation": network.kind,
        "switch": network.switch,
        "vlan": network.vlan,
        "purpose": network.purpose,
        "subnets": [str(subnet) for subnet in network.subnets],
        "pools": [
            {
                "name": pool.name if not (stable and network.is_made) else str(pool.subnet),
                "grants": [
                    {
                        "address": str(grant.address),
                        "description": grant.description,
                        **({} if stable else {"id": grant.id, "granted_to": grant.granted_to}),
                    }
                    for _, grant in sorted(pool.grants.items(), key=lambda item: int(item[0]))
                ],
            }
            for pool in network.pools
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
