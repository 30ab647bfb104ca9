"""The estate of a lab → the simulated world at its beginning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

from secondsite.lab.building_networks import add_networks, switches_of
from secondsite.lab.estate import (
    LabAdapter,
    LabDefaults,
    LabEstate,
    LabReplication,
    LabVm,
)
from secondsite.lab.faults import Faults
from secondsite.lab.world import (
    AdapterAddresses,
    Cloud,
    Cluster,
    Guest,
    HyperVHost,
    LabClock,
    NetworkAdapter,
    Pace,
    Replication,
    Service,
    Site,
    VirtualMachine,
    VirtualSwitch,
    VmmServer,
    World,
)
from secondsite.lab.world.values import (
    Relationship,
    ReplicationMode,
    ReplicationState,
    StartAction,
)

__all__ = ["build_world"]


def build_world(
    estate: LabEstate,
    *,
    clock: LabClock | None = None,
    faults: Faults | None = None,
    record: Callable[[dict[str, Any]], None] = lambda _: None,
) -> World:
    """The world that `estate` describes: its VMs run, replicate, and are known to VMM.

    Args:
        estate: What to simulate.
        clock: Time and scale; the estate's own scale if absent.
        faults: What is injected; the estate's faults are added to it.
        record: Gets every change from now on.
    """
    faults = faults or Faults()
    world = World(
        name=estate.name,
        clock=clock or LabClock(scale=estate.scale),
        pace=Pace(**{name: getattr(estate.pace, name) for name in type(estate.pace).model_fields}),
        faults=faults,
        record=record,
        resynchronize_after_start=estate.resynchronize_after_start,
    )
    with world.lock:
        for name in estate.sites:
            _add_site(world, estate, name)
        for order, vm in enumerate(estate.vms):
            _add_vm(world, estate, vm, order=order)
        for site in world.sites.values():
            site.vmm.read_virtual_machines()
    faults.add_all(estate.faults)
    return world


def _add_site(world: World, estate: LabEstate, name: str) -> None:
    written = estate.sites[name]
    vmm = VmmServer(
        world=world,
        name=written.vmm.name,
        clouds=[
            Cloud(
                id=world.new_id(f"cloud/{name}/{cloud}"),
                name=cloud,
                hosts=tuple(host.name for host in written.hosts),
            )
            for cloud in written.clouds
        ],
        host_group=written.vmm.host_group,
        storage=written.storage,
    )
    site = Site(name=name, vmm=vmm)
    vmm.site = site
    add_networks(world, site, written)
    for written_host in written.hosts:
        host = HyperVHost(
            world=world,
            site=site,
            name=written_host.name,
            memory_mib=written_host.memory or written.host_memory,
        )
        host.replication_enabled = written_host.accepts_replicas
        host.disk_mib = written_host.disk
        host.disk_free_mib = written_host.disk_free or written_host.disk * 2 // 5
        for switch in switches_of(written, host=host.name):
            host.switches[switch.casefold()] = VirtualSwitch(
                id=world.new_id(f"switch/{host.name}/{switch}"), name=switch
            )
        site.hosts[host.name] = host
    for written_cluster in written.clusters:
        cluster = Cluster(
            name=written_cluster.name,
            broker=written_cluster.broker,
            nodes=tuple(written_cluster.hosts),
        )
        for node in cluster.nodes:
            site.hosts[node].cluster = cluster
    world.sites[name] = site


def _add_vm(world: World, estate: LabEstate, written: LabVm, *, order: int) -> None:
    host = _host(world, written.host)
    replication = written.replication or estate.defaults.replication
    adapters = written.adapters if written.adapters is not None else estate.defaults.adapters
    vm = VirtualMachine(
        id=world.new_id(f"vm/{written.name}"),
        name=written.name,
        host=host.name,
        guest=_guest(estate.defaults, written),
        generation=written.generation or estate.defaults.generation,
        memory_mib=written.memory or estate.defaults.memory,
        processors=written.processors,
        adapters=[
            _adapter(
                world, adapter, host=host, vm=written.name, index=index, network=adapter.network
            )
            for index, adapter in enumerate(adapters)
        ],
        start_action=StartAction[written.start_action],
        cloud=written.cloud or _first_cloud(estate, host.site.name),
        created_at=world.now(),
        order=order,
    )
    host.vms[vm.id] = vm
    if written.replica is not None:
        _add_replica(world, estate, written, vm=vm, replication=replication, adapters=adapters)
    if written.running:
        host.be_up(vm)


def _add_replica(
    world: World,
    estate: LabEstate,
    written: LabVm,
    *,
    vm: VirtualMachine,
    replication: LabReplication,
    adapters: tuple[LabAdapter, ...],
) -> None:
    primary = _host(world, written.host)
    host = _host(world, written.replica or "")
    now = world.now()
    relation = Replication(
        mode=ReplicationMode.Primary,
        state=ReplicationState.Replicating,
        primary_server=primary.name,
        replica_server=host.cluster.broker if host.cluster is not None else host.name,
        current_replica_server=host.name,
        frequency_s=round(replication.frequency.total_seconds()),
        recovery_history=replication.recovery_points,
        app_consistent=replication.app_consistent,
        authentication=replication.authentication,
        port=replication.port,
        cycles_from=now,
        lag_s=replication.lag.total_seconds(),
        size_bytes=vm.memory_mib * 20 * 1024 * 1024,
    )
    vm.replications = [relation]
    replica = VirtualMachine(
        id=vm.id,
        name=vm.name,
        host=host.name,
        guest=_guest(estate.defaults, written),
        generation=vm.generation,
        memory_mib=vm.memory_mib,
        processors=vm.processors,
        adapters=[
            _adapter(
                world,
                adapter,
                host=host,
                vm=written.name,
                index=index,
                network=adapter.replica_network,
                mac=vm.adapters[index].mac,
            )
            for index, adapter in enumerate(adapters)
        ],
        replications=[replace(relation, mode=ReplicationMode.Replica)],
        start_action=StartAction.Nothing,
        cloud=written.replica_cloud or _first_cloud(estate, host.site.name),
        created_at=now,
        order=vm.order,
    )
    host.vms[replica.id] = replica
    if written.extended_replica is not None:
        _extend(world, replica, to=_host(world, written.extended_replica))
    interval = timedelta(seconds=world.clock.scaled_s(world.pace.recovery_point_every))
    for age in range(replication.recovery_points, 0, -1):
        host.add_recovery_point(replica, replica.replications[0], at=now - age * interval)
    for side_host, side in ((primary, vm), (host, replica)):  # either may be the replica one day
        side_host.keep_recovery_points(side)


def _extend(world: World, replica: VirtualMachine, *, to: HyperVHost) -> None:
    """Replicate the replica on to a third host."""
    onward = replace(
        replica.replications[0],
        relationship=Relationship.Extended,
        primary_server=replica.host,
        replica_server=to.name,
        current_replica_server=to.name,
    )
    replica.replications.append(onward)
    copy = replace(
        replica,
        host=to.name,
        adapters=[
            NetworkAdapter(
                id=world.new_id(f"adapter/{to.name}/{replica.name}/{index}"),
                name=adapter.name,
                mac=adapter.mac,
                own=adapter.own,
            )
            for index, adapter in enumerate(replica.adapters)
        ],
        replications=[replace(onward, mode=ReplicationMode.ExtendedReplica)],
        checkpoints=[],
    )
    to.vms[copy.id] = copy


def _adapter(
    world: World,
    written: LabAdapter,
    *,
    host: HyperVHost,
    vm: str,
    index: int,
    network: str | None,
    mac: str = "",
) -> NetworkAdapter:
    adapter_id = world.new_id(f"adapter/{host.name}/{vm}/{index}")
    wire = host.site.networks[network] if network else None
    allocated = None
    if wire is not None and wire.is_virtual and wire.pools and written.ipv4 is None:
        grant = host.site.vmm.grant_ip_address(pool=wire.pools[0].id, granted_to=adapter_id)
        allocated = grant.address if isinstance(grant.address, IPv4Address) else None
    return NetworkAdapter(
        id=adapter_id,
        name=written.name,
        mac=mac or (written.mac or f"00155D{adapter_id[:6]}").upper(),
        own=AdapterAddresses(
            ipv4=written.ipv4, gateway=written.gateway, ipv6=written.ipv6, dns=written.dns
        ),
        switch=wire.switch if wire else None,
        vlan=wire.vlan if wire else None,
        virtual_id=wire.virtual_id if wire else None,
        allocated=allocated,
        is_legacy=written.legacy,
    )


def _guest(defaults: LabDefaults, vm: LabVm) -> Guest:
    written = vm.guest or defaults.guest
    return Guest(
        computer_name=vm.name,
        boot=written.boot,
        addresses_after=written.addresses_after,
        shutdown=written.shutdown,
        services=tuple(
            Service(
                name=service.name or vm.name,
                port=service.port,
                http=service.http,
                after=service.after,
            )
            for service in (*written.services, *vm.services)
        ),
        integration_services=written.integration_services,
        applications_healthy=written.applications_healthy,
        system=written.system,
        credential=written.credential or defaults.guest_credential or "",
    )


def _first_cloud(estate: LabEstate, site: str) -> str:
    clouds = estate.sites[site].clouds
    return clouds[0] if clouds else ""


def _host(world: World, name: str) -> HyperVHost:
    host = world.host(name)
    if host is None:
        raise LookupError(f"no Hyper-V host {name!r} in this lab")
    return host
