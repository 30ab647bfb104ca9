"""The site that is left: VMs shut down there, and their last changes sent."""

from __future__ import annotations

from collections.abc import Awaitable

from secondsite.connectors.base import ActionResult
from secondsite.connectors.standing import Standing
from secondsite.errors import (
    ActionFailedError,
    NotFoundError,
    SecondsiteError,
    UnknownOutcomeError,
)
from secondsite.graph import Action, Operation, Side, Step
from secondsite.plan.model import PlannedVm
from secondsite.run.events import Noted
from tasks.action import step_task
from tasks.context import RunContext
from tasks.sites import HostAccess
from tasks.vm import fact_of, not_done, skipped, vm_of
from tasks.whereabouts import on_its_host

__all__ = ["behind", "prepare_vm", "shut_down_vm", "stop_twin"]

_BEHIND = frozenset({Standing.COMMIT_PENDING, Standing.REVERSING})
"""A planned failover that goes on from an earlier one has these steps behind it."""

_GUESTS_SHARE = 0.75
"""Of the time for an attempt: what a guest may take to shut down."""


@step_task
async def shut_down_vm(run: RunContext, step: Step) -> ActionResult:
    """Shut the guest down in the site that is left; it is off afterwards.

    It is turned off only where the plan allows that. In an unplanned failover this is an attempt:
    what cannot be done is noted, and the failover goes on.
    """
    vm = vm_of(step)
    if (over := skipped(run, vm)) or (over := behind(run, vm)):
        return over
    if run.operation is Operation.UNPLANNED:
        return await _attempted(run, step, vm)
    return await stop_twin(run, vm)


@step_task
async def prepare_vm(run: RunContext, step: Step) -> ActionResult:
    """Send the last changes of a VM that is off; evidence says how much was pending."""
    vm = vm_of(step)
    if (over := skipped(run, vm)) or (over := behind(run, vm)):
        return over
    fact = fact_of(run, vm)
    if run.operation is not Operation.UNPLANNED:
        await _tell_pending(run, step, vm)
        return await on_its_host(
            run, vm, lambda host: host.prepare.submit(vm.name, vm.name), side=Side.SOURCE
        )
    if fact.facts.get("recovery_point_id"):
        # Hyper-V takes no recovery point once the last changes have been sent.
        return ActionResult(changed=False, evidence={"not_done": "an older point was chosen"})
    if run.evidence_of(vm=vm.name, action=Action.SHUTDOWN).get("state") != "Off":
        return ActionResult(changed=False, evidence={"not_done": "it is not known to be off"})
    try:

        def send(host: HostAccess) -> Awaitable[ActionResult]:
            sending = host.prepare.submit(vm.name, vm.name)
            return run.ask_source(host.name, sending, phase=Action.PREPARE)

        return await on_its_host(run, vm, send, side=Side.SOURCE, phase=Action.PREPARE)
    except SecondsiteError as error:
        return await not_done(run, step, error.message)


async def _tell_pending(run: RunContext, step: Step, vm: PlannedVm) -> None:
    """Say how much has to be sent before the wait for it begins; not knowing it harms nobody."""
    try:
        seen = await on_its_host(
            run, vm, lambda host: host.measure.submit(vm.name, vm.name), side=Side.SOURCE
        )
    except SecondsiteError:
        return
    pending_bytes = int(seen.evidence.get("pending_bytes") or 0)
    text = f"{vm.name}: {pending_bytes / 2**20:.1f} MiB of changes are pending, and are sent now."
    details = {"pending_bytes": pending_bytes}
    await run.tell(Noted(at=run.now(), step=step.id, text=text, details=details))


async def stop_twin(run: RunContext, vm: PlannedVm) -> ActionResult:
    """Shut down the VM in the site that is left, or turn it off where the plan allows it.

    Raises:
        SecondsiteError: it runs still.
    """
    limit_s = vm.shutdown_timeout.total_seconds()
    if run.operation is Operation.UNPLANNED:
        # The host shall give its guest up before the host itself is given up.
        limit_s = min(limit_s, run.source_limit_s(Action.SHUTDOWN) * _GUESTS_SHARE)

    async def stop(host: HostAccess) -> ActionResult:
        try:
            shutting_down = host.shut_down.submit(vm.name, (vm.name, limit_s))
            return await run.ask_source(host.name, shutting_down, phase=Action.SHUTDOWN)
        except NotFoundError:
            raise
        except (ActionFailedError, UnknownOutcomeError) as error:
            if not vm.turn_off_if_stuck or run.is_given_up(host.name):
                raise
            text = f"{vm.name} is turned off, as the plan allows: {error.message}"
            await run.tell(Noted(at=run.now(), text=text, level="warning"))
            turning_off = host.turn_off.submit(vm.name, vm.name)
            return await run.ask_source(host.name, turning_off, phase=Action.SHUTDOWN)

    result = await on_its_host(run, vm, stop, side=Side.SOURCE, phase=Action.SHUTDOWN)
    host = fact_of(run, vm).source_host
    return ActionResult(changed=result.changed, evidence={**result.evidence, "host": host})


async def _attempted(run: RunContext, step: Step, vm: PlannedVm) -> ActionResult:
    fact = fact_of(run, vm)
    if not fact.source_host or run.is_given_up(fact.source_host):
        reason = f"{fact.source_host or run.source_site_name} does not answer"
        return ActionResult(changed=False, evidence={"not_done": reason})
    try:
        return await stop_twin(run, vm)
    except SecondsiteError as error:
        return await not_done(run, step, error.message)


def behind(run: RunContext, vm: PlannedVm) -> ActionResult | None:
    """The result of every step before the failover, of a VM that is further on; None if not."""
    standing = fact_of(run, vm).facts.get("standing")
    if standing not in _BEHIND:
        return None
    return ActionResult(changed=False, evidence={"skipped": f"it is {standing} already"})
