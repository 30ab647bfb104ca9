"""What follows a failover: commit, undo, cancel, and replication turned round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from secondsite.connectors.base import ActionResult, ConnectRequest
from secondsite.errors import NotReadyError
from secondsite.graph import Action, Step
from secondsite.plan.model import Direction, PlannedVm
from secondsite.run.events import Noted
from tasks.action import step_task
from tasks.context import RunContext
from tasks.putting_back import forget_injected, put_back
from tasks.shutdown import stop_twin
from tasks.vm import fact_of, skipped, vm_of

__all__ = ["cancel_preparation", "commit_vm", "fence_vm", "reverse_vm", "undo_vm"]

_TO_START = frozenset({"ReadyForInitialReplication", "WaitingForStartResynchronize"})
_NOTE_EVERY_S = 30.0


@step_task
async def commit_vm(run: RunContext, step: Step) -> ActionResult:
    """Commit the failover of one VM: its other recovery points go, and there is no undo."""
    vm = vm_of(step)
    if over := skipped(run, vm):
        return over
    result = await run.sites.host(fact_of(run, vm).host).complete.submit(vm.name, vm.name)
    if run.direction is Direction.FORWARD:
        return result
    return _together(result, await forget_injected(run, vm))


@step_task
async def undo_vm(run: RunContext, step: Step) -> ActionResult:
    """Take the failover of one VM back: it is off and a replica again, with adapters as before."""
    vm = vm_of(step)
    if over := skipped(run, vm):
        return over
    fact = fact_of(run, vm)
    host = run.sites.host(fact.host)
    result = await host.undo.submit(vm.name, vm.name)
    await host.connect.submit(vm.name, ConnectRequest(vm=vm.name))
    back = await put_back(run, vm=vm.name, vm_id=fact.id, site=fact.site, host=fact.host)
    return _together(result, back)


@step_task
async def cancel_preparation(run: RunContext, step: Step) -> ActionResult:
    """Take the preparation of one VM back where it ran; its replication goes on."""
    vm = vm_of(step)
    return await run.sites.host(fact_of(run, vm).host).cancel_preparation.submit(vm.name, vm.name)


@step_task
async def fence_vm(run: RunContext, step: Step) -> ActionResult:
    """Make the former primary harmless: off, not started by its host, a replica that waits."""
    vm = vm_of(step)
    if over := skipped(run, vm):
        return over
    fact = fact_of(run, vm)
    access = run.sites.host(fact.source_host)
    off = await _stopped(run, vm)
    held = await access.set_start_action.submit(vm.name, (vm.name, "Nothing"))
    former = run.noted(step.id, "start_action") or held.evidence.get("before")
    await run.tell(
        Noted(
            at=run.now(),
            step=step.id,
            text="what its host did with it at a start, before it was fenced",
            details={"start_action": former},
        )
    )
    turned = await access.become_replica.submit(vm.name, vm.name)
    return ActionResult(
        changed=off.changed or held.changed or turned.changed,
        evidence={**turned.evidence, "host": fact.source_host, "start_action": former},
    )


@step_task
async def reverse_vm(run: RunContext, step: Step) -> ActionResult:
    """Replicate the VM the other way; done when its changes flow to the site that it left.

    Its copy there, a replica now, is then as it was before a failover had made it the running one.
    """
    vm = vm_of(step)
    fact = fact_of(run, vm)
    result = skipped(run, vm) or await _reverse(run, step, vm)
    back = await put_back(
        run, vm=vm.name, vm_id=fact.id, site=run.source_site_name, host=fact.source_host
    )
    return _together(result, back)


async def _reverse(run: RunContext, step: Step, vm: PlannedVm) -> ActionResult:
    fact = fact_of(run, vm)
    access = run.sites.host(fact.host)
    server = fact.facts.get("replica_broker") or fact.source_host
    result = await access.reverse.submit(vm.name, (vm.name, str(server)))
    seen = await _until_replicating(run, step, vm)
    former = run.evidence_of(vm=vm.name, action=Action.FENCE).get("start_action")
    if former:
        # A replica does not start by itself; when it is the primary again, it does as before.
        source = run.sites.host(fact.source_host)
        await source.set_start_action.submit(vm.name, (vm.name, former))
    return ActionResult(
        changed=result.changed, evidence={**result.evidence, **seen, "host": fact.host}
    )


def _together(result: ActionResult, after: ActionResult | None) -> ActionResult:
    if after is None:
        return result
    return ActionResult(
        changed=result.changed or after.changed, evidence={**result.evidence, **after.evidence}
    )


async def _stopped(run: RunContext, vm: PlannedVm) -> ActionResult:
    """A former primary is turned off if it does not shut down: what it holds is overwritten."""
    return await stop_twin(run, vm.model_copy(update={"turn_off_if_stuck": True}))


async def _until_replicating(run: RunContext, step: Step, vm: PlannedVm) -> Mapping[str, Any]:
    """Start what copy is needed, and wait until the VM replicates; its progress is noted.

    Raises:
        NotReadyError: it does not within the estate's limit.
    """
    fact = fact_of(run, vm)
    access = run.sites.host(fact.host)
    limits = run.estate.limits
    deadline = time.monotonic() + limits.copy_timeout.total_seconds()
    noted_at = time.monotonic()
    while True:
        seen = (await access.measure.submit(vm.name, vm.name)).evidence
        state = seen.get("replication_state")
        if state == "Replicating":
            return seen
        if state in _TO_START:
            await access.start_copy.submit(vm.name, vm.name)
            continue
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{vm.name} on {fact.host} does not replicate yet: {state}. It runs there, "
                "unprotected.",
                vm=vm.name,
                host=fact.host,
                next_step="Look at its replication in Hyper-V Manager, then retry this step.",
                evidence=dict(seen),
            )
        if time.monotonic() - noted_at > _NOTE_EVERY_S:
            noted_at = time.monotonic()
            await run.tell(
                Noted(at=run.now(), step=step.id, text=_progress(vm, seen), details=dict(seen))
            )
        await asyncio.sleep(limits.poll_interval.total_seconds())


def _progress(vm: PlannedVm, seen: Mapping[str, Any]) -> str:
    pending_mib = int(seen.get("pending_bytes") or 0) // 2**20
    return f"{vm.name}: {seen.get('replication_state')}, {pending_mib} MiB to go"
