"""A script of the plan inside a VM: which copy of it that is now, and the account to enter it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.connectors.planscripts import Guest
from secondsite.errors import CredentialError, NotFoundError, SecondsiteError, UnknownOutcomeError
from secondsite.graph import Action, Side, Step
from secondsite.plan.guest_credentials import credential_of
from secondsite.plan.hooks import ScriptHook
from secondsite.plan.model import PlannedVm
from secondsite.run.finding import Finding, Severity
from tasks.context import RunContext
from tasks.shutdown import behind
from tasks.sites import HostAccess
from tasks.vm import fact_of, not_done, running_name, skipped
from tasks.whereabouts import on_its_host

__all__ = [
    "against_guest_credentials",
    "attempt_s",
    "enter_guests",
    "host_of",
    "run_in_guest",
]

_SHARE = 0.8
"""Of the time that the site that is left has: its host is to answer before it is given up."""
_ENTER_S = 20.0


async def run_in_guest(
    run: RunContext, step: Step, hook: ScriptHook, text: str, *, context: Mapping[str, Any]
) -> ActionResult:
    """Run `text` inside the VM that the hook names, where the VM runs at this point of the run.

    Raises:
        CredentialError: its account cannot be had.
        SiteError: as `HyperVHost.run_guest_script`. In an unplanned failover a host of the site
            that is left that does not answer is no error.
    """
    vm = _vm_of(run, hook)
    is_left = step.side is Side.SOURCE
    is_attempt = run.is_attempt(step)
    if is_left and (over := skipped(run, vm) or behind(run, vm)):
        return over
    limit_s = attempt_s(run, step, hook)
    try:
        guest = _guest(run, vm, hook, is_left=is_left)
    except CredentialError as error:
        if is_attempt:  # an emergency does not wait for a password of what it leaves
            return await not_done(run, step, error.message)
        raise

    async def enter(host: HostAccess) -> ActionResult | UnknownOutcomeError:
        try:
            return await host.run_in_guest(
                text, guest=guest, arguments=hook.arguments, context=context, timeout_s=limit_s
            )
        except UnknownOutcomeError as error:
            return error  # the script's own: its host is not given up for it

    async def ask(host: HostAccess) -> ActionResult | UnknownOutcomeError:
        if not is_left:
            return await enter(host)
        return await run.ask_source(host.name, enter(host), phase=Action.SHUTDOWN)

    where = host_of(run, step, hook)
    if is_attempt and (not where or run.is_given_up(where)):
        reason = (
            f"{where or run.source_site_name} does not answer: nothing was run inside {vm.name}."
        )
        return await not_done(run, step, reason)
    side = Side.SOURCE if is_left else Side.TARGET
    try:
        found = await on_its_host(run, vm, ask, side=side, phase=Action.SHUTDOWN)
    except SecondsiteError as error:
        where = host_of(run, step, hook)
        if is_attempt and run.is_given_up(where):
            return await not_done(run, step, error.message)
        raise
    if isinstance(found, UnknownOutcomeError):
        raise found
    evidence = {**found.evidence, "host": host_of(run, step, hook)}
    return ActionResult(changed=True, evidence=evidence)


def attempt_s(run: RunContext, step: Step, hook: ScriptHook) -> float:
    """Seconds that the script may take: as the plan says, and no longer than an attempt may."""
    limit_s = hook.timeout.total_seconds()
    if not run.is_attempt(step):
        return limit_s
    return min(limit_s, run.source_limit_s(Action.SHUTDOWN) * _SHARE)


def host_of(run: RunContext, step: Step, hook: ScriptHook) -> str:
    """The host of the VM that the script names, at this point of the run; empty if not known."""
    fact = fact_of(run, _vm_of(run, hook))
    return fact.source_host if step.side is Side.SOURCE else fact.host


def against_guest_credentials(run: RunContext) -> list[Finding]:
    """A blocker for each script inside a VM whose account is not named, or cannot be had.

    In an unplanned failover, for VMs in the site that is left, it is a warning.
    """
    findings = []
    for step, hook in _scripts_inside(run):
        try:
            run.sites.secrets.account(_credential(run, hook))
        except CredentialError as error:
            findings.append(
                Finding(
                    severity=Severity.WARNING if run.is_attempt(step) else Severity.BLOCKER,
                    area="credentials",
                    sentence=f"{step.id} cannot run inside {hook.on_vm}: {error.message}",
                    remedy=error.next_step,
                )
            )
    return findings


async def enter_guests(run: RunContext, running: Mapping[str, tuple[str, str]]) -> list[Finding]:
    """An error for each account that does not lead into its VM, where the VM runs now.

    A wrong password is tried once for each VM and account. Nothing is changed inside.

    Args:
        run: What would be started: its scripts are those that matter.
        running: Host and id of each VM of the plan that runs, by name in lower case.
    """
    wanted = {
        (str(hook.on_vm).casefold(), _credential(run, hook)): hook
        for _, hook in _scripts_inside(run)
        if str(hook.on_vm).casefold() in running and _is_named(run, hook)
    }
    found = await asyncio.gather(
        *(
            _enter(run, hook, *running[vm], credential=credential)
            for (vm, credential), hook in wanted.items()
        )
    )
    return [each for each in found if each is not None]


async def _enter(
    run: RunContext, hook: ScriptHook, host: str, vm_id: str, *, credential: str
) -> Finding | None:
    try:
        account = run.sites.secrets.account(credential)
    except CredentialError:
        return None  # told already
    guest = Guest(
        vm=str(hook.on_vm), vm_id=vm_id, username=account.username, password=account.password
    )
    try:
        await run.sites.host(host).run_in_guest(
            "$env:COMPUTERNAME", guest=guest, arguments={}, context={}, timeout_s=_ENTER_S
        )
    except SecondsiteError as error:
        return Finding(
            severity=Severity.ERROR,
            area="credentials",
            sentence=f"no script could run inside {hook.on_vm}: {error.message}",
            remedy=error.next_step,
            host=host,
        )
    return None


def _scripts_inside(run: RunContext) -> Iterable[tuple[Step, ScriptHook]]:
    for step in run.steps.values():
        if isinstance(step.hook, ScriptHook) and step.hook.is_in_guest:
            yield step, step.hook


def _credential(run: RunContext, hook: ScriptHook) -> str:
    name = credential_of(hook, run.protection)
    if name is None:
        raise CredentialError(
            f"Nothing says under which account {hook.script} runs inside {hook.on_vm}.",
            next_step="Write credential: NAME at the script, or guest_credential: NAME at the "
            f"protection {run.protection.name} of the estate.",
        )
    return name


def _is_named(run: RunContext, hook: ScriptHook) -> bool:
    return credential_of(hook, run.protection) is not None


def _guest(run: RunContext, vm: PlannedVm, hook: ScriptHook, *, is_left: bool) -> Guest:
    """The production VM there, the test VM or the VM itself here."""
    account = run.sites.secrets.account(_credential(run, hook))
    name, vm_id = vm.name, fact_of(run, vm).id
    if run.is_test and not is_left:
        name = running_name(run, vm)
        vm_id = str(run.evidence_of(vm=vm.name, action=Action.FAILOVER).get("test_vm_id") or "")
    if not vm_id:
        raise NotFoundError(
            f"The id of {name} is not known, so nothing was run inside it.",
            vm=vm.name,
            next_step="Retry the failover step of this VM, or start the run anew.",
        )
    return Guest(vm=name, vm_id=vm_id, username=account.username, password=account.password)


def _vm_of(run: RunContext, hook: ScriptHook) -> PlannedVm:
    wanted = str(hook.on_vm).casefold()
    return next(vm for vm in run.plan.vms if vm.name.casefold() == wanted)
