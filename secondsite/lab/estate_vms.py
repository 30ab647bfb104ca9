"""The virtual machines of a lab's estate: hardware, guest, replication, and their defaults."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Annotated, Literal

from pydantic import Field

from secondsite.lab.sizes import MemoryMib
from secondsite.lab.world.guest_systems import GuestSystem
from secondsite.plan.quantities import Duration
from secondsite.plan.written import Written

__all__ = ["LabAdapter", "LabDefaults", "LabGuest", "LabReplication", "LabService", "LabVm"]

_Name = Annotated[str, Field(min_length=1, max_length=63)]
_Port = Annotated[int, Field(ge=1, le=65535)]


class LabService(Written):
    """Something that a guest listens with.

    Attributes:
        port: TCP port; at least 1024 unless the lab runs with the right to bind lower ones.
        name: What its banner says.
        http: It answers `GET /` with 200 instead of sending a banner.
        after: From the heartbeat until it listens.
    """

    port: _Port
    name: str = ""
    http: bool = False
    after: Duration = Field(default="0s", validate_default=True)


class LabAdapter(Written):
    """A network adapter of a VM in its primary site.

    Attributes:
        network: VM network that it is connected to.
        name: Name of the adapter.
        ipv4: The guest's own static address; DHCP if absent.
        gateway: The guest's own default gateway.
        ipv6: The guest's own static IPv6 address.
        dns: The guest's own DNS servers.
        mac: Twelve hexadecimal digits; made up if absent.
        replica_network: VM network that the replica's adapter is connected to; not connected if
            absent, as Hyper-V leaves it.
        legacy: It is an emulated (legacy) adapter; generation 1 only.
    """

    network: str | None = None
    name: str = "Network Adapter"
    ipv4: IPv4Interface | None = None
    gateway: IPv4Address | None = None
    ipv6: IPv6Interface | None = None
    dns: tuple[IPv4Address | IPv6Address, ...] = ()
    mac: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{12}$")] | None = None
    replica_network: str | None = None
    legacy: bool = False


class LabGuest(Written):
    """The operating system inside a VM.

    Attributes:
        boot: From power-on to the first heartbeat.
        addresses_after: From the heartbeat until Hyper-V knows its addresses.
        shutdown: How long it takes to shut down.
        services: What it listens with once it runs.
        integration_services: Without them there is no heartbeat, no address and no clean shutdown.
        applications_healthy: It reports OkApplicationsHealthy rather than OkApplicationsUnknown.
        system: What it is. PowerShell Direct leads into Windows Server 2016 and later only.
        credential: Name of the account that may log on inside, from `credentials`;
            `defaults.guest_credential` if absent.
    """

    boot: Duration = Field(default="60s", validate_default=True)
    addresses_after: Duration = Field(default="10s", validate_default=True)
    shutdown: Duration = Field(default="20s", validate_default=True)
    services: tuple[LabService, ...] = ()
    integration_services: bool = True
    applications_healthy: bool = False
    system: GuestSystem = "Windows Server 2022"
    credential: str | None = None


class LabReplication(Written):
    """How VMs are replicated.

    Attributes:
        frequency: 30s, 300s (5m) or 900s (15m).
        recovery_points: How many the replica keeps, and has at the beginning.
        app_consistent: Every other recovery point is application-consistent.
        authentication: Between the hosts.
        port: Of the replica servers.
        lag: How far what has crossed lies behind.
    """

    frequency: Duration = Field(default="5m", validate_default=True)
    recovery_points: Annotated[int, Field(ge=0, le=24)] = 4
    app_consistent: bool = True
    authentication: Literal["Kerberos", "Certificate"] = "Kerberos"
    port: _Port = 80
    lag: Duration = Field(default="0s", validate_default=True)


class LabVm(Written):
    """A virtual machine.

    Attributes:
        name: Its name on Hyper-V and in VMM.
        host: Host of the VM itself (the primary).
        replica: Host of its replica, in the other site; not replicated if absent.
        extended_replica: Host of the replica's own replica, in a third place; none if absent.
        cloud: Cloud that it belongs to; the first of its site if absent.
        replica_cloud: Cloud that its replica belongs to; the first of that site if absent.
        memory: Its memory on both sides, like 4GiB; `defaults.memory` if absent.
        processors: Virtual processors.
        generation: 1 or 2.
        running: Whether it runs at the beginning.
        adapters: Its network adapters.
        guest: Its operating system; `defaults.guest` if absent.
        services: Shorter way to write `guest: {services: …}`: these come in addition.
        replication: How it is replicated; `defaults.replication` if absent.
        start_action: What its host does with it when the host starts.
    """

    name: _Name
    host: str
    replica: str | None = None
    extended_replica: str | None = None
    cloud: str | None = None
    replica_cloud: str | None = None
    memory: MemoryMib | None = None
    processors: Annotated[int, Field(ge=1, le=240)] = 2
    generation: Literal[1, 2] | None = None
    running: bool = True
    adapters: tuple[LabAdapter, ...] | None = None
    guest: LabGuest | None = None
    services: tuple[LabService, ...] = ()
    replication: LabReplication | None = None
    start_action: Literal["Nothing", "StartIfRunning", "Start"] = "StartIfRunning"


class LabDefaults(Written):
    """What VMs have that do not say otherwise.

    Attributes:
        memory: Memory of a VM, like 4GiB.
        generation: Generation of a VM.
        adapters: Adapters of a VM.
        guest: Guest of a VM.
        guest_credential: Name of the account that may log on inside guests that name none; nobody
            may, if absent.
        replication: Replication of a VM.
    """

    memory: MemoryMib = Field(default="2GiB", validate_default=True)
    generation: Literal[1, 2] = 2
    adapters: tuple[LabAdapter, ...] = ()
    guest: LabGuest = LabGuest()
    guest_credential: str | None = None
    replication: LabReplication = LabReplication()
