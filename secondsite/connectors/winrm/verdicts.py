"""Failures of a lane as errors for operators: what, where, what was not touched, what next."""

from __future__ import annotations

from secondsite.connectors.winrm.endpoint import Endpoint
from secondsite.connectors.winrm.framing import Answer, AnswerError
from secondsite.connectors.winrm.script import Script
from secondsite.connectors.winrm.wirefault import WireFault, WireFaultKind
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    NotFoundError,
    NotStartedError,
    SiteError,
    UnknownOutcomeError,
    WrongStateError,
)

__all__ = ["denied", "failed", "not_started", "unknown"]


def denied(endpoint: Endpoint, what: str, reason: str) -> AccessDeniedError:
    """The server refused the account. Nothing tries it again by itself: retries lock accounts."""
    who = f"account {endpoint.username!r}" if endpoint.username else "the certificate"
    return AccessDeniedError(
        f"{endpoint} refused {who} over {endpoint.transport} ({reason}); {what} was not started"
        " and nothing was changed there.",
        host=endpoint.name,
        next_step="Check the password, whether the account is locked, and its rights on"
        f" {endpoint.name}; then try again. It is not tried again by itself.",
        evidence={"reason": reason},
    )


def not_started(
    endpoint: Endpoint, what: str, reason: str, *, fault: WireFault | None = None
) -> NotStartedError:
    """Surely nothing of `what` was executed."""
    return NotStartedError(
        f"{endpoint}: {what} was not started ({reason}); nothing was changed there.",
        host=endpoint.name,
        next_step=_remedy(endpoint, fault),
        evidence={"reason": reason, "code": fault.code if fault else 0},
    )


def unknown(
    endpoint: Endpoint, what: str, reason: str, *, request_id: str = ""
) -> UnknownOutcomeError:
    """`what` may or may not have been executed."""
    return UnknownOutcomeError(
        f"{endpoint}: {what} may or may not have been carried out ({reason}).",
        host=endpoint.name,
        next_step=f"Read the state on {endpoint.name} first; do not simply repeat it.",
        evidence={"reason": reason, "request_id": request_id},
    )


def failed(endpoint: Endpoint, script: Script, answer: Answer) -> SiteError:
    """What the script's error means."""
    error = answer.error or AnswerError(message="an error without a text")
    evidence = {
        "message": error.message,
        "type": error.type,
        "fqid": error.fqid,
        "category": error.category,
        "at": f"{script.name}:{error.at}" if error.at else script.name,
        "warnings": list(answer.warnings),
    }
    if answer.phase == "import":
        return ActionFailedError(
            f"{endpoint}: a PowerShell module could not be imported ({error.message});"
            f" {script.name} was not started and nothing was changed there.",
            host=endpoint.name,
            next_step=f"Install the module on {endpoint.name} (Get-Module -ListAvailable).",
            evidence=evidence,
        )
    if answer.phase == "answer":
        return UnknownOutcomeError(
            f"{endpoint}: {script.name} ran, but its answer could not be written"
            f" ({error.message}).",
            host=endpoint.name,
            next_step=f"Read the state on {endpoint.name} first; do not simply repeat it.",
            evidence=evidence,
        )
    kind = _kind_of(error)
    return kind(
        f"{script.name} on {endpoint}: {error.message}",
        host=endpoint.name,
        next_step=_NEXT_STEPS.get(kind, ""),
        evidence=evidence,
    )


_NEXT_STEPS: dict[type[SiteError], str] = {
    AccessDeniedError: "Give the account the right that is missing.",
    NotFoundError: "Check the name, and on which host the object is now.",
    WrongStateError: "Read the object's state; bring it into the one that the action needs.",
}


def _kind_of(error: AnswerError) -> type[SiteError]:
    """The class of a PowerShell error, by its identifier first and its category second.

    An identifier is `<error>,<command>`. A missing cmdlet is of the category ObjectNotFound as
    well, but no object of the site is missing then.
    """
    identifier = error.fqid.partition(",")[0]
    if identifier == "CommandNotFoundException":
        return ActionFailedError
    by_name = {
        "ObjectNotFound": NotFoundError,
        "InvalidState": WrongStateError,
        "AccessDenied": AccessDeniedError,
        "PermissionDenied": AccessDeniedError,
        "SecurityError": AccessDeniedError,
    }
    return by_name.get(identifier) or by_name.get(error.category) or ActionFailedError


def _remedy(endpoint: Endpoint, fault: WireFault | None) -> str:
    """What to do when nothing was started."""
    kind = fault.kind if fault else None
    if fault is not None and fault.text.startswith("TLS"):
        return (
            f"Name the authority that signed its certificate as `ca:` of {endpoint.name} in the"
            " estate, and check the name that the certificate is for."
        )
    if kind is WireFaultKind.QUOTA:
        return (
            f"Close shells that others left open on {endpoint.name} (Get-WSManInstance shell"
            " -Enumerate), or raise its WinRM quotas; then try again."
        )
    if kind is WireFaultKind.UNDELIVERED:
        return (
            f"Check that {endpoint.name} is up and answers: Test-WSMan {endpoint.target} -Port"
            f" {endpoint.effective_port}; then try again."
        )
    return f"Try again; if it stays so, look at the WinRM service on {endpoint.name}."
