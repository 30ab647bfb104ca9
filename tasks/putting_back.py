"""A copy that is a replica again is as it was: connections, failover addresses, pool grants."""

from __future__ import annotations

from typing import Any

from secondsite.connectors.base import ActionResult, Connection
from secondsite.errors import SecondsiteError
from secondsite.graph import Action, Step
from secondsite.plan.model import PlannedVm
from secondsite.run.adapters_seen import (
    COPY,
    PLANNED,
    RESTORED,
    TARGET,
    Former,
    as_before,
    holds_grants,
)
from tasks.action import step_task
from tasks.adapters import restore_request
from tasks.adapters_by_vmm import restore_connection
from tasks.context import RunContext
from tasks.pool import release_addresses
from tasks.vm import fact_of, not_done, vm_of

__all__ = ["forget_injected", "give_addresses_back", "left_to_vmm", "put_back"]


async def put_back(
    run: RunContext, *, vm: str, vm_id: str, site: str, host: str
) -> ActionResult | None:
    """Restore the adapters of the copy of `vm` in `site`, and give its pool addresses back.

    None if no failover of this plan has changed that copy (it was the primary from the start).
    """
    records = run.runs_of_vms()
    former = as_before(records, vm, site)
    has_grants = holds_grants(records, vm, site)
    if former is None and not has_grants:
        return None
    evidence: dict[str, Any] = {RESTORED: site}
    changed = False
    if former is not None:
        restored = await _restored(run, former, vm=vm, vm_id=vm_id, site=site, host=host)
        changed |= restored.changed
        evidence |= restored.evidence
    if has_grants:
        released = await release_addresses(run, vm=vm, vm_id=vm_id, site=site)
        changed |= released.changed
        evidence["released"] = released.evidence.get("released", [])
    return ActionResult(changed=changed, evidence=evidence)


async def _restored(
    run: RunContext, former: Former, *, vm: str, vm_id: str, site: str, host: str
) -> ActionResult:
    """Hyper-V restores what it can, and refuses a copy that is in use; then VMM what it alone can.

    What VMM has taken off a virtual network may belong to a switch, which is Hyper-V's again.
    """
    by_vmm = restore_connection(vm, former, vm_id=vm_id, host=host)
    restore = run.sites.host(host).restore
    restored = await restore.submit(vm, restore_request(vm, former, by_vmm=by_vmm))
    evidence: dict[str, Any] = {"adapters_restored": restored.evidence.get("adapters", [])}
    if by_vmm is None:
        return ActionResult(changed=restored.changed, evidence=evidence)
    connected = await run.sites.vmm(site).connect.submit(vm, by_vmm)
    changed = restored.changed or connected.changed
    evidence["connections_restored"] = {**connected.evidence}
    rest = restore_request(vm, former)
    if any(each.switch and not each.is_vmms for each in rest.adapters):
        changed |= (await restore.submit(vm, rest)).changed
    return ActionResult(changed=changed, evidence=evidence)


def left_to_vmm(run: RunContext, vm: str, *, site: str) -> tuple[Connection, ...]:
    """The adapters of the copy of `vm` in `site` whose connection VMM restores: Hyper-V's keep."""
    former = as_before(run.runs_of_vms(), vm, site)
    by_vmm = restore_connection(vm, former, vm_id="", host="") if former is not None else None
    return tuple(
        Connection(adapter=each.adapter, number=each.number, keep=True)
        for each in (by_vmm.adapters if by_vmm is not None else ())
    )


@step_task
async def give_addresses_back(run: RunContext, step: Step) -> ActionResult:
    """Give back what a failover that is taken back before it came to the VM had taken for it."""
    vm = vm_of(step)
    fact = fact_of(run, vm)
    copy = fact.facts.get(COPY, {"id": fact.id, "host": fact.host})
    site = run.target_site_name
    later = f"When {site} is back, see what is left there: secondsite status {run.plan.name}"
    if run.cancels_alone and not copy["host"]:
        return await not_done(run, step, f"The copy of {vm.name} in {site} was not seen. {later}")
    try:
        back = await put_back(run, vm=vm.name, vm_id=copy["id"], site=site, host=copy["host"])
    except SecondsiteError as error:
        if not run.cancels_alone:
            raise
        return await not_done(run, step, f"{error.message} {later}")
    return back or ActionResult(changed=False, evidence={"reason": "nothing was taken"})


async def forget_injected(run: RunContext, vm: PlannedVm) -> ActionResult | None:
    """Restore the failover addresses of a VM that has come home for good; None: nothing to do.

    Its guest has the address by now. What stayed set would be injected again at some later failover
    of somebody else's.
    """
    fact = fact_of(run, vm)
    former = as_before(run.runs_of_vms(), vm.name, run.target_site_name) or _of_this_run(run, vm)
    if former is None:
        return None
    request = restore_request(vm.name, former, addresses_only=True)
    restored = await run.sites.host(fact.host).restore.submit(vm.name, request)
    return ActionResult(
        changed=restored.changed,
        evidence={
            RESTORED: run.target_site_name,
            "adapters_restored": restored.evidence.get("adapters", []),
        },
    )


def _of_this_run(run: RunContext, vm: PlannedVm) -> Former | None:
    facts = fact_of(run, vm).facts
    if not facts.get(TARGET):
        return None
    granted = run.evidence_of(vm=vm.name, action=Action.GRANT).get("granted", ())
    return Former(adapters=facts[TARGET], planned=facts.get(PLANNED, ()), granted=granted)
