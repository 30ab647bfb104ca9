"""Power on one VM, and wait until it is ready."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from secondsite.connectors.adapters import ExpectedAdapter
from secondsite.connectors.base import ActionResult
from secondsite.graph import Step
from tasks.action import step_task
from tasks.adapters import expectation_of, made_network_of
from tasks.context import RunContext
from tasks.readiness import Wanted, until_ready
from tasks.sites import HostAccess
from tasks.twin import refuse_running_twin
from tasks.vm import reach, running_name, skipped, vm_of
from tasks.whereabouts import on_its_host

__all__ = ["await_ready", "start_vm"]


@step_task
async def start_vm(run: RunContext, step: Step) -> ActionResult:
    """Power on one VM; it is running afterwards, not necessarily ready.

    Of a real failover, never while its twin runs in the other site, or may run there unless people
    have vouched that it does not.
    """
    vm = vm_of(step)
    if not run.is_test:
        if over := skipped(run, vm):
            return over
        await refuse_running_twin(run, vm)
    name = running_name(run, vm)
    return await on_its_host(run, vm, lambda host: host.start_vm.submit(name, name))


@step_task
async def await_ready(run: RunContext, step: Step) -> ActionResult:
    """Wait until the VM's heartbeat is OK and every service that the plan names answers.

    On no network, or on one that the test made for itself and nothing leads into, services cannot
    be reached from here: then the heartbeat alone counts, and the evidence says so.
    """
    vm = vm_of(step)
    if not run.is_test and (over := skipped(run, vm)):
        return over
    expected = expectation_of(run, vm)
    first = expected.first
    why_not = _unreachable(run, first)

    def wait(host: HostAccess) -> Awaitable[dict[str, Any]]:
        wanted = Wanted(
            vm=running_name(run, vm),
            host=host.name,
            probes=("heartbeat",) if why_not else vm.ready,
            limit_s=vm.boot_timeout.total_seconds(),
            pause_s=run.estate.limits.poll_interval.total_seconds(),
            usable=expected.best,
            reach=reach(first.network if first is not None else None),
        )
        return until_ready(wanted, host.watch)

    evidence = await on_its_host(run, vm, wait)
    if why_not:
        evidence["not_probed"] = why_not
    return ActionResult(changed=False, evidence=evidence)


def _unreachable(run: RunContext, adapter: ExpectedAdapter | None) -> str:
    """Why the engine cannot reach the VM's services; empty if it can."""
    if adapter is None:
        return "it is on no network that the engine can reach"
    made = made_network_of(run, adapter.plan)
    if made is None or adapter.network.masquerade:
        return ""
    return (
        f"nothing leads into {made.name}, which was made for this test (no `masquerade` of "
        f"{made.logical_network} in the estate)"
    )
