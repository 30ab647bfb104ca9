"""DNS leads to the VM: former content kept, compare-and-set, read back, put back later."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.connectors.dns import Change, Edit, RecordSet
from secondsite.connectors.dns import Severity as DnsSeverity
from secondsite.errors import ConflictError, SecondsiteError, SiteError
from secondsite.graph import Action, Step
from secondsite.plan.dns_intent import DnsChange, dns_changes
from secondsite.plan.estate import DnsTarget
from secondsite.run.events import Noted
from secondsite.run.finding import Finding, Severity
from secondsite.run.leftovers import DNS_CHANGES
from tasks.action import step_task
from tasks.context import RunContext
from tasks.look import against_server
from tasks.vm import skipped, vm_of

__all__ = ["dns_findings", "point_names", "restore_names", "verify_names"]

_DEFAULT_TTL_S = 300
_SEVERITIES = {DnsSeverity.ERROR: Severity.BLOCKER, DnsSeverity.WARNING: Severity.WARNING}


@step_task
async def point_names(run: RunContext, step: Step) -> ActionResult:
    """Make the VM's names lead to it. What was there before is in the journal before it changes.

    Trouble with a PTR record is a warning: the VM is found without it.
    """
    vm = vm_of(step)
    if not run.is_test and (over := skipped(run, vm)):
        return over
    kind = run.operation.failover_kind
    addresses = run.evidence_of(vm=vm.name, action=Action.ADDRESS).get("addresses", ())
    if kind is None or not addresses:
        return ActionResult(changed=False, evidence={"dns": [], "reason": "it has no address"})
    wanted = dns_changes(
        run.plan, vm, addresses, kind=kind, estate=run.estate, direction=run.direction
    )
    planned = run.dns_planned.get(step.id)
    if planned is None:
        planned = await asyncio.gather(*(_planned(run, change) for change in wanted))
        note = Noted(
            at=run.now(),
            step=step.id,
            text="what DNS held before the change",
            details={DNS_CHANGES: list(planned)},
        )
        await run.tell(note)
    made = await asyncio.gather(*(_make(run, step, change) for change in planned))
    done = [change for change in made if change is not None]
    return ActionResult(changed=any(change["changed"] for change in done), evidence={"dns": done})


@step_task
async def verify_names(run: RunContext, step: Step) -> ActionResult:
    """Read the VM's names back on every server of their zones."""
    made = run.evidence_of(vm=vm_of(step).name, action=Action.DNS).get("dns", ())
    by_zone: dict[tuple[str, str], list[Edit]] = defaultdict(list)
    for change in made:
        by_zone[change["target"], change["zone"]].append(_edit(change))
    seen = await asyncio.gather(
        *(run.sites.zone(*zone).verify(edits) for zone, edits in by_zone.items())
    )
    verified = [verification for each in seen for verification in each]
    for verification in verified:
        trouble = verification.trouble()
        if trouble is not None and verification.type != "PTR":
            raise trouble
        if trouble is not None:
            await _warn(run, step, trouble)
    return ActionResult(changed=False, evidence={"verified": [each.as_dict() for each in verified]})


@step_task
async def restore_names(run: RunContext, step: Step) -> ActionResult:
    """Put back what DNS held before the failover, never over a later change of somebody else."""
    restored = []
    for change in run.dns_to_restore(vm_of(step).name):
        edit = _edit(change)
        back = Edit(before=edit.after, after=edit.before)
        restored.append(
            {"target": change["target"]}
            | (await run.sites.zone(change["target"], change["zone"]).change(back)).as_dict()
        )
    return ActionResult(
        changed=any(change["changed"] for change in restored), evidence={"dns": restored}
    )


async def dns_findings(run: RunContext) -> list[Finding]:
    """What DNS says against the run: servers, keys, clocks, zones. Changes nothing."""
    kind = run.operation.failover_kind
    if kind is None:
        return []
    zones = {
        (target.name, zone)
        for target in run.estate.dns
        if target.for_tests == (kind == "test")
        for zone in target.zones
        if any(_concerns(record.zone, target, zone) for vm in run.plan.vms for record in vm.dns)
    }
    looks = await asyncio.gather(
        *(run.sites.zone(target, zone).preflight() for target, zone in sorted(zones)),
        return_exceptions=True,
    )
    findings: list[Finding] = []
    for found in looks:
        if isinstance(found, SecondsiteError):
            findings.append(against_server(found, area="dns"))
        elif isinstance(found, BaseException):
            raise found
        else:
            findings += [
                Finding(
                    severity=_SEVERITIES[each.severity],
                    area="dns",
                    sentence=each.sentence,
                    remedy=each.remedy,
                    host=each.server,
                )
                for each in found
            ]
    return findings


async def _planned(run: RunContext, change: DnsChange) -> dict[str, Any]:
    """The change with what it will replace."""
    before = await run.sites.zone(change.target.name, change.zone).read(change.name, change.type)
    ttl_s = change.ttl_s if change.ttl_s is not None else before.ttl_s if before else None
    after = RecordSet(
        name=change.name,
        type=change.type,
        ttl_s=ttl_s if ttl_s is not None else _DEFAULT_TTL_S,
        values=change.values,
    )
    if before is not None and len(before.values) > 1 and set(before.values) != set(after.values):
        raise ConflictError(
            f"{change.name} {change.type} has several values ({before}), and nothing says which of "
            "them is this VM's. Nothing was changed.",
            host=change.target.servers[0].name,
            next_step="Change it by hand, then mark this step as done, or skip it.",
            evidence={"found": before.as_dict(), "wanted": after.as_dict()},
        )
    return {
        "target": change.target.name,
        "zone": change.zone,
        "name": change.name,
        "type": change.type,
        "before": before.as_dict() if before else None,
        "after": after.as_dict(),
    }


async def _make(run: RunContext, step: Step, planned: Mapping[str, Any]) -> dict[str, Any] | None:
    zone = run.sites.zone(planned["target"], planned["zone"])
    try:
        change: Change = await zone.change(_edit(planned))
    except SiteError as error:
        if planned["type"] != "PTR":
            raise
        await _warn(run, step, error)
        return None
    return {"target": planned["target"], **change.as_dict()}


async def _warn(run: RunContext, step: Step, trouble: SecondsiteError) -> None:
    await run.tell(Noted(at=run.now(), step=step.id, text=str(trouble), level="warning"))


def _edit(planned: Mapping[str, Any]) -> Edit:
    def side(name: str) -> RecordSet | None:
        written = planned[name]
        return RecordSet.from_dict(written) if written else None

    return Edit(before=side("before"), after=side("after"))


def _concerns(production_zone: str, target: DnsTarget, zone: str) -> bool:
    return target.stands_for.get(production_zone, production_zone) == zone
