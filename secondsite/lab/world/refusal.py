"""What the simulated Windows answers when it will not do something.

The cmdlets turn a `LabRefusal` into an ErrorRecord whose id is
`<reason>,Microsoft.HyperV.PowerShell.Commands.<VerbNoun>`.
"""

from __future__ import annotations

__all__ = [
    "VIRTUALIZATION_EXCEPTION",
    "VMM_EXCEPTION",
    "LabRefusal",
    "access_denied",
    "invalid_parameter",
    "invalid_vm_state",
    "not_found",
    "vm_not_found",
]

VIRTUALIZATION_EXCEPTION = "Microsoft.HyperV.PowerShell.VirtualizationException"
VMM_EXCEPTION = "Microsoft.VirtualManager.Utils.CarmineException"


class LabRefusal(Exception):  # noqa: N818 - it is an answer, not a fault of the lab
    """The simulated server refuses, in Windows' words. Nothing was changed.

    Attributes:
        message: Windows' text.
        reason: First part of the FullyQualifiedErrorId: InvalidState, InvalidParameter, …
        category: ErrorCategory name: InvalidOperation, InvalidArgument, ObjectNotFound, …
        exception_type: Full .NET name.
        target: The object that the error is about.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        category: str,
        exception_type: str = VIRTUALIZATION_EXCEPTION,
        target: str = "",
    ) -> None:
        self.message = message
        self.reason = reason
        self.category = category
        self.exception_type = exception_type
        self.target = target
        super().__init__(message)


def vm_not_found(name: str) -> LabRefusal:
    """No machine of that name on this host (text and id as Get-VM has them)."""
    return LabRefusal(
        f'Hyper-V was unable to find a virtual machine with name "{name}".',
        reason="InvalidParameter",
        category="InvalidArgument",
        target=name,
    )


def not_found(message: str, *, target: str = "") -> LabRefusal:
    """Some other object that is not there."""
    return LabRefusal(message, reason="ObjectNotFound", category="ObjectNotFound", target=target)


def invalid_parameter(message: str, *, target: str = "") -> LabRefusal:
    """A parameter, or a mix of parameters, that makes no sense at run time."""
    return LabRefusal(message, reason="InvalidParameter", category="InvalidArgument", target=target)


def invalid_vm_state(verb: str, *, vm: str, state: str) -> LabRefusal:
    """The machine's power state forbids it (generic text: Hyper-V reference, section 5)."""
    return LabRefusal(
        f"'{vm}' failed to {verb}. The virtual machine is not in a valid state to perform the "
        f"operation. (Its state is {state}.)",
        reason="InvalidState",
        category="InvalidOperation",
        target=vm,
    )


def access_denied(message: str, *, target: str = "") -> LabRefusal:
    """The account may not, or a second hop was tried."""
    return LabRefusal(message, reason="AccessDenied", category="PermissionDenied", target=target)
