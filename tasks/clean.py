"""The end of a test: test VMs removed, created networks removed; nothing else is touched."""

from __future__ import annotations

import asyncio

from secondsite.connectors.base import ActionResult, TestCleanupRequest
from secondsite.graph import Step
from tasks.action import step_task
from tasks.context import RunContext
from tasks.vm import vm_of

__all__ = ["end_test", "remove_networks"]


@step_task
async def end_test(run: RunContext, step: Step) -> ActionResult:
    """Remove the test VM that a test failover of this plan made; a VM without one is left alone."""
    vm = vm_of(step)
    left = run.left_of(vm.name)
    if left is None or not left.host:
        return ActionResult(changed=False, evidence={"reason": "no test of ours is left"})
    request = TestCleanupRequest(
        vm=vm.name,
        test_vm_id=left.test_vm_id,
        mark=left.run_id,
        restore_address=True,
        former_address=left.former_address,
    )
    result = await run.sites.host(left.host).end_test_failover.submit(vm.name, request)
    return ActionResult(changed=result.changed, evidence={**result.evidence, "host": left.host})


@step_task
async def remove_networks(run: RunContext, step: Step) -> ActionResult:
    """Remove the private switches that a test made on the hosts."""
    left = run.switches_left()
    limit_s = run.estate.limits.request_timeout.total_seconds()

    async def remove(name: str, host: str) -> ActionResult:
        access = run.sites.host(host)
        return await access.call(access.connector.remove_private_switch, name, timeout_s=limit_s)

    results = await asyncio.gather(
        *(remove(name, host) for name, hosts in left.items() for host in hosts)
    )
    return ActionResult(
        changed=any(result.changed for result in results),
        evidence={"removed": {name: sorted(hosts) for name, hosts in left.items()}},
    )
