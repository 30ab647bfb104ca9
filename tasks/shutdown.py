"""The site that is left: VMs shut down there, and their last changes sent."""

from __future__ import annotations

from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.connectors.standing import Standing
from secondsite.errors import (
    ActionFailedError,
    NotFoundError,
    SecondsiteError,
    UnknownOutcomeError,
)
from secondsite.graph import Action, Operation, Step
from secondsite.plan.model import PlannedVm
from secondsite.run.events import Noted
from tasks.action import step_task
from tasks.context import RunContext
from tasks.vm import fact_of, skipped, vm_of

__all__ = ["prepare_vm", "shut_down_vm", "stop_twin"]

_BEHIND = frozenset({Standing.COMMIT_PENDING, Standing.REVERSING})
"""A planned failover that goes on from an earlier one has these steps behind it."""


@step_task
async def shut_down_vm(run: RunContext, step: Step) -> ActionResult:
    """Shut the guest down in the site that is left; it is off afterwards.

    It is turned off only where the plan allows that. In an unplanned failover this is an attempt:
    what cannot be done is noted, and the failover goes on.
    """
    vm = vm_of(step)
    if (over := skipped(run, vm)) or (over := _behind(run, vm)):
        return over
    if run.operation is Operation.UNPLANNED:
        return await _attempted(run, step, vm)
    return await stop_twin(run, vm)


@step_task
async def prepare_vm(run: RunContext, step: Step) -> ActionResult:
    """Send the last changes of a VM that is off; evidence says how much was pending."""
    vm = vm_of(step)
    if (over := skipped(run, vm)) or (over := _behind(run, vm)):
        return over
    fact = fact_of(run, vm)
    if run.operation is not Operation.UNPLANNED:
        return await run.sites.host(fact.source_host).prepare.submit(vm.name, vm.name)
    if fact.facts.get("recovery_point_id"):
        # Hyper-V takes no recovery point once the last changes have been sent.
        return ActionResult(changed=False, evidence={"not_done": "an older point was chosen"})
    if run.evidence_of(vm=vm.name, action=Action.SHUTDOWN).get("state") != "Off":
        return ActionResult(changed=False, evidence={"not_done": "it is not known to be off"})
    try:
        sending = run.sites.host(fact.source_host).prepare.submit(vm.name, vm.name)
        return await run.ask_source(fact.source_host, sending)
    except SecondsiteError as error:
        return await _not_done(run, step, error)


async def stop_twin(run: RunContext, vm: PlannedVm) -> ActionResult:
    """Shut down the VM in the site that is left, or turn it off where the plan allows it.

    Raises:
        SecondsiteError: it runs still.
    """
    host = fact_of(run, vm).source_host
    access = run.sites.host(host)
    limit_s = vm.shutdown_timeout.total_seconds()
    try:
        result = await run.ask_source(host, access.shut_down.submit(vm.name, (vm.name, limit_s)))
    except NotFoundError:
        raise
    except (ActionFailedError, UnknownOutcomeError) as error:
        if not vm.turn_off_if_stuck or run.is_given_up(host):
            raise
        await run.tell(
            Noted(
                at=run.now(),
                text=f"{vm.name} is turned off, as the plan allows: {error.message}",
                level="warning",
            )
        )
        result = await run.ask_source(host, access.turn_off.submit(vm.name, vm.name))
    return ActionResult(changed=result.changed, evidence={**result.evidence, "host": host})


async def _attempted(run: RunContext, step: Step, vm: PlannedVm) -> ActionResult:
    fact = fact_of(run, vm)
    if not fact.source_host or run.is_given_up(fact.source_host):
        reason = f"{fact.source_host or run.source_site_name} does not answer"
        return ActionResult(changed=False, evidence={"not_done": reason})
    try:
        return await stop_twin(run, vm)
    except SecondsiteError as error:
        return await _not_done(run, step, error)


async def _not_done(run: RunContext, step: Step, error: SecondsiteError) -> ActionResult:
    await run.tell(Noted(at=run.now(), step=step.id, text=error.message, level="warning"))
    evidence: dict[str, Any] = {"not_done": error.message}
    return ActionResult(changed=False, evidence=evidence)


def _behind(run: RunContext, vm: PlannedVm) -> ActionResult | None:
    standing = fact_of(run, vm).facts.get("standing")
    if standing not in _BEHIND:
        return None
    return ActionResult(changed=False, evidence={"skipped": f"it is {standing} already"})
