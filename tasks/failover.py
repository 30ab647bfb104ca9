"""Test VMs come into being: as-test failover of one replica, and its connection to a network."""

from __future__ import annotations

from secondsite.connectors.base import (
    ActionResult,
    ConnectRequest,
    InjectedAddress,
    TestFailoverRequest,
)
from secondsite.graph import Step
from secondsite.plan.model import PlannedVm, StaticAddress
from tasks.action import step_task
from tasks.context import RunContext
from tasks.vm import fact_of, running_name, vm_of

__all__ = ["connect_vm", "fail_over_vm"]


@step_task
async def fail_over_vm(run: RunContext, step: Step) -> ActionResult:
    """Make the test VM of one replica: off, and not connected."""
    vm = vm_of(step)
    fact = fact_of(run, vm)
    request = TestFailoverRequest(
        vm=vm.name,
        address=_injected(vm),
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


@step_task
async def connect_vm(run: RunContext, step: Step) -> ActionResult:
    """Connect the test VM's adapters to the test network, or make sure that they are on none."""
    vm = vm_of(step)
    fact = fact_of(run, vm)
    network = run.test_network
    name = running_name(run, vm)
    host = run.sites.host(fact.host)
    created = run.options.created_switch(run.plan.name)
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


def _injected(vm: PlannedVm) -> InjectedAddress | None:
    address = vm.address
    if not isinstance(address, StaticAddress):
        return None
    return InjectedAddress(
        ipv4=str(address.ipv4) if address.ipv4 else None,
        gateway=str(address.gateway) if address.gateway else None,
        ipv6=str(address.ipv6) if address.ipv6 else None,
        gateway6=str(address.gateway6) if address.gateway6 else None,
        dns=tuple(str(server) for server in address.dns),
        adapter=address.adapter,
    )
