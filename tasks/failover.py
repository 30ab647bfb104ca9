"""A replica comes to life, as a test VM or for good, and its adapters are connected."""

from __future__ import annotations

from secondsite.connectors.base import ActionResult, ConnectRequest, TestFailoverRequest
from secondsite.connectors.hyperv.failover import FailoverRequest
from secondsite.graph import Action, Step
from secondsite.plan.model import PlannedVm
from tasks.action import step_task
from tasks.adapters import (
    adapters_of,
    connections_of,
    injected_addresses,
)
from tasks.adapters_by_vmm import vmm_connection
from tasks.context import RunContext
from tasks.vm import fact_of, running_name, skipped, vm_of
from tasks.whereabouts import on_its_host

__all__ = ["connect_vm", "fail_over_vm"]


@step_task
async def fail_over_vm(run: RunContext, step: Step) -> ActionResult:
    """Make the test VM of one replica, or fail the replica itself over: off, not connected."""
    vm = vm_of(step)
    if not run.is_test:
        return skipped(run, vm) or await _fail_over(run, vm)
    fact = fact_of(run, vm)
    request = TestFailoverRequest(
        vm=vm.name,
        recovery_point_id=fact.facts.get("recovery_point_id"),
        addresses=injected_addresses(run, vm),
        mark=run.run_id,
        may_adopt=step.id in run.unsettled,
    )
    result = await on_its_host(
        run, vm, lambda host: host.start_test_failover.submit(vm.name, request)
    )
    return ActionResult(
        changed=result.changed,
        evidence={
            **result.evidence,
            "host": fact_of(run, vm).host,
            "recovery_point_at": fact.recovery_point_at and fact.recovery_point_at.isoformat(),
        },
    )


async def _fail_over(run: RunContext, vm: PlannedVm) -> ActionResult:
    fact = fact_of(run, vm)
    request = FailoverRequest(
        vm=vm.name,
        recovery_point_id=fact.facts.get("recovery_point_id"),
        addresses=injected_addresses(run, vm),
    )
    result = await on_its_host(run, vm, lambda host: host.fail_over.submit(vm.name, request))
    return ActionResult(
        changed=result.changed,
        evidence={
            **result.evidence,
            "host": fact_of(run, vm).host,
            "recovery_point_at": fact.recovery_point_at and fact.recovery_point_at.isoformat(),
        },
    )


@step_task
async def connect_vm(run: RunContext, step: Step) -> ActionResult:
    """Connect each of the VM's adapters to its network; one without stays on none."""
    vm = vm_of(step)
    if not run.is_test and (over := skipped(run, vm)):
        return over
    name = running_name(run, vm)
    request = ConnectRequest(vm=name, adapters=connections_of(run, vm))
    # VMM first: what it takes off a virtual network, Hyper-V may connect elsewhere.
    attached = await _connect_by_vmm(run, vm, name)
    result = await on_its_host(run, vm, lambda host: host.connect.submit(name, request))
    networks = [each.network for each in adapters_of(run, vm) if each.network]
    return ActionResult(
        changed=result.changed or attached.changed,
        evidence={
            **result.evidence,
            **attached.evidence,
            "host": fact_of(run, vm).host,
            "network": ", ".join(dict.fromkeys(networks)) or None,
        },
    )


async def _connect_by_vmm(run: RunContext, vm: PlannedVm, name: str) -> ActionResult:
    """Have VMM connect the adapters that only it can connect."""
    fact = fact_of(run, vm)
    vm_id = fact.id
    if run.is_test:
        vm_id = str(run.evidence_of(vm=vm.name, action=Action.FAILOVER).get("test_vm_id") or "")
    request = vmm_connection(run, vm, name=name, vm_id=vm_id, host=fact.host)
    if request is None:
        return ActionResult(changed=False)
    return await run.sites.vmm(run.target_site_name).connect.submit(name, request)
