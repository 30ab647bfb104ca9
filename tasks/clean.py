"""The end of a test: test VMs removed, addresses given back, nothing else."""

from __future__ import annotations

from typing import Any

from secondsite.connectors.base import ActionResult, TestCleanupRequest
from secondsite.graph import Step
from secondsite.run.leftovers import Leftover
from tasks.action import step_task
from tasks.adapters import restore_request
from tasks.adapters_by_vmm import disconnection_of_test
from tasks.context import RunContext
from tasks.pool import release_addresses
from tasks.sites import HostAccess
from tasks.vm import fact_of, vm_of
from tasks.whereabouts import on_its_host

__all__ = ["end_test"]


@step_task
async def end_test(run: RunContext, step: Step) -> ActionResult:
    """Remove the test VM that a test failover of this plan made; a VM without one is left alone.

    The replica's adapters are then as they were, and what the test took out of pools is back there.
    """
    vm = vm_of(step)
    left = run.left_of(vm.name)
    if left is None or not left.host:
        return ActionResult(changed=False, evidence={"reason": "no test of ours is left"})
    evidence: dict[str, Any] = {}
    changed = False
    if left.made_vm:
        changed |= await _taken_off(run, left)
        ended = await on_its_host(run, vm, lambda host: _end(host, left))
        changed |= ended.changed
        evidence |= ended.evidence
    if left.granted:
        released = await release_addresses(run, vm=vm.name, vm_id=left.vm_id, site=left.site)
        changed |= released.changed
        evidence["released"] = released.evidence.get("released", [])
    return ActionResult(changed=changed, evidence={**evidence, "host": fact_of(run, vm).host})


async def _taken_off(run: RunContext, left: Leftover) -> bool:
    """Take the test VM off virtual networks of the estate, with the addresses VMM gave it there."""
    if left.former is None or left.test_vm_id is None:
        return False  # it never came to that
    request = disconnection_of_test(
        left.former, vm=left.test_vm or left.vm, vm_id=left.test_vm_id, host=left.host
    )
    if request is None:
        return False
    result = await run.sites.vmm(left.site).connect.submit(request.vm, request)
    return result.changed


async def _end(access: HostAccess, left: Leftover) -> ActionResult:
    request = TestCleanupRequest(
        vm=left.vm,
        test_vm_id=left.test_vm_id,
        mark=left.run_id,
        restore_address=True,
        former_address=left.former_address,
    )
    ended = await access.end_test_failover.submit(left.vm, request)
    if left.former is None or left.former_address is not None:
        return ended
    # The run died before it could tell what it had found: the look before it had seen it.
    restored = await access.restore.submit(left.vm, restore_request(left.vm, left.former))
    return ActionResult(
        changed=ended.changed or restored.changed,
        evidence={**ended.evidence, "adapters_restored": restored.evidence.get("adapters", [])},
    )
