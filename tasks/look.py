"""What a look before a run gives: findings, the plan's VMs as they are, and what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from secondsite.connectors.base import VmSurvey
from secondsite.errors import AccessDeniedError, CredentialError, SecondsiteError, SiteError
from secondsite.run.events import VmFact
from secondsite.run.finding import Finding, Severity
from tasks.surveys import SiteSurvey

__all__ = ["Look", "against_server", "hardware"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen, with nothing touched.

    Attributes:
        findings: Everything that is to say; blockers speak against the run.
        facts: The VMs as far as they were found: all of them, when there is no blocker.
        evidence: What the preflight's step keeps.
        notes: What the journal is to keep besides.
        next_step: What to do when there are blockers.
        sides: The sites that were asked.
    """

    findings: Sequence[Finding]
    facts: tuple[VmFact, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    next_step: str = "Nothing was touched. Mend these, then start the run again."
    sides: tuple[SiteSurvey, ...] = ()


def against_server(
    error: SecondsiteError, *, area: str = "servers", severity: Severity = Severity.BLOCKER
) -> Finding:
    """A server that did not answer, or refused us."""
    is_ours = isinstance(error, AccessDeniedError | CredentialError)
    return Finding(
        severity=severity,
        area="credentials" if is_ours else area,
        sentence=error.message,
        remedy=error.next_step,
        host=error.host if isinstance(error, SiteError) else "",
    )


def hardware(survey: VmSurvey) -> dict[str, Any]:
    """What of a VM a rehearsal proves something about: another machine is another proof."""
    return {
        "id": survey.id.casefold(),
        "generation": survey.generation,
        "memory_mib": survey.memory_mib,
        "adapters": len(survey.adapters),
    }
