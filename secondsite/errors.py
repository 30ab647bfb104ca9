"""Every exception of the project, split by what the reader can do about it.

::

    SecondsiteError
    ├── UsageError                 call it differently                         (exit code 2)
    ├── PlanError                  mend the plan, estate or parameter: .faults (exit code 3)
    │   └── DependencyCycleError   the plan waits for itself: .cycle
    ├── RefusedError               nothing was touched; the reasons say what to mend: .reasons
    │   ├── PreflightError         the sites are not fit for this run
    │   └── RunConflictError       another run holds the plan or one of its VMs
    ├── CredentialError            a named secret cannot be had
    ├── UnreachableError           a server of ours does not answer            (exit code 5)
    ├── JournalError               the journal cannot be read or written
    ├── RunLeftError               nobody carries the run any more: have it taken up
    ├── IllegalTransitionError     an event that this state does not know
    └── SiteError                  a site did not do what was asked
        ├── NotStartedError        surely nothing happened: may be tried again as it is
        ├── UnknownOutcomeError    it may or may not have happened: read the state first
        └── ActionFailedError      the site said no, or what was waited for did not come
            ├── AccessDeniedError  ask whoever owns the account; never retried
            ├── WrongStateError    the object is in a state that forbids the action
            ├── NotFoundError      no such object there
            ├── ConflictError      the value is neither the old one nor ours: .found
            └── NotReadyError      a VM was not ready in time: .seen

Nothing of `winrm`, `requests` or `dns` escapes the connectors: they translate at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = [
    "AccessDeniedError",
    "ActionFailedError",
    "ConflictError",
    "CredentialError",
    "DependencyCycleError",
    "Fault",
    "IllegalTransitionError",
    "JournalError",
    "NotFoundError",
    "NotReadyError",
    "NotStartedError",
    "PlanError",
    "PreflightError",
    "RefusedError",
    "RunConflictError",
    "RunLeftError",
    "SecondsiteError",
    "SiteError",
    "UnknownOutcomeError",
    "UnreachableError",
    "UsageError",
    "WrongStateError",
]


class SecondsiteError(Exception):
    """Base of all: says what happened, and in `next_step` what to do about it.

    Attributes:
        kind: One stable word for scripts and reports.
        message: What happened, for a person.
        next_step: What that person should do next; may be empty.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, next_step: str = "") -> None:
        self.message = message
        self.next_step = next_step
        super().__init__(f"{message} {next_step}".strip())

    def as_dict(self) -> dict[str, Any]:
        """`{kind, message, next}`: the form that journals and reports carry."""
        return {"kind": self.kind, "message": self.message, "next": self.next_step}


class UsageError(SecondsiteError):
    """The command or a parameter was used wrongly."""

    kind = "usage"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Fault:
    """One thing that is wrong in a file that a person wrote.

    Attributes:
        file: Path as the person gave it.
        line: 1-based line; 0 where the file as a whole is meant.
        message: What is wrong, and what to write instead.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """`file:line: what, and what to write instead`."""
        return (
            f"{self.file}:{self.line}: {self.message}"
            if self.line
            else f"{self.file}: {self.message}"
        )


class PlanError(SecondsiteError):
    """A plan, an estate or a parameter is wrong; nothing was touched."""

    kind = "plan"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class DependencyCycleError(PlanError):
    """A plan waits for itself."""

    kind = "cycle"

    def __init__(self, *, cycle: Sequence[str], file: str = "", line: int = 0) -> None:
        self.cycle = tuple(cycle)
        path = " → ".join((*self.cycle, self.cycle[0]))
        super().__init__(
            [
                Fault(
                    file=file or "plan",
                    line=line,
                    message=f"waits for itself: {path}; remove one of these",
                )
            ]
        )


class RefusedError(SecondsiteError):
    """The request was refused before anything was touched; all reasons at once."""

    kind = "refused"

    def __init__(self, reasons: Sequence[str], *, next_step: str = "") -> None:
        self.reasons = tuple(reasons)
        told = "; ".join(reason.strip().rstrip(".") for reason in self.reasons)
        super().__init__(f"{told}.", next_step=next_step)


class PreflightError(RefusedError):
    """The sites are not fit for this run."""

    kind = "preflight"


class RunConflictError(RefusedError):
    """Another active run holds the plan, or one of its VMs."""

    kind = "run-conflict"


class CredentialError(SecondsiteError):
    """A credential named in the estate cannot be had. Its value is never in the message."""

    kind = "credential"


class UnreachableError(SecondsiteError):
    """One of our own servers (Prefect, the lab, the journal's database) does not answer."""

    kind = "unreachable"


class JournalError(SecondsiteError):
    """The journal cannot be read or written; no action was started."""

    kind = "journal"


class RunLeftError(SecondsiteError):
    """The engine that carried a run is gone, and no other one has taken it up."""

    kind = "interrupted"


class IllegalTransitionError(SecondsiteError):
    """An event that the state does not know. Nothing has changed."""

    kind = "illegal-transition"

    def __init__(self, *, state: str, event: str) -> None:
        self.state, self.event = state, event
        super().__init__(f"{event!r} is not possible in state {state!r}.")


class SiteError(SecondsiteError):
    """A site did not do what was asked.

    Attributes:
        vm: The VM concerned, if one.
        host: The server that was asked.
        evidence: What was seen, as plain JSON values.
    """

    kind = "site"

    def __init__(
        self,
        message: str,
        *,
        host: str = "",
        vm: str = "",
        next_step: str = "",
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        self.host, self.vm = host, vm
        self.evidence = dict(evidence or {})
        super().__init__(message, next_step=next_step)


class NotStartedError(SiteError):
    """Surely nothing happened: the request never reached the server, or was refused unread."""

    kind = "not-started"


class UnknownOutcomeError(SiteError):
    """The request may or may not have been carried out: read the state before anything else."""

    kind = "unknown"


class ActionFailedError(SiteError):
    """The site answered no, or what was waited for did not come in time."""

    kind = "failed"


class AccessDeniedError(ActionFailedError):
    """The account was refused. Never retried: retries lock accounts."""

    kind = "access-denied"


class WrongStateError(ActionFailedError):
    """The object is in a state that forbids the action."""

    kind = "wrong-state"


class NotFoundError(ActionFailedError):
    """The object does not exist there."""

    kind = "not-found"


class ConflictError(ActionFailedError):
    """The value found is neither the former one nor ours: somebody else changed it."""

    kind = "conflict"


class NotReadyError(ActionFailedError):
    """A VM was not ready in time; `evidence` holds what was seen last."""

    kind = "not-ready"
