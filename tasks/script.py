"""A script of the plan, run where the plan says; arguments and context are handed over as data."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.connectors.planscripts import run_engine_script
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    SecondsiteError,
    UnknownOutcomeError,
)
from secondsite.graph import Action, Side, Step
from secondsite.home import plans_folder
from secondsite.plan.model import Direction, FailoverKind, OnUnknown, ScriptHook
from tasks.action import step_task
from tasks.context import RunContext
from tasks.guest_script import attempt_s, host_of, run_in_guest
from tasks.sites import HostAccess, VmmAccess
from tasks.vm import not_done

__all__ = ["recovery_plan_context", "run_script"]

_FAILOVER_TYPES = {
    FailoverKind.TEST: "Test",
    FailoverKind.PLANNED: "Planned",
    FailoverKind.UNPLANNED: "Unplanned",
}


@step_task
async def run_script(run: RunContext, step: Step) -> ActionResult:
    """Run one script of the plan: on a server, the host of a VM, inside a VM, or on this machine.

    Nothing tells from outside whether a script has done its work: where that is not known (the
    engine died, the answer was lost), the plan's `on_unknown` decides, once.
    """
    hook = _hook_of(step)
    if step.id in run.unsettled:
        run.unsettled.discard(step.id)  # when people have answered, it is a script like any other
        doubt = UnknownOutcomeError(
            f"{hook.script}: {_MAY_HAVE_RUN}, and nobody can tell from outside.",
            host=_where(run, step, hook),
            next_step="Find out, then retry or skip this step.",
        )
    else:
        try:
            return await _repeated(run, step, hook)
        except UnknownOutcomeError as error:
            doubt = error
    match hook.on_unknown:
        case OnUnknown.SKIP:
            return ActionResult(changed=False, evidence={"skipped": doubt.message})
        case OnUnknown.ASK:
            raise doubt
        case OnUnknown.RERUN:
            return await _repeated(run, step, hook)


async def _repeated(run: RunContext, step: Step, hook: ScriptHook) -> ActionResult:
    """Run it until it succeeds, as often as the plan allows."""
    for _ in range(hook.retries):
        try:
            return await _run(run, step, hook)
        except (UnknownOutcomeError, AccessDeniedError):
            raise  # a wrong password, tried often, locks the account
        except ActionFailedError:
            continue
    return await _run(run, step, hook)


_MAY_HAVE_RUN = "the engine died while it ran: it may or may not have done its work"


def recovery_plan_context(run: RunContext, *, group: str) -> dict[str, Any]:
    """The run's state for a script, with the field names that Azure Site Recovery used.

    `VmMap` holds the VMs of the step's group (all VMs where the step has none) by VM id; each has
    its name, its host, and the addresses found so far. Source of the names: Azure Site Recovery's
    documentation of runbooks in recovery plans.
    """
    kind = run.operation.failover_kind
    groups = [each.name for each in run.plan.groups]
    names = [vm.name for each in run.plan.groups if group in {"", each.name} for vm in each.vms]
    facts = [run.vms[name] for name in names if name in run.vms]
    is_forward = run.direction is Direction.FORWARD
    return {
        "RecoveryPlanName": run.plan.name,
        "FailoverType": _FAILOVER_TYPES[kind] if kind else "",
        "FailoverDirection": "PrimaryToSecondary" if is_forward else "SecondaryToPrimary",
        "GroupId": str(groups.index(group) + 1) if group in groups else "",
        "VmMap": {
            fact.id: {
                "Name": fact.name,
                "Host": fact.host,
                "Addresses": list(
                    run.evidence_of(vm=fact.name, action=Action.ADDRESS).get("addresses", ())
                ),
                "RecoveryPointId": _text(fact.recovery_point_at),
            }
            for fact in facts
        },
    }


async def _run(run: RunContext, step: Step, hook: ScriptHook) -> ActionResult:
    file = plans_folder() / hook.script
    text = _read(file)
    context = recovery_plan_context(run, group=step.group)
    if hook.is_in_guest:
        return await run_in_guest(run, step, hook, text, context=context)
    if hook.on != "engine":
        return await _run_on_server(run, step, hook, text, context=context)
    where = _where(run, step, hook)
    result = await asyncio.to_thread(
        run_engine_script,
        file,
        host=where,
        arguments=hook.arguments,
        context=context,
        timeout_s=hook.timeout.total_seconds(),
    )
    return ActionResult(changed=True, evidence={**result.evidence, "host": where})


async def _run_on_server(
    run: RunContext, step: Step, hook: ScriptHook, text: str, *, context: Mapping[str, Any]
) -> ActionResult:
    """On a VMM server or a host; in the site that an emergency leaves, as far as it answers."""
    where = _where(run, step, hook)
    is_attempt = run.is_attempt(step)
    if is_attempt and (not where or not run.asks_source):
        reason = f"Nothing is asked of {run.source_site_name}: {hook.script} was not run there."
        return await not_done(run, step, reason)
    access = _access(run, step, hook)
    call = access.call(
        access.connector.run_script,
        text,
        arguments=hook.arguments,
        context=context,
        timeout_s=attempt_s(run, step, hook),
    )
    try:
        if step.side is Side.SOURCE:
            call = run.ask_source(where, call, phase=Action.SHUTDOWN)
        result = await call
    except SecondsiteError as error:
        if is_attempt and run.is_given_up(where):
            return await not_done(run, step, error.message)
        raise
    return ActionResult(changed=True, evidence={**result.evidence, "host": where})


def _where(run: RunContext, step: Step, hook: ScriptHook) -> str:
    """The name of the machine on which it runs; of a script inside a VM, the VM's host."""
    if hook.on == "engine":
        return socket.gethostname()
    if hook.on_vm is not None:
        return host_of(run, step, hook)
    return _access(run, step, hook).name


def _access(run: RunContext, step: Step, hook: ScriptHook) -> HostAccess | VmmAccess:
    if hook.on_vm is not None:
        return run.sites.host(host_of(run, step, hook))
    protection = run.protection
    return run.sites.vmm(protection.primary if hook.on == "primary" else protection.recovery)


def _hook_of(step: Step) -> ScriptHook:
    if not isinstance(step.hook, ScriptHook):
        raise TypeError(f"{step.id} is no script")
    return step.hook


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise ActionFailedError(
            f"The script {path.name} cannot be read ({error.strerror}); it was not run.",
            next_step="Put it back into the plans folder, then retry this step.",
        ) from error


def _text(at: datetime | None) -> str:
    return at.isoformat() if at else ""
