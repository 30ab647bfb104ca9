"""What follows a failover: commit, undo, cancel, and replication turned round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from secondsite.connectors.base import ActionResult, ConnectRequest
from secondsite.connectors.hyperv.failover import StartAction
from secondsite.errors import ActionFailedError, NotReadyError
from secondsite.graph import Action, Side, Step
from secondsite.plan.model import Direction, PlannedVm
from secondsite.run.events import Noted
from tasks.action import step_task
from tasks.context import RunContext
from tasks.putting_back import forget_injected, left_to_vmm, put_back
from tasks.shutdown import stop_twin
from tasks.vm import fact_of, skipped, vm_of
from tasks.whereabouts import on_its_host

__all__ = ["cancel_preparation", "commit_vm", "fence_vm", "reverse_vm", "undo_vm"]

_TO_START = frozenset({"ReadyForInitialReplication", "WaitingForStartResynchronize"})
_NOTE_EVERY_S = 30.0


@step_task
async def commit_vm(run: RunContext, step: Step) -> ActionResult:
    """Commit the failover of one VM: its other recovery points go, and there is no undo."""
    vm = vm_of(step)
    if over := skipped(run, vm):
        return over
    result = await on_its_host(run, vm, lambda host: host.complete.submit(vm.name, vm.name))
    if run.direction is Direction.FORWARD:
        return result
    return _together(result, await forget_injected(run, vm))


@step_task
async def undo_vm(run: RunContext, step: Step) -> ActionResult:
    """Take the failover of one VM back: it is off and a replica again, with adapters as before.

    One that the failover had not come to has nothing to undo; but it may have an address already.
    """
    vm = vm_of(step)
    result = skipped(run, vm) or await _undo(run, vm)
    fact = fact_of(run, vm)
    back = await put_back(run, vm=vm.name, vm_id=fact.id, site=fact.site, host=fact.host)
    return _together(result, back)


async def _undo(run: RunContext, vm: PlannedVm) -> ActionResult:
    fact = fact_of(run, vm)
    # What VMM has connected, only VMM takes off: that follows.
    alone = ConnectRequest(vm=vm.name, adapters=left_to_vmm(run, vm.name, site=fact.site))
    result = await on_its_host(run, vm, lambda host: host.undo.submit(vm.name, vm.name))
    await on_its_host(run, vm, lambda host: host.connect.submit(vm.name, alone))
    return result


@step_task
async def cancel_preparation(run: RunContext, step: Step) -> ActionResult:
    """Take the preparation of one VM back where it ran; its replication goes on."""
    vm = vm_of(step)
    return await on_its_host(run, vm, lambda host: host.cancel_preparation.submit(vm.name, vm.name))


@step_task
async def fence_vm(run: RunContext, step: Step) -> ActionResult:
    """Make the former primary harmless: off, not started by its host, a replica that waits."""
    vm = vm_of(step)
    if over := skipped(run, vm):
        return over
    off = await _stopped(run, vm)
    held = await _let_start(run, vm, "Nothing")
    former = run.noted(step.id, "start_action") or held.evidence.get("before")
    await run.tell(
        Noted(
            at=run.now(),
            step=step.id,
            text="what its host did with it at a start, before it was fenced",
            details={"start_action": former},
        )
    )
    turned = await on_its_host(
        run, vm, lambda host: host.become_replica.submit(vm.name, vm.name), side=Side.SOURCE
    )
    host = fact_of(run, vm).source_host
    return ActionResult(
        changed=off.changed or held.changed or turned.changed,
        evidence={**turned.evidence, "host": host, "start_action": former},
    )


@step_task
async def reverse_vm(run: RunContext, step: Step) -> ActionResult:
    """Replicate the VM the other way; done when its changes flow to the site that it left.

    Its copy there, a replica now, is then as it was before a failover had made it the running one.
    """
    vm = vm_of(step)
    result = skipped(run, vm) or await _reverse(run, step, vm)
    fact = fact_of(run, vm)
    back = await put_back(
        run, vm=vm.name, vm_id=fact.id, site=run.source_site_name, host=fact.source_host
    )
    return _together(result, back)


async def _reverse(run: RunContext, step: Step, vm: PlannedVm) -> ActionResult:
    fact = fact_of(run, vm)
    broker = fact.facts.get("replica_broker")
    server = str(broker or fact.source_host)
    try:
        result = await on_its_host(
            run, vm, lambda host: host.reverse.submit(vm.name, (vm.name, server))
        )
    except ActionFailedError as error:
        if broker:
            raise
        error.next_step = (
            f"{error.next_step} If the hosts of {run.source_site_name} are a cluster, write the "
            "name of its Hyper-V Replica Broker as `replica_broker` of that site in the estate, "
            "and start a new run."
        ).strip()
        raise
    seen = await _until_replicating(run, step, vm)
    former = run.evidence_of(vm=vm.name, action=Action.FENCE).get("start_action")
    if former:
        # A replica does not start by itself; when it is the primary again, it does as before.
        await _let_start(run, vm, former)
    host = fact_of(run, vm).host
    return ActionResult(changed=result.changed, evidence={**result.evidence, **seen, "host": host})


async def _let_start(run: RunContext, vm: PlannedVm, action: StartAction) -> ActionResult:
    """Set what its host does with the former primary when the host starts."""
    return await on_its_host(
        run,
        vm,
        lambda host: host.set_start_action.submit(vm.name, (vm.name, action)),
        side=Side.SOURCE,
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
    limits = run.estate.limits
    deadline = time.monotonic() + limits.copy_timeout.total_seconds()
    noted_at = time.monotonic() - _NOTE_EVERY_S
    while True:
        measured = await on_its_host(run, vm, lambda host: host.measure.submit(vm.name, vm.name))
        seen = measured.evidence
        state = seen.get("replication_state")
        if state == "Replicating":
            return seen
        if state in _TO_START:
            await on_its_host(run, vm, lambda host: host.start_copy.submit(vm.name, vm.name))
            continue
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{vm.name} on {fact_of(run, vm).host} does not replicate yet: {state}. It runs "
                "there, unprotected.",
                vm=vm.name,
                host=fact_of(run, vm).host,
                next_step="Look at its replication in Hyper-V Manager, then retry this step.",
                evidence=dict(seen),
            )
        if time.monotonic() - noted_at >= _NOTE_EVERY_S:
            noted_at = time.monotonic()
            await run.tell(
                Noted(at=run.now(), step=step.id, text=_progress(vm, seen), details=dict(seen))
            )
        await asyncio.sleep(limits.poll_interval.total_seconds())


def _progress(vm: PlannedVm, seen: Mapping[str, Any]) -> str:
    pending, whole = int(seen.get("pending_bytes") or 0), int(seen.get("initial_bytes") or 0)
    share = f" ({100 * (1 - pending / whole):.0f} % done)" if whole >= pending > 0 else ""
    return f"{vm.name}: {seen.get('replication_state')}, {pending / 2**20:.0f} MiB to go{share}"
