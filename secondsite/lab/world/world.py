"""The whole simulated world: sites with their hosts, one lock, one clock, one timetable."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from secondsite.lab.faults import FaultKind, Faults
from secondsite.lab.world.clock import LabClock
from secondsite.lab.world.cluster import Cluster
from secondsite.lab.world.logical_network import LogicalNetwork, VmSubnet
from secondsite.lab.world.network import Network
from secondsite.lab.world.pace import Pace
from secondsite.lab.world.timetable import Timetable

if TYPE_CHECKING:
    from secondsite.lab.world.host import HyperVHost
    from secondsite.lab.world.vmm import VmmServer

__all__ = ["Site", "World"]

_NAMESPACE = uuid.UUID("6f0c6a8e-6c1f-5d0b-9f53-3a2f5f0c9f11")


@dataclass(slots=True, kw_only=True, eq=False)
class Site:
    """One simulated data centre.

    Attributes:
        logical_networks: By name in lower case.
    """

    name: str
    vmm: VmmServer
    hosts: dict[str, HyperVHost] = field(default_factory=dict)
    networks: dict[str, Network] = field(default_factory=dict)
    logical_networks: dict[str, LogicalNetwork] = field(default_factory=dict)
    vm_subnets: list[VmSubnet] = field(default_factory=list)


class World:
    """Everything that is simulated. Safe to use from any thread.

    `reachability` counts every change of who listens at which address. `other_servers` names the
    sites of servers that are no part of the world (DNS), in lower case. `may_log_on` judges, for a
    credential by name, a user name and a password: the world itself holds no secret.

    Args:
        name: Of the lab; part of every id, so that two starts of one lab have the same ids.
        clock: Tells lab time and scales durations.
        pace: How long the world's own work takes.
        faults: What is injected.
        record: Gets every change as a dict `{at, site, host, kind, cmdlet, vm, detail}`.
        resynchronize_after_start: Whether a replica that ran before its replication was reversed
            needs a resynchronization (unsourced; the stricter of two readings).
    """

    def __init__(
        self,
        *,
        name: str = "lab",
        clock: LabClock | None = None,
        pace: Pace | None = None,
        faults: Faults | None = None,
        record: Callable[[dict[str, Any]], None] = lambda _: None,
        resynchronize_after_start: bool = False,
    ) -> None:
        self.name = name
        self.clock = clock or LabClock()
        self.pace = pace or Pace()
        self.faults = faults or Faults()
        self.resynchronize_after_start = resynchronize_after_start
        self.sites: dict[str, Site] = {}
        self.other_servers: dict[str, str] = {}
        self.timetable = Timetable()
        self.reachability = 0
        self.lock = threading.RLock()
        self.may_log_on: Callable[[str, str, str], bool] = lambda *_: False
        self._record = record
        self._watchers: list[Callable[[], None]] = []
        self._id_counts: dict[str, int] = {}
        self._cut_sites: frozenset[str] = frozenset()
        self.faults.site_of = self.site_of
        self.faults.watch(self._notice_partitions)

    @contextmanager
    def settled(self) -> Iterator[datetime]:
        """Hold the world still, with everything that is due done; gives the time."""
        with self.lock:
            now = self.clock.now()
            if self.timetable.settle(now):
                self.notify()
            yield now

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, from any thread, when something is new or will be due."""
        self._watchers.append(changed)

    def notify(self) -> None:
        """Tell whoever watches."""
        for changed in self._watchers:
            changed()

    def now(self) -> datetime:
        """The time; while something that was due happens, the moment it was due at."""
        return self.timetable.moment or self.clock.now()

    def after(self, duration: timedelta, event: Callable[[datetime], None]) -> datetime:
        """Have `event` happen when `duration` (scaled) is over; gives that moment."""
        at = self.now() + timedelta(seconds=self.clock.scaled_s(duration))
        self.timetable.add(at, event)
        self.notify()
        return at

    def new_id(self, purpose: str) -> str:
        """A GUID for the n-th thing of that purpose: the same in every start of this lab."""
        count = self._id_counts[purpose] = self._id_counts.get(purpose, 0) + 1
        return str(uuid.uuid5(_NAMESPACE, f"{self.name}/{purpose}/{count}"))

    def record_change(
        self,
        *,
        site: str,
        host: str,
        cmdlet: str,
        vm: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell the log what has changed, and whoever watches that something has."""
        self._record(
            {
                "at": self.now().isoformat(),
                "site": site,
                "host": host,
                "kind": "change",
                "cmdlet": cmdlet,
                "vm": vm,
                "detail": dict(detail or {}),
            }
        )
        self.notify()

    @property
    def hosts(self) -> Iterator[HyperVHost]:
        """Every Hyper-V host."""
        return (host for site in self.sites.values() for host in site.hosts.values())

    def host(self, name: str) -> HyperVHost | None:
        """The Hyper-V host of that name, with or without a DNS suffix, whatever its case."""
        wanted = name.partition(".")[0].casefold()
        for host in self.hosts:
            if host.name.partition(".")[0].casefold() == wanted:
                return host
        return None

    def cluster_of_broker(self, name: str) -> Cluster | None:
        """The cluster that this broker speaks for."""
        wanted = name.partition(".")[0].casefold()
        return next(
            (
                host.cluster
                for host in self.hosts
                if host.cluster is not None and host.cluster.broker.casefold() == wanted
            ),
            None,
        )

    def node_with(self, server: str, *, vm_id: str = "") -> HyperVHost | None:
        """The host of that name; of a broker or a node, the node that has the machine.

        Without such a machine: the host itself, or the broker's first node.
        """
        host = self.host(server)
        cluster = host.cluster if host is not None else self.cluster_of_broker(server)
        if cluster is None or (host is not None and vm_id in host.vms):
            return host
        nodes = [node for name in cluster.nodes if (node := self.host(name)) is not None]
        return next((node for node in nodes if vm_id in node.vms), host or nodes[0])

    def site_of(self, server: str) -> str:
        """Name of the site that a server belongs to; empty if none."""
        wanted = server.casefold()
        for site in self.sites.values():
            if site.vmm.name.casefold() == wanted:
                return site.name
            if any(name.casefold() == wanted for name in site.hosts):
                return site.name
        return self.other_servers.get(wanted, "")

    def are_linked(self, one: str, other: str) -> bool:
        """Whether two sites reach each other: neither is cut off."""
        if one == other:
            return True
        return not self._cut_sites.intersection((one, other))

    def _notice_partitions(self) -> None:
        with self.lock:
            cut = frozenset(
                name for name in self.sites if self.faults.holds(FaultKind.PARTITION, site=name)
            )
            if cut == self._cut_sites:
                return
            self._cut_sites = cut
            now = self.now()
            for host in self.hosts:
                host.notice_links(now)
        self.notify()
