"""Addresses out of VMM's static pools: taken before a failover, given back with its undoing."""

from __future__ import annotations

from secondsite.connectors.base import ActionResult
from secondsite.connectors.vmm import GrantRequest, PoolAdapter, RevokeRequest
from secondsite.graph import Step
from tasks.action import step_task
from tasks.adapters import adapters_of
from tasks.context import RunContext
from tasks.vm import fact_of, skipped, vm_of

__all__ = ["grant_address", "release_addresses"]


@step_task
async def grant_address(run: RunContext, step: Step) -> ActionResult:
    """Take the VM's addresses out of the pools of its networks, or find those taken before.

    VMM notes them for the adapter, with a mark that an engine which takes this run up finds again.
    """
    vm = vm_of(step)
    if not run.is_test and (over := skipped(run, vm)):
        return over
    asking = tuple(
        PoolAdapter(adapter=each.name, number=each.number, network=each.network, wanted=each.wanted)
        for each in adapters_of(run, vm)
        if each.rule == "pool" and each.network is not None
    )
    if not asking:
        return ActionResult(changed=False, evidence={"granted": []})
    request = GrantRequest(
        vm=vm.name, vm_id=fact_of(run, vm).id, mark=_mark(run, vm.name), adapters=asking
    )
    return await run.sites.vmm(run.target_site_name).grant.submit(vm.name, request)


async def release_addresses(run: RunContext, *, vm: str, vm_id: str, site: str) -> ActionResult:
    """Give back what was taken for the (test) failover of `vm` into `site`; converges."""
    request = RevokeRequest(vm=vm, vm_id=vm_id, mark=_mark(run, vm))
    return await run.sites.vmm(site).revoke.submit(vm, request)


def _mark(run: RunContext, vm: str) -> str:
    return f"{'test' if run.is_test else 'failover'} of {vm.casefold()}"
