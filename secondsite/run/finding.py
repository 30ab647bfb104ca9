"""What a look at the sites found: one model for the preflight of a run and for `check`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Finding", "Severity", "by_severity", "is_sound", "reasons", "told"]


class Severity(StrEnum):
    """How much a finding matters."""

    BLOCKER = "blocker"
    """A run would be refused, or could not be carried out."""
    ERROR = "error"
    """A run would start, but what was promised is not kept, or some part of it will fail."""
    WARNING = "warning"
    """A run works today; this needs somebody before it does not."""


_ORDER = {severity: index for index, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that somebody should know, and what to do about it.

    Attributes:
        area: What it is about, in a word: `replication`, `memory`, `certificates`, …
        sentence: What was found, without a full stop.
        remedy: What to do about it; empty if that is plain.
        vm: The VM concerned, if one.
        host: The server concerned, if one.
    """

    severity: Severity
    area: str
    sentence: str
    remedy: str = ""
    vm: str = ""
    host: str = ""

    def __str__(self) -> str:
        """`what was found: what to do`."""
        if not self.remedy:
            return self.sentence
        joint = " " if self.sentence.endswith((".", ":")) else ": "
        return f"{self.sentence}{joint}{self.remedy}"

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "severity": str(self.severity)}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Finding:
        """What `as_dict` gave."""
        return cls(**{**written, "severity": Severity(written["severity"])})


def told(area: str, texts: Iterable[str]) -> list[Finding]:
    """Blockers, from reasons that were put in words as `what was found: what to do`."""
    found = []
    for text in texts:
        sentence, colon, remedy = text.rpartition(": ")
        found.append(
            Finding(
                severity=Severity.BLOCKER,
                area=area,
                sentence=sentence if colon else text,
                remedy=remedy if colon else "",
            )
        )
    return found


def reasons(findings: Iterable[Finding]) -> list[str]:
    """What speaks against a run, in words; each once."""
    blockers = [each for each in findings if each.severity is Severity.BLOCKER]
    return list(dict.fromkeys(str(each) for each in blockers))


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The gravest first, otherwise as they came; each once."""
    return sorted(dict.fromkeys(findings), key=lambda each: _ORDER[each.severity])


def is_sound(findings: Iterable[Finding]) -> bool:
    """Whether nothing graver than a warning was found."""
    return all(each.severity is Severity.WARNING for each in findings)
