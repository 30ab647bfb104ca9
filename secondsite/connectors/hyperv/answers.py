"""What our Hyper-V scripts answer, as the domain's objects. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from secondsite.connectors.addresses import usable_addresses
from secondsite.connectors.base import (
    Adapter,
    AdapterObservation,
    HostSurvey,
    RecoveryPoint,
    Replication,
    VmObservation,
    VmSurvey,
)
from secondsite.connectors.outcomes import read_items, read_object, read_outcome, rows_by_vm
from secondsite.connectors.readiness import (
    HostReadiness,
    IntegrationService,
    VmReadiness,
    Volume,
)
from secondsite.errors import SiteError

__all__ = ["read_observations", "read_readiness", "read_survey"]


def read_survey(answer: Any, *, host: str) -> HostSurvey:
    """The host, named as the estate names it."""
    found = read_object(answer, host=host)
    return HostSurvey(
        host=host,
        switches=tuple(str(name) for name in read_items(found["switches"])),
        free_memory_mib=int(found["free_memory_mib"]),
        vms=tuple(_vm(row) for row in read_items(found["vms"])),
    )


def read_readiness(answer: Any, *, host: str) -> HostReadiness:
    """What the host tells besides its survey."""
    found = read_object(answer, host=host)
    return HostReadiness(
        host=host,
        vms=tuple(
            VmReadiness(
                id=row["id"],
                name=row["name"],
                services=tuple(IntegrationService(**each) for each in read_items(row["services"])),
                disks=tuple(str(path) for path in read_items(row["disks"])),
            )
            for row in read_items(found["vms"])
        ),
        volumes=tuple(Volume(**row) for row in read_items(found["volumes"])),
    )


def _vm(row: Mapping[str, Any]) -> VmSurvey:
    return VmSurvey(
        name=row["name"],
        id=row["id"],
        state=row["state"],
        generation=int(row["generation"]),
        heartbeat=row["heartbeat"],
        memory_mib=int(row["memory_mib"]),
        adapters=tuple(_adapter(item) for item in read_items(row["adapters"])),
        replication=tuple(Replication(**item) for item in read_items(row["replication"])),
        recovery_points=tuple(
            sorted(
                (RecoveryPoint(**item) for item in read_items(row["recovery_points"])),
                key=lambda point: point.created_at,
            )
        ),
        test_vm=row["test_vm"],
    )


def _adapter(row: Mapping[str, Any]) -> Adapter:
    return Adapter(
        name=row["name"],
        id=row["id"],
        mac=row["mac"],
        switch=row["switch"] or None,
        vlan=row["vlan"],
        addresses=usable_addresses(read_items(row["addresses"])),
        failover={name: str(value) for name, value in (row.get("failover") or {}).items()},
        is_legacy=row.get("is_legacy") is True,
    )


def read_observations(
    answer: Any, *, host: str, vms: Iterable[str]
) -> dict[str, VmObservation | SiteError]:
    """What each VM shows, for every VM that was asked for."""
    rows = rows_by_vm(answer, host=host)
    return {vm: _observation(rows.get(vm), host=host, vm=vm) for vm in vms}


def _observation(row: Mapping[str, Any] | None, *, host: str, vm: str) -> VmObservation | SiteError:
    outcome = read_outcome(row, host=host, vm=vm, action="see its state")
    if row is None or isinstance(outcome, SiteError):
        assert isinstance(outcome, SiteError)  # noqa: S101 - a missing row is one
        return outcome
    return VmObservation(
        vm=vm,
        state=row["state"],
        heartbeat=row["heartbeat"],
        addresses=usable_addresses(read_items(row["addresses"])),
        uptime_s=float(row["uptime_s"]),
        adapters=tuple(_observed(read_items(row.get("adapters")))),
    )


def _observed(rows: Iterable[Mapping[str, Any]]) -> Iterator[AdapterObservation]:
    count: Counter[str] = Counter()
    for row in rows:
        name = str(row["name"])
        yield AdapterObservation(
            name=name,
            number=count[name.casefold()],
            addresses=usable_addresses(read_items(row["addresses"])),
        )
        count[name.casefold()] += 1
