"""What a Windows server gave as the cause, as an error whose class and next step help. Pure.

Our scripts refuse with texts `Secondsite.<Reason>: …`; Windows' own errors are told apart by the
first part of their FullyQualifiedErrorId and by their category, never by their (localized) text.
Source of those ids: the project's Hyper-V reference, section 5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    ConflictError,
    NotFoundError,
    WrongStateError,
)

__all__ = ["Cause", "read_cause", "site_error"]

_OURS = re.compile(r"Secondsite\.(\w+): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    error: type[ActionFailedError]
    next_step: str


_OUR_REASONS: Mapping[str, _Kind] = {
    "VmNotFound": _Kind(
        error=NotFoundError,
        next_step="Find out where the VM is now (it may have moved to another host), then retry.",
    ),
    "SeveralVms": _Kind(
        error=WrongStateError,
        next_step="Rename all but one of them on {host}, then retry.",
    ),
    "NotReplica": _Kind(
        error=WrongStateError,
        next_step="Look at Get-VMReplication -VMName '{vm}' on {host}: replicate the VM to this"
        " host first, or choose the other direction.",
    ),
    "NotReplicated": _Kind(
        error=WrongStateError,
        next_step="Enable replication of the VM (Enable-VMReplication) on its primary host first.",
    ),
    "TestVmExists": _Kind(
        error=WrongStateError,
        next_step="If nobody needs that test any more, end it with: secondsite cleanup, or on"
        " {host}: Stop-VMFailover -VMName '{vm}'. Then retry.",
    ),
    "NameTaken": _Kind(
        error=WrongStateError,
        next_step="Rename or remove that VM on {host}, then retry.",
    ),
    "NotOurTestVm": _Kind(
        error=WrongStateError,
        next_step="Somebody ended our test and began another one. If that one may go, on {host}:"
        " Stop-VMFailover -VMName '{vm}'.",
    ),
    "RealFailover": _Kind(
        error=WrongStateError,
        next_step="Finish the real failover (commit or undo) before cleaning up the test.",
    ),
    "RecoveryPointNotFound": _Kind(
        error=NotFoundError,
        next_step="Hyper-V has merged it meanwhile: choose another recovery point, or the latest.",
    ),
    "AdapterNotFound": _Kind(
        error=NotFoundError,
        next_step="Look at Get-VMNetworkAdapter -VMName '{vm}' on {host}, and name an adapter that"
        " exists in the plan's address, or take the address out.",
    ),
    "LegacyAdapter": _Kind(
        error=WrongStateError,
        next_step="Give the VM a synthetic adapter, or write `keep` or `dhcp` for this one in the"
        " plan.",
    ),
    "SwitchNotFound": _Kind(
        error=NotFoundError,
        next_step="Create the switch on {host}, or mend the network's `switch` in the estate.",
    ),
    "LogicalNetworkNotFound": _Kind(
        error=NotFoundError,
        next_step="Make the logical network on {host}, or name another one in the estate.",
    ),
    "NetworkSiteNotFound": _Kind(
        error=NotFoundError,
        next_step="Somebody has changed the logical network on {host}: start a new test.",
    ),
    "NetworkNotFound": _Kind(
        error=NotFoundError,
        next_step="Somebody has removed it on {host}. If a test had made it, clean up and start a"
        " new test; if it is one of the estate, make it there again, then retry.",
    ),
    "VmSubnetNotFound": _Kind(
        error=NotFoundError,
        next_step="Write the network's `subnets` in the estate as its VM subnets are on {host},"
        " then start a new run.",
    ),
    "VlanTaken": _Kind(
        error=ConflictError,
        next_step="Abort this test and clean up, then start a new one: it takes another VLAN."
        " Or end the other test, if it is one, and retry.",
    ),
    "NotOurNetwork": _Kind(
        error=WrongStateError,
        next_step="Look at its description on {host}. If it may go, remove it there"
        " (Remove-SCVMNetwork), then retry.",
    ),
    "NetworkInUse": _Kind(
        error=WrongStateError,
        next_step="Connect these VMs to another network, or have VMM look at their hosts again on"
        " {host} (Read-SCVirtualMachine), then retry.",
    ),
    "NoSwitchForNetwork": _Kind(
        error=NotFoundError,
        next_step="Add the logical network to the logical switch of that host in VMM, then retry.",
    ),
    "WrongVmState": _Kind(
        error=WrongStateError,
        next_step="Bring the VM into a state that allows it on {host}, then retry.",
    ),
    "WrongReplicationState": _Kind(
        error=WrongStateError,
        next_step="Look at Get-VMReplication -VMName '{vm}' on {host}: not every"
        " state allows this.",
    ),
    "NotConfirmed": _Kind(
        error=ActionFailedError,
        next_step="Retry: it looks first and does nothing twice. If it stays so, look at the VM on"
        " {host}.",
    ),
    "VmNotInVmm": _Kind(
        error=NotFoundError,
        next_step="VMM takes new VMs up when it refreshes the host: wait, or on {host}:"
        " Read-SCVirtualMachine -VMHost <host>.",
    ),
    "PoolNotFound": _Kind(
        error=NotFoundError,
        next_step="Create a static IP address pool for that VM network in VMM, or write another"
        " address rule in the plan.",
    ),
    "PoolFull": _Kind(
        error=ActionFailedError,
        next_step="Enlarge the pool in VMM, or revoke addresses there that nobody uses"
        " (Get-SCIPAddress, Revoke-SCIPAddress), then retry.",
    ),
    "RecordGone": _Kind(
        error=ConflictError,
        next_step="Somebody changes that name just now: look at it on {host}, then retry.",
    ),
    "TypeNotPossible": _Kind(
        error=ActionFailedError,
        next_step="Change that record by hand on {host}, then mark the step as done.",
    ),
    "AdapterNotInVmm": _Kind(
        error=NotFoundError,
        next_step="Refresh the VM in VMM (Read-SCVirtualMachine), then retry.",
    ),
}

_WINDOWS_IDS: Mapping[str, _Kind] = {
    "InvalidState": _Kind(
        error=WrongStateError,
        next_step="Look at Get-VM and Get-VMReplication of it on {host}, mend its state, retry.",
    ),
    "ObjectNotFound": _Kind(
        error=NotFoundError,
        next_step="Either it is not there, or the account may not see it: look on {host} with the"
        " same account.",
    ),
    "AccessDenied": _Kind(
        error=AccessDeniedError,
        next_step="Give the account Hyper-V Administrators on {host} (VMM: an administrator role).",
    ),
    "OutOfMemory": _Kind(
        error=ActionFailedError,
        next_step="Free memory on {host} (stop or move VMs), then retry.",
    ),
}

_WINDOWS_CATEGORIES: Mapping[str, str] = {
    "PermissionDenied": "AccessDenied",
    "SecurityError": "AccessDenied",
    "ObjectNotFound": "ObjectNotFound",
}

_OTHER = _Kind(
    error=ActionFailedError,
    next_step="Put right on {host} what the message says, then retry this step.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why something was not done, as a server told it.

    Attributes:
        reason: `VmNotFound` and the like (ours), or the first part of Windows' error id.
        is_ours: Whether one of our scripts refused, rather than Windows.
    """

    message: str
    reason: str
    fqid: str = ""
    category: str = ""
    type: str = ""
    is_ours: bool = False

    def as_evidence(self) -> dict[str, str]:
        """What of it is worth keeping, as plain JSON values."""
        return {
            "message": self.message,
            "fqid": self.fqid,
            "category": self.category,
            "type": self.type,
        }


def read_cause(error: Mapping[str, Any]) -> Cause:
    """The cause out of `{message, type, fqid, category}`."""
    message = str(error.get("message") or "").strip()
    fqid = str(error.get("fqid") or "")
    category = str(error.get("category") or "")
    type_ = str(error.get("type") or "")
    ours = _OURS.match(message)
    if ours:
        return Cause(message=ours[2], reason=ours[1], is_ours=True)
    reason = fqid.partition(",")[0]
    if reason not in _WINDOWS_IDS:
        reason = _WINDOWS_CATEGORIES.get(category, reason)
    return Cause(
        message=message or "no message", reason=reason, fqid=fqid, category=category, type=type_
    )


def site_error(
    cause: Cause,
    *,
    host: str,
    vm: str = "",
    action: str,
    is_changed: bool,
    evidence: Mapping[str, Any] | None = None,
) -> ActionFailedError:
    """The error that tells an operator what was refused, by whom, and what to do about it.

    `action` completes "could not …"; `is_changed` says whether something had been changed before.
    """
    kinds = _OUR_REASONS if cause.is_ours else _WINDOWS_IDS
    kind = kinds.get(cause.reason, _OTHER)
    subject = f"{vm} on {host}" if vm else host
    touched = (
        "Part of it was done before: the evidence says what."
        if is_changed
        else "Nothing was changed."
    )
    return kind.error(
        f"{subject}: could not {action}: {cause.message.rstrip('.')}. {touched}",
        host=host,
        vm=vm,
        next_step=kind.next_step.format(host=host, vm=vm),
        evidence={**(evidence or {}), "cause": cause.as_evidence()},
    )
