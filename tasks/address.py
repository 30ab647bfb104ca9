"""Find the address of a VM that is ready: asked of the guest and of VMM, both answers kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.errors import NotReadyError, SecondsiteError
from secondsite.graph import Action, Step
from secondsite.plan.model import PlannedVm
from tasks.action import step_task
from tasks.context import RunContext
from tasks.vm import fact_of, running_name, skipped, usable_addresses, vm_of
from tasks.watch import HostWatch, is_final

__all__ = ["find_address"]


@step_task
async def find_address(run: RunContext, step: Step) -> ActionResult:
    """Find the VM's addresses in its network; link-local and stale ones do not count.

    What the guest reports counts; VMM's answer is kept beside it, because VMM learns of a new VM
    only when it next refreshes the host.
    """
    vm = vm_of(step)
    if not run.is_test and (over := skipped(run, vm)):
        return over
    network = run.network_of(vm.name)
    if network is None:
        return ActionResult(changed=False, evidence={"addresses": [], "reason": "not reachable"})
    host = fact_of(run, vm).host
    name = running_name(run, vm)
    usable = usable_addresses(run, vm, network)
    guest, vmm = await asyncio.gather(
        _of_guest(
            run.sites.host(host).watch,
            name=name,
            host=host,
            usable=usable,
            limit_s=run.estate.limits.address_timeout.total_seconds(),
            network=network.name,
        ),
        _of_vmm(run, vm, usable),
    )
    return ActionResult(
        changed=False, evidence={"addresses": list(guest), "sources": {"guest": guest, "vmm": vmm}}
    )


async def _of_guest(
    watch: HostWatch,
    *,
    name: str,
    host: str,
    usable: Callable[[Sequence[str]], Sequence[str]],
    limit_s: float,
    network: str,
) -> list[str]:
    deadline = time.monotonic() + limit_s
    async with watch.following(name) as view:
        while (left_s := deadline - time.monotonic()) > 0:
            if view.latest is not None and (found := usable(view.latest.addresses)):
                return list(found)
            if view.trouble is not None and is_final(view.trouble):
                raise view.trouble
            await view.change(timeout_s=left_s)
        seen = ", ".join(view.latest.addresses) if view.latest else ""
        raise NotReadyError(
            f"{name} on {host} reported no address in {network} within {limit_s:g} s "
            f"(it reported: {seen or 'none'}). It was left running as it is.",
            vm=name,
            host=host,
            next_step="Look at the guest's network settings, and at the network's DHCP or pool.",
            evidence={"reported": list(view.latest.addresses) if view.latest else []},
        )


async def _of_vmm(
    run: RunContext, vm: PlannedVm, usable: Callable[[Sequence[str]], Sequence[str]]
) -> Any:
    """VMM's answer, or the reason why there is none: it never holds up a VM that is ready."""
    vm_id = (
        run.evidence_of(vm=vm.name, action=Action.FAILOVER).get("test_vm_id")
        if run.is_test
        else fact_of(run, vm).id
    )
    if not vm_id:
        return []
    try:
        addresses = await run.sites.vmm(run.target_site_name).addresses.submit(vm_id, vm_id)
    except SecondsiteError as error:
        return error.message
    return list(usable(addresses))
