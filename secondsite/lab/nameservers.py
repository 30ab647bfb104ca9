"""The DNS servers of a lab: which zone is where, who may change it, and what `lab state` shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from secondsite.lab.dns import (
    DnsRequest,
    DnsServer,
    Grant,
    Replica,
    ServerKey,
    ZoneChange,
    ZoneRecord,
    ZoneStore,
)
from secondsite.lab.dns.faults import SILENT, STALE
from secondsite.lab.dns.windows import WindowsDns
from secondsite.lab.estate import LabEstate, LabZone
from secondsite.lab.estate_dns import LabZoneScope
from secondsite.lab.events import EventLog
from secondsite.lab.faults import FaultKind, Faults

__all__ = ["NameServers", "zone_records"]

_CUT_OFF = frozenset({SILENT, STALE})
"""What becomes of a server whose site is cut off."""


class NameServers:
    """All DNS servers of one lab."""

    def __init__(
        self, estate: LabEstate, *, secrets: Mapping[str, str], events: EventLog, faults: Faults
    ) -> None:
        self._estate = estate
        self._events = events
        self._faults = faults
        self._sites = {server.name: server.site for server in estate.dns.servers}
        self._replicas: list[tuple[str, ZoneStore, ZoneStore]] = []
        self._following: list[Replica] = []
        zones: dict[str, list[ZoneStore]] = {name: [] for name in self._sites}
        for zone in estate.dns.zones:
            self._place(zone, zones)
        keys = [
            ServerKey(
                name=key.name,
                secret=secrets[key.name],
                algorithm=key.algorithm,
                grants=(),
            )
            for key in estate.dns.keys
        ]
        self._servers = {
            name: DnsServer(
                name,
                zones[name],
                keys=[_granted(key, estate, server=name) for key in keys],
                has_fault=self._has_fault,
                on_request=self._log_request,
            )
            for name in self._sites
        }

    @property
    def windows(self) -> dict[str, list[WindowsDns]]:
        """By site, the servers as Windows' cmdlets see them; made once."""
        found: dict[str, list[WindowsDns]] = {}
        for name, server in self._servers.items():
            scopes = {
                (zone.name, scope.name): _scope_store(zone, scope)
                for zone in self._estate.dns.zones
                if zone.servers[0] == name
                for scope in zone.scopes
            }
            windows = WindowsDns(name, server.zones.values(), scopes=scopes)
            found.setdefault(self._sites[name], []).append(windows)
        return found

    @property
    def sites(self) -> dict[str, str]:
        """The site of each server."""
        return dict(self._sites)

    @property
    def ports(self) -> dict[str, int]:
        """The port of each server."""
        return {name: server.port for name, server in self._servers.items()}

    async def start(self, *, lag_s: float) -> None:
        """Listen; secondaries follow their primaries `lag_s` seconds behind.

        Raises:
            OSError: no port is to be had.
        """
        for server in self._servers.values():
            await server.start()
        for name, primary, secondary in self._replicas:
            replica = Replica(
                primary=primary,
                secondary=secondary,
                delay_s=lag_s,
                is_stale=partial(self._has_fault, STALE, name, None),
            )
            replica.start()
            self._following.append(replica)

    async def stop(self) -> None:
        """Close every socket."""
        for replica in self._following:
            replica.stop()
        for server in self._servers.values():
            await server.stop()

    def snapshot(self, *, stable: bool = False) -> dict[str, dict[str, Any]]:
        """Per site and server, what each zone holds; `stable` leaves out serial numbers."""
        found: dict[str, dict[str, Any]] = {}
        for name, server in sorted(self._servers.items()):
            zones = [zone.snapshot() for _, zone in sorted(server.zones.items())]
            if stable:
                for zone in zones:
                    del zone["serial"]
            found.setdefault(self._sites[name], {})[name] = {"zones": zones}
        return found

    def _place(self, zone: LabZone, zones: dict[str, list[ZoneStore]]) -> None:
        primary: ZoneStore | None = None
        for name in zone.servers:
            store = ZoneStore(
                zone.name,
                records=zone_records(zone),
                server_names=zone.servers,
                is_primary=primary is None,
            )
            store.on_change(self._logger_of(name))
            zones[name].append(store)
            if primary is None:
                primary = store
            else:
                self._replicas.append((name, primary, store))

    def _has_fault(self, kind: str, server: str, name: str | None) -> bool:
        del name
        site = self._sites[server]
        if kind in _CUT_OFF and self._faults.holds(FaultKind.PARTITION, site=site):
            return True
        return self._faults.matches(FaultKind(kind), host=server, site=site) is not None

    def _log_request(self, request: DnsRequest) -> None:
        facts = request.as_dict()
        server = facts.pop("server")
        self._events.write(
            {
                "kind": "request",
                "site": self._sites[server],
                "host": server,
                "dns": facts.pop("operation"),
                "detail": facts,
            }
        )

    def _logger_of(self, server: str) -> Any:
        def log(zone: str, change: ZoneChange) -> None:
            self._events.write(
                {
                    "kind": "change",
                    "site": self._sites[server],
                    "host": server,
                    "dns": change.source,
                    "detail": {"zone": zone, **change.as_dict()},
                }
            )

        return log


def _scope_store(zone: LabZone, scope: LabZoneScope) -> ZoneStore:
    records = [
        ZoneRecord(
            name=_full_name(record.name, zone.name),
            type=record.type,
            ttl_s=round(record.ttl.total_seconds()),
            values=record.values,
        )
        for record in scope.records
    ]
    return ZoneStore(zone.name, records=records, server_names=zone.servers)


def zone_records(zone: LabZone) -> list[ZoneRecord]:
    """The record sets of a zone, with full names."""
    return [
        ZoneRecord(
            name=_full_name(record.name, zone.name),
            type=record.type,
            ttl_s=round(record.ttl.total_seconds()),
            values=record.values,
        )
        for record in zone.records
    ]


def _full_name(name: str, zone: str) -> str:
    if name == "@":
        return f"{zone}."
    return name if name.endswith(".") else f"{name}.{zone}."


def _granted(key: ServerKey, estate: LabEstate, *, server: str) -> ServerKey:
    """The key with the zones that it may change on that server."""
    return ServerKey(
        name=key.name,
        secret=key.secret,
        algorithm=key.algorithm,
        grants=tuple(
            Grant(zone=zone.name)
            for zone in estate.dns.zones
            if key.name in zone.keys and server in zone.servers
        ),
    )
