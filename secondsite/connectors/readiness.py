"""What a check looks at besides what a run needs to start, and what it makes of it. Pure.

A run is refused for what keeps it from being carried out (`secondsite.connectors.fitness`); this is
about promises that would not be kept, and about what will stop a run one day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from secondsite.connectors.adapters import seen_adapters, virtual_places
from secondsite.connectors.base import Inventory, Replication
from secondsite.connectors.standing import SideView
from secondsite.connectors.virtual_fitness import against_isolation
from secondsite.plan.estate import Protection, Site
from secondsite.plan.quantities import format_duration
from secondsite.run.finding import Finding, Severity, told

__all__ = [
    "CertificateView",
    "HostReadiness",
    "IntegrationService",
    "VmReadiness",
    "Volume",
    "judge_certificate",
    "judge_guest",
    "judge_lag",
    "judge_mapping",
    "judge_space",
    "lag_of",
]

_NEEDED_SERVICES = {
    "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47": "heartbeat",
    "2A34B1C2-FD73-4043-8A5B-DD2159BC743F": "data exchange",
    "9F8233AC-BE49-4C79-8EE3-E7E1985B2077": "shutdown",
}
"""Component ids of Hyper-V: without them no readiness, no address, no clean shutdown."""
_LOW_SHARE = 0.1
_WRITTEN_MIB = 1024
"""Room for what a VM writes to a disk behind its first one until somebody looks."""
_CERTIFICATE_NOTICE = timedelta(days=30)
_ALIVE = frozenset({"OK", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationService:
    """One integration service of a VM; `id` ends in the component's id, in any language."""

    id: str
    name: str
    enabled: bool
    status: str

    @property
    def component(self) -> str:
        """Hyper-V's id of the component."""
        return self.id.rpartition("\\")[2].upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class VmReadiness:
    """One VM on a host."""

    id: str
    name: str
    services: tuple[IntegrationService, ...]
    disks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One fixed volume of a host."""

    path: str
    size_mib: int
    free_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReadiness:
    """What a host tells besides its survey."""

    host: str
    vms: tuple[VmReadiness, ...]
    volumes: tuple[Volume, ...]

    def vm(self, vm_id: str) -> VmReadiness | None:
        """The VM with that id."""
        wanted = vm_id.casefold()
        return next((each for each in self.vms if each.id.casefold() == wanted), None)

    def volume_of(self, path: str) -> Volume | None:
        """The volume that holds the file: the one with the longest path that leads to it."""
        lowered = path.casefold()
        holding = [each for each in self.volumes if lowered.startswith(each.path.casefold())]
        return max(holding, key=lambda each: len(each.path), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """The TLS certificate that a server shows."""

    host: str
    expires_at: datetime


def lag_of(relation: Replication, *, now: datetime) -> timedelta | None:
    """How old the data is with which the VM would come up; None if nobody tells."""
    if not relation.last_replication_at:
        return None
    return now - datetime.fromisoformat(relation.last_replication_at)


def judge_lag(
    vm: str, relation: Replication, *, host: str, rpo: timedelta | None, now: datetime
) -> list[Finding]:
    """How old the data is with which `vm` would come up, and what Hyper-V says of it."""
    findings = []
    if relation.health not in {"Normal", "NotApplicable"}:
        grave = relation.health == "Critical"
        findings.append(
            Finding(
                severity=Severity.ERROR if grave else Severity.WARNING,
                area="replication",
                sentence=f"{vm} on {host}: Hyper-V calls its replication {relation.health} "
                f"(state {relation.state})",
                remedy="Measure-VMReplication on the host tells why; mend the link or resume it",
                vm=vm,
                host=host,
            )
        )
    age = lag_of(relation, now=now)
    if rpo is not None and age is not None and age > rpo:
        findings.append(
            Finding(
                severity=Severity.ERROR,
                area="replication",
                sentence=f"{vm} on {host} was replicated {_minutes(age)} ago: an unplanned "
                f"failover now would lose more than the RPO of {format_duration(rpo)}",
                remedy="look at the link between the sites and at the replication's frequency "
                f"({relation.frequency_s} s)",
                vm=vm,
                host=host,
            )
        )
    return findings


def judge_guest(
    vm: str, readiness: VmReadiness | None, *, host: str, is_running: bool
) -> list[Finding]:
    """Whether the guest will tell that it is ready, and shut down when asked to."""
    if readiness is None:
        return []
    by_component = {each.component: each for each in readiness.services}
    findings = []
    for component, what in _NEEDED_SERVICES.items():
        service = by_component.get(component)
        if service is None or not service.enabled:
            wrong = f"its integration service for {what} is off"
        elif is_running and service.status not in _ALIVE:
            wrong = f"its integration service for {what} does not answer ({service.status})"
        else:
            continue
        findings.append(
            Finding(
                severity=Severity.ERROR,
                area="integration services",
                sentence=f"{vm} on {host}: {wrong}",
                remedy="turn it on (Enable-VMIntegrationService), or install or start the "
                "integration services in the guest",
                vm=vm,
                host=host,
            )
        )
    return findings


def judge_space(
    placed: Mapping[str, tuple[str, str, int]], readiness: Iterable[HostReadiness]
) -> list[Finding]:
    """Room for all VMs of the plan at once, on every volume that holds a disk of them.

    A running VM keeps a file as large as its memory (automatic stop action Save), which is counted
    beside its first disk; what it writes goes to the volume of each disk.

    Args:
        placed: VM name → (host, VM id, memory in MiB), in the site in which they will run.
        readiness: Of those hosts.
    """
    by_host = {each.host: each for each in readiness}
    needed: dict[tuple[str, str], int] = defaultdict(int)
    volumes: dict[tuple[str, str], Volume] = {}
    for host, vm_id, memory_mib in placed.values():
        known = by_host.get(host)
        vm = known.vm(vm_id) if known else None
        if known is None or vm is None:
            continue
        for index, disk in enumerate(vm.disks):
            volume = known.volume_of(disk)
            if volume is not None:
                needed[host, volume.path] += memory_mib if index == 0 else _WRITTEN_MIB
                volumes[host, volume.path] = volume
    findings = []
    for (host, path), volume in volumes.items():
        needs = needed[host, path]
        if volume.free_mib < needs:
            severity = Severity.ERROR
            why = f"but the plan's VMs there need {needs} MiB"
        elif volume.free_mib - needs < volume.size_mib * _LOW_SHARE:
            severity = Severity.WARNING
            why = f"{needs} MiB of which the plan's VMs need: less than a tenth would be left"
        else:
            continue
        findings.append(
            Finding(
                severity=severity,
                area="space",
                sentence=f"{path} of {host} has {volume.free_mib} MiB free, {why}",
                remedy="free some, enlarge the volume, or move replicas to another one",
                host=host,
            )
        )
    return findings


def judge_certificate(seen: CertificateView, *, now: datetime) -> list[Finding]:
    """Whether WinRM's certificate is still good, and for how long."""
    left = seen.expires_at - now
    if left > _CERTIFICATE_NOTICE:
        return []
    is_over = left <= timedelta(0)
    word = "expired on" if is_over else f"expires in {left.days} days, on"
    return [
        Finding(
            severity=Severity.BLOCKER if is_over else Severity.WARNING,
            area="certificates",
            sentence=f"the certificate of {seen.host} {word} {seen.expires_at:%Y-%m-%d %H:%M} UTC",
            remedy="renew it, and bind the new one to the WinRM listener (port 5986)",
            host=seen.host,
        )
    ]


def judge_mapping(
    protection: Protection,
    *,
    sites: Mapping[str, Site],
    views: Sequence[SideView],
    inventories: Mapping[str, Inventory],
) -> list[Finding]:
    """Whether the network map covers the VMs, and both maps name what VMM really has."""
    findings = []
    mapped = {name.casefold() for name in protection.networks}
    home = sites[protection.primary]
    told_at_home = inventories.get(protection.primary)
    for view in views:
        if view.survey is None or not mapped:
            continue
        places = virtual_places(told_at_home, view.survey.id) or {}
        for adapter in seen_adapters(view.survey, home, places):
            if adapter.network is None or adapter.network.casefold() in mapped:
                continue
            name = view.survey.name
            findings.append(
                Finding(
                    severity=Severity.ERROR,
                    area="mapping",
                    sentence=f"{name} is in {adapter.network}, which `networks` of "
                    f"{protection.name} does not map",
                    remedy=f"write the network of {protection.recovery} that takes its place",
                    vm=name,
                    host=view.host,
                )
            )
    for site, inventory in inventories.items():
        findings += _unknown_to_vmm(protection, site, sites[site], inventory)
        against = told("mapping", against_isolation(sites[site], inventory))
        findings += [replace(each, severity=Severity.ERROR) for each in against]
    return list(dict.fromkeys(findings))


def _unknown_to_vmm(
    protection: Protection, name: str, site: Site, inventory: Inventory
) -> list[Finding]:
    is_home = name == protection.primary
    networks = protection.networks.keys() if is_home else protection.networks.values()
    cloud = protection.primary_cloud if is_home else protection.recovery_cloud
    known = {each.name.casefold() for each in inventory.networks}
    wanted = [("VM network", network) for network in networks if network.casefold() not in known]
    if cloud.casefold() not in {each.casefold() for each in inventory.clouds}:
        wanted.append(("cloud", cloud))
    managed = {each.partition(".")[0].casefold() for each in inventory.hosts}
    classes = protection.storage.keys() if is_home else protection.storage.values()
    known_classes = {each.casefold() for each in inventory.classifications}
    wanted += [
        ("storage classification", each) for each in classes if each.casefold() not in known_classes
    ]
    wanted += [
        ("host", host.name)
        for host in site.hosts
        if host.name.partition(".")[0].casefold() not in managed
    ]
    return [
        Finding(
            severity=Severity.ERROR,
            area="mapping",
            sentence=f"{site.vmm.name} knows no {what} {each!r}",
            remedy="mend the estate, or make it there",
            host=site.vmm.name,
        )
        for what, each in wanted
    ]


def _minutes(age: timedelta) -> str:
    minutes = age.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
