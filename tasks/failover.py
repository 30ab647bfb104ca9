"""A replica comes to life, as a test VM or for good, and is connected to its network."""

from __future__ import annotations

from secondsite.connectors.base import (
    ActionResult,
    ConnectRequest,
    InjectedAddress,
    TestFailoverRequest,
)
from secondsite.connectors.hyperv.failover import FailoverRequest
from secondsite.graph import Step
from secondsite.plan.model import PlannedVm
from secondsite.plan.way_back import static_address
from tasks.action import step_task
from tasks.context import RunContext
from tasks.vm import fact_of, running_name, skipped, vm_of

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
        address=_injected(run, vm),
        mark=run.run_id,
        may_adopt=step.id in run.unsettled,
    )
    result = await run.sites.host(fact.host).start_test_failover.submit(vm.name, request)
    return ActionResult(
        changed=result.changed,
        evidence={
            **result.evidence,
            "host": fact.host,
            "recovery_point_at": fact.recovery_point_at and fact.recovery_point_at.isoformat(),
        },
    )


async def _fail_over(run: RunContext, vm: PlannedVm) -> ActionResult:
    fact = fact_of(run, vm)
    request = FailoverRequest(
        vm=vm.name,
        recovery_point_id=fact.facts.get("recovery_point_id"),
        address=_injected(run, vm),
    )
    result = await run.sites.host(fact.host).fail_over.submit(vm.name, request)
    return ActionResult(
        changed=result.changed,
        evidence={
            **result.evidence,
            "host": fact.host,
            "recovery_point_at": fact.recovery_point_at and fact.recovery_point_at.isoformat(),
        },
    )


@step_task
async def connect_vm(run: RunContext, step: Step) -> ActionResult:
    """Connect the VM's adapters to its network; without one, make sure that they are on none."""
    vm = vm_of(step)
    if not run.is_test and (over := skipped(run, vm)):
        return over
    fact = fact_of(run, vm)
    network = run.network_of(vm.name)
    name = running_name(run, vm)
    host = run.sites.host(fact.host)
    created = run.options.created_switch(run.plan.name) if run.is_test else None
    if created is not None:
        await host.call(
            host.connector.ensure_private_switch,
            created,
            timeout_s=run.estate.limits.request_timeout.total_seconds(),
        )
    request = ConnectRequest(
        vm=name,
        switch=network.switch if network else created,
        vlan=network.vlan if network else None,
    )
    result = await host.connect.submit(name, request)
    return ActionResult(
        changed=result.changed,
        evidence={
            **result.evidence,
            "host": fact.host,
            "network": network.name if network else created,
            "created_switch": created,
        },
    )


def _injected(run: RunContext, vm: PlannedVm) -> InjectedAddress | None:
    address = static_address(vm, run.protection, run.direction)
    if address is None:
        return None
    return InjectedAddress(
        ipv4=str(address.ipv4) if address.ipv4 else None,
        gateway=str(address.gateway) if address.gateway else None,
        ipv6=str(address.ipv6) if address.ipv6 else None,
        gateway6=str(address.gateway6) if address.gateway6 else None,
        dns=tuple(str(server) for server in address.dns),
        adapter=address.adapter,
    )
