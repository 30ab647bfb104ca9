"""TTLs are lowered ahead of a planned failover, so that clients forget the old addresses soon."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.connectors.dns import Edit
from secondsite.graph import Step
from secondsite.plan.dns_intent import dns_names
from secondsite.run.dns_ledger import changes_of, key_of
from secondsite.run.events import VmFact
from secondsite.run.finding import told
from tasks.action import step_task
from tasks.context import RunContext
from tasks.dns_planning import holder_of
from tasks.dns_preflight import dns_findings
from tasks.look import Look
from tasks.records import edit_of, note_changes
from tasks.vm import vm_of

__all__ = ["look_at_dns", "prepare_names"]


@step_task
async def prepare_names(run: RunContext, step: Step) -> ActionResult:
    """Lower the TTL of every address record of the VM; values stay as they are.

    The former TTL is in the journal before it changes. A commit raises it again, and so does an
    undo or a roll-back of this run.
    """
    known = run.dns_planned.get(step.id)
    if known is not None:  # an earlier try announced it: the record is lowered already, or not yet
        return await _lower(run, [dict(change) for change in known])
    # VMs that share a name would lower it twice.
    async with run.contested_names:
        changes = await _lowered(run, step)
        await note_changes(run, step, changes)
        return await _lower(run, changes)


async def look_at_dns(run: RunContext) -> Look:
    """What speaks against a run that changes DNS and nothing else; hosts are not asked."""
    findings = [*told("dns", _against_roll_back(run) if run.options.of_run else ())]
    if not findings:
        findings = [*await dns_findings(run)]
    facts = tuple(VmFact(name=vm.name, site=run.target_site_name) for vm in run.plan.vms)
    return Look(
        findings=findings,
        facts=facts,
        evidence={"vms": len(facts), "of_run": run.options.of_run},
    )


def _against_roll_back(run: RunContext) -> list[str]:
    wanted = run.options.of_run
    record = next((each for each in run.earlier_runs() if each.run_id == wanted), None)
    if record is None:
        return [f"{wanted} is not a run of {run.plan.name} that the journal knows"]
    if record.is_active:
        return [f"{wanted} is not over: end it first (secondsite abort {wanted})"]
    if not any(True for _ in changes_of(record)):
        return [f"{wanted} has changed nothing in DNS"]
    return []


async def _lowered(run: RunContext, step: Step) -> list[Mapping[str, Any]]:
    """What is to be lowered for this VM; what another VM of this run has lowered is left out."""
    lowered_s = int(run.estate.dns_policy.prepared_ttl.total_seconds())
    done = {key_of(change) for changes in run.dns_planned.values() for change in changes}
    changes: dict[tuple[str, str, str, str], Mapping[str, Any]] = {}
    for wanted in dns_names(run.plan, vm_of(step), estate=run.estate, direction=run.direction):
        name, zone, found = await holder_of(run, wanted)
        if wanted.type != "A":
            found = await run.sites.zone(wanted.target.name, zone).read(name, wanted.type)
        key = wanted.target.name, zone, name, wanted.type
        if found is not None and found.ttl_s > lowered_s and key not in done:
            changes[key] = {
                **dict(zip(("target", "zone", "name", "type"), key, strict=True)),
                "before": found.as_dict(),
                "after": found.with_ttl(lowered_s).as_dict(),
            }
    return list(changes.values())


async def _lower(run: RunContext, changes: list[Mapping[str, Any]]) -> ActionResult:
    edits = [
        ((change["target"], change["zone"]), edit)
        for change in changes
        if (edit := edit_of(change)) is not None
    ]
    made = await asyncio.gather(*(run.sites.zone(*zone).change(edit) for zone, edit in edits))
    for zone in dict.fromkeys(zone for zone, _ in edits):
        own: list[Edit] = [edit for each, edit in edits if each == zone]
        for verification in await run.sites.zone(*zone).verify(own):
            if (trouble := verification.trouble()) is not None:
                raise trouble
    rows = [
        {"target": zone[0], **change.as_dict()}
        for (zone, _), change in zip(edits, made, strict=True)
    ]
    longest_s = max((edit.before.ttl_s for _, edit in edits if edit.before), default=0)
    over_at = run.now() + timedelta(seconds=longest_s)
    return ActionResult(
        changed=any(row["changed"] for row in rows),
        evidence={"dns": rows, "old_ttl_over_at": over_at.isoformat() if rows else None},
    )
