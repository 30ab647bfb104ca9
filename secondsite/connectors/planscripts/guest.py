"""One script of a plan inside a VM, through PowerShell Direct on the host that runs the VM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pydantic import SecretStr

from secondsite.connectors.base import ActionResult
from secondsite.connectors.outcomes import read_object
from secondsite.connectors.planscripts.run import OUTPUT_LIMIT_CHARS, read_run
from secondsite.connectors.scriptlane import Script, ScriptLane
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    NotFoundError,
    NotReadyError,
    SiteError,
    UnknownOutcomeError,
    WrongStateError,
)

__all__ = ["Guest", "read_guest_run", "run_guest_script"]

_PACKAGE = "secondsite.connectors.planscripts"
_WAIT_S = 120.0
"""How long a VM that runs is asked for a session: heartbeats come before that service is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """The inside of one VM.

    Attributes:
        vm: Name under which the VM runs on its host.
        vm_id: Hyper-V's id of it: names need not be unique.
        username: Account inside.
        password: Its password.
    """

    vm: str
    vm_id: str
    username: str
    password: SecretStr


@cache
def _scripts() -> tuple[Script, str]:
    """Ours for the host, in a process of its own, and the text of what runs inside."""
    ours = Script.from_package(_PACKAGE, "invoke_in_guest.ps1")
    return replace(ours, own_process=True), Script.from_package(_PACKAGE, "run_script.ps1").text


def run_guest_script(
    lane: ScriptLane,
    text: str,
    *,
    host: str,
    guest: Guest,
    arguments: Mapping[str, Any],
    context: Mapping[str, Any],
    timeout_s: float,
) -> ActionResult:
    """Run `text` inside `guest`; evidence as of `run_plan_script`, and the guest's own name.

    A VM that runs and gives no session yet is asked again for up to two minutes, and at most half
    of `timeout_s`.

    Raises:
        NotFoundError: the host does not have the VM; nothing ran.
        WrongStateError: the VM does not run; nothing ran.
        AccessDeniedError: the guest refuses the account; nothing ran.
        NotReadyError: no session could be had; nothing ran.
        ActionFailedError: the script threw.
        UnknownOutcomeError: it may or may not have run to its end.
    """
    ours, runner = _scripts()
    answer = lane.call(
        ours,
        {
            "VmId": guest.vm_id,
            "UserName": guest.username,
            "Password": guest.password.get_secret_value(),
            "Runner": runner,
            "Text": text,
            "Arguments": json.dumps(dict(arguments)),
            "Context": json.dumps(dict(context)),
            "LimitChars": OUTPUT_LIMIT_CHARS,
            "WaitMs": round(min(_WAIT_S, timeout_s / 2) * 1000),
        },
        timeout_s=timeout_s,
    )
    return read_guest_run(answer, host=host, guest=guest)


def read_guest_run(answer: Any, *, host: str, guest: Guest) -> ActionResult:
    """What `invoke_in_guest.ps1` answered.

    Raises:
        SiteError: as `run_guest_script`.
    """
    found = read_object(answer, host=host)
    computer = str(found.get("computer") or "")
    where = {"guest": computer, "running_vm": guest.vm}
    match found.get("phase"):
        case "answer":
            try:
                result = read_run(found.get("answer"), host=f"{guest.vm} (inside, on {host})")
            except SiteError as error:
                error.evidence = {**error.evidence, **where}
                error.host, error.vm = host, guest.vm
                raise
            return ActionResult(changed=True, evidence={**result.evidence, **where})
        case "exit":
            raise UnknownOutcomeError(
                f"Inside {guest.vm} on {host} the script called `exit`: PowerShell Direct gives no "
                "exit code back, so nobody can tell whether it succeeded.",
                host=host,
                vm=guest.vm,
                next_step="Look inside the VM, then retry or skip the step. In the script, write "
                "`return` where it is done and `throw` where it fails.",
                evidence=where,
            )
        case "connect":
            raise _refused(dict(found.get("error") or {}), host=host, guest=guest)
        case _:
            cause = dict(found.get("error") or {})
            raise UnknownOutcomeError(
                f"Inside {guest.vm} on {host} the script was begun, and the session ended before "
                f"it answered: {_said(cause)}",
                host=host,
                vm=guest.vm,
                next_step="Look inside the VM how far it came, then retry or skip the step.",
                evidence={**where, "cause": cause},
            )


def _refused(cause: Mapping[str, Any], *, host: str, guest: Guest) -> SiteError:
    """Why there was no session. Told apart by ids and types, never by (localized) texts."""
    identifier = str(cause.get("fqid") or "").partition(",")[0]
    subject = f"{guest.vm} on {host}"
    kind: type[ActionFailedError]
    if identifier in {"InvalidVMIdNotSingle", "InvalidVMIdNoVM"}:
        kind = NotFoundError
        what = f"{host} has no VM {guest.vm} (id {guest.vm_id}), or hides it from our account"
        step = (
            f"Find out where the VM is now (Get-VM), and whether the account of {host} is one of "
            "its Hyper-V Administrators, then retry."
        )
    elif identifier == "InvalidVMState":
        kind = WrongStateError
        what = f"{subject} does not run, so nothing can run inside it"
        step = f"Start it (Start-VM -Name '{guest.vm}' on {host}) and retry, or skip the step."
    elif "PSDirectException" in str(cause.get("type") or ""):
        kind = AccessDeniedError
        what = f"{subject} refused the account '{guest.username}': {_said(cause)}"
        step = (
            "Check the account's password and whether it may log on inside the VM (a local account "
            "is .\\NAME; a domain account needs a domain controller that the VM reaches), mend "
            "the credential, then retry. It was tried once only."
        )
    elif identifier == "PSSessionStateBroken":
        kind = NotReadyError
        what = (
            f"{subject} runs, but gives no PowerShell session: it has not started up yet, or it is "
            "not Windows 10, Windows Server 2016 or later, or its service vmicvmsession is off"
        )
        step = (
            f"Look at its screen (vmconnect {host} '{guest.vm}'); retry when it is up. In another "
            "guest no script can run: let it run on host:<vm> or engine instead."
        )
    elif identifier in {"NamedParameterNotFound", "HyperVModuleNotAvailable"}:
        kind = ActionFailedError
        what = f"{host} has no PowerShell Direct: {_said(cause)}"
        step = "It needs Windows Server 2016 or later, with Hyper-V's PowerShell module."
    else:
        kind = ActionFailedError
        what = f"{subject} could not be entered: {_said(cause)}"
        step = f"Try it by hand on {host}: Enter-PSSession -VMId {guest.vm_id}; then retry."
    return kind(
        f"{what}. Nothing ran inside.",
        host=host,
        vm=guest.vm,
        next_step=step,
        evidence={"cause": dict(cause)},
    )


def _said(cause: Mapping[str, Any]) -> str:
    return str(cause.get("message") or "no message").rstrip(".")
