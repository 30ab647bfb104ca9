"""DNS before a run: every reason against it, and what people should know. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from secondsite.connectors.dns import RecordSet
from secondsite.connectors.dns import Severity as DnsSeverity
from secondsite.errors import SecondsiteError, SiteError
from secondsite.plan.estate import DnsTarget, Estate
from secondsite.plan.guests import DnsRecord
from secondsite.plan.model import FailoverKind, Plan
from secondsite.plan.quantities import format_duration
from secondsite.run.dns_ledger import preparations
from secondsite.run.finding import Finding, Severity, reasons
from tasks.context import RunContext
from tasks.look import against_server

__all__ = ["dns_findings", "most_records"]

_REVERSE = (".in-addr.arpa", ".ip6.arpa")


async def dns_findings(run: RunContext) -> list[Finding]:
    """What DNS says against the run: servers, keys, clocks, zones, rights, the limit.

    What is only worth knowing is a warning: PTR records that cannot be written, secondaries that
    lag, TTLs that let clients keep the old address for longer than the RTO. Changes nothing.
    """
    kind = run.operation.failover_kind or FailoverKind.PLANNED
    absent = run.sites.absent
    targets = [
        each
        for each in run.estate.dns
        if each.for_tests == (kind == "test") and not absent.lacks(each)
    ]
    names = {
        (target.name, zone): [
            (_moved(record, zone), "A")
            for vm in run.plan.vms
            for record in vm.dns
            if _zone_in(target, record.zone) == zone
        ]
        for target in targets
        for zone in target.zones
    }
    wanted = [(zone, records) for zone, records in sorted(names.items()) if records]
    wanted += [(zone, []) for zone in _pointer_zones(run.plan, targets)]
    looks = await asyncio.gather(*(_ask(run, *zone, records) for zone, records in wanted))
    findings = [finding for found in looks for finding in found]
    most = most_records(run.plan, run.estate, kind=kind)
    limit = run.estate.dns_policy.max_records
    if most > limit:
        findings.append(
            _finding(
                f"this run may change up to {most} DNS record sets, and the estate allows {limit}",
                "raise `dns_policy: max_records` if that is meant, or take VMs out of the plan",
                severity=Severity.BLOCKER,
            )
        )
    findings += _unpointed(run.plan, targets)
    if kind is not FailoverKind.TEST and not reasons(findings):
        findings += await _slow_names(run, wanted)
        findings += _running_out(run)
    return findings


def _finding(
    sentence: str, remedy: str = "", *, severity: Severity = Severity.WARNING, host: str = ""
) -> Finding:
    return Finding(severity=severity, area="dns", sentence=sentence, remedy=remedy, host=host)


def most_records(plan: Plan, estate: Estate, *, kind: FailoverKind) -> int:
    """How many record sets a run may change at most: A, AAAA, and PTR old and new, per target."""
    has_ipv6 = any(
        subnet.version == 6
        for site in estate.sites.values()
        for network in site.networks
        for subnet in network.subnets
    )
    families = 2 if has_ipv6 else 1
    count = 0
    for target in estate.dns:
        if target.for_tests != (kind is FailoverKind.TEST):
            continue
        pointers = 2 if any(zone.endswith(_REVERSE) for zone in target.zones) else 0
        for vm in plan.vms:
            for record in vm.dns:
                count += families * (_zone_in(target, record.zone) is not None)
                count += families * pointers * record.ptr
    return count


async def _ask(
    run: RunContext, target: str, zone: str, records: Sequence[tuple[str, str]]
) -> list[Finding]:
    """What one zone says; of a reverse zone (no `records`) only warnings."""
    try:
        found = await run.sites.zone(target, zone).preflight(records)
    except SecondsiteError as error:
        return [against_server(error, area="dns")]
    return [
        _finding(
            each.sentence,
            each.remedy,
            host=each.server,
            severity=Severity.BLOCKER
            if each.severity is DnsSeverity.ERROR and records
            else Severity.WARNING,
        )
        for each in found
    ]


async def _slow_names(
    run: RunContext, wanted: Sequence[tuple[tuple[str, str], Sequence[tuple[str, str]]]]
) -> list[Finding]:
    """Names whose old answer clients may keep for longer than the RTO."""
    rto = run.plan.objectives.rto
    if rto is None:
        return []
    gone = {target.name for target in run.estate.dns if run.sites.absent.lacks(target)}
    asked = [
        (zone, name, kind)
        for zone, records in wanted
        for name, kind in records
        if zone[0] not in gone
    ]
    found = await asyncio.gather(
        *(run.sites.zone(*zone).read(name, kind) for zone, name, kind in asked),
        return_exceptions=True,
    )
    findings = []
    for (_, name, _), records in zip(asked, found, strict=True):
        if isinstance(records, BaseException) and not isinstance(records, SiteError):
            raise records
        if isinstance(records, RecordSet) and records.ttl_s > rto.total_seconds():
            kept = format_duration(timedelta(seconds=records.ttl_s))
            findings.append(
                _finding(
                    f"clients may keep the old address of {name} for {kept}, longer than the RTO "
                    f"of {format_duration(rto)}",
                    f"before a planned failover use `secondsite dns prepare {run.plan.name}`",
                )
            )
    return findings


def _running_out(run: RunContext) -> Iterator[Finding]:
    """TTLs that were lowered so lately that clients may still have the old ones."""
    late = [each for each in preparations(run.earlier_runs()).values() if each.over_at > run.now()]
    if late:
        last = max(each.over_at for each in late)
        yield _finding(
            f"the TTLs were lowered, but the old ones run out at {last:%Y-%m-%d %H:%M:%S} UTC only",
            "until then clients may keep the old addresses",
        )


def _unpointed(plan: Plan, targets: Iterable[DnsTarget]) -> Iterator[Finding]:
    wanted = [vm.name for vm in plan.vms if any(record.ptr for record in vm.dns)]
    zones = [zone for target in targets for zone in target.zones]
    if wanted and zones and not any(zone.endswith(_REVERSE) for zone in zones):
        yield _finding(
            f"no dns target of this run serves a reverse zone: PTR records are not written, and "
            f"{len(wanted)} VMs want one",
            "add the reverse zones to a dns target in the estate",
        )


def _pointer_zones(plan: Plan, targets: Iterable[DnsTarget]) -> list[tuple[str, str]]:
    if not any(record.ptr for vm in plan.vms for record in vm.dns):
        return []
    return [
        (target.name, zone)
        for target in targets
        for zone in target.zones
        if zone.endswith(_REVERSE)
    ]


def _zone_in(target: DnsTarget, zone: str) -> str | None:
    meant = target.stands_for.get(zone, zone)
    return meant if meant in target.zones else None


def _moved(record: DnsRecord, zone: str) -> str:
    if record.name == record.zone:
        return zone
    return f"{record.name.removesuffix(f'.{record.zone}')}.{zone}"
