"""The ways to change a zone, behind one interface: what the engine asks of each.

One is the DNS protocol itself (RFC 2136), the other Windows' cmdlets through WinRM. Both read,
compare, set and read back; docs/howto/point-names.md says where the second is weaker.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from secondsite.connectors.dns.model import Change, DnsTarget, Edit, RecordSet
from secondsite.connectors.dns.preflight import Finding, preflight
from secondsite.connectors.dns.reading import read_many
from secondsite.connectors.dns.updating import apply
from secondsite.connectors.dns.verification import Verification, verify
from secondsite.errors import SiteError

__all__ = ["UpdateWay", "ZoneWay"]


class ZoneWay(Protocol):
    """One zone that can be read, changed and looked at everywhere."""

    @property
    def target(self) -> DnsTarget:
        """The zone and its servers."""

    @property
    def server(self) -> str:
        """Name of the server that takes changes."""

    def read_many(
        self, wanted: Sequence[tuple[str, str]], *, timeout_s: float
    ) -> Mapping[tuple[str, str], RecordSet | SiteError | None]:
        """The records of each (name, type) there; None where there are none."""

    def apply(
        self, edits: Sequence[Edit], *, timeout_s: float
    ) -> Mapping[tuple[str, str], Change | SiteError]:
        """Make each edit if its record set is as it must be found; per (name, type) what came."""

    def verify(
        self,
        edits: Sequence[Edit],
        *,
        timeout_s: float,
        left_out: Collection[str] = (),
        expendable: Collection[str] = (),
    ) -> tuple[Verification, ...]:
        """How every server of the zone shows the edits, once all do or time is up.

        Those `left_out` are not asked; those that are `expendable` and away are not waited for.
        """

    def preflight(
        self,
        records: Sequence[tuple[str, str]],
        *,
        timeout_s: float,
        left_out: Collection[str] = (),
    ) -> Sequence[Finding]:
        """All that speaks against changing the zone; changes nothing."""


@dataclass(frozen=True, slots=True)
class UpdateWay:
    """The zone of `target` through the DNS protocol."""

    target: DnsTarget

    @property
    def server(self) -> str:
        """Name of the server that takes changes."""
        return self.target.writable.name

    def read_many(
        self, wanted: Sequence[tuple[str, str]], *, timeout_s: float
    ) -> Mapping[tuple[str, str], RecordSet | SiteError | None]:
        """As `secondsite.connectors.dns.read_many`."""
        return read_many(self.target, wanted, timeout_s=timeout_s)

    def apply(
        self, edits: Sequence[Edit], *, timeout_s: float
    ) -> Mapping[tuple[str, str], Change | SiteError]:
        """As `secondsite.connectors.dns.apply`."""
        return apply(self.target, edits, timeout_s=timeout_s)

    def verify(
        self,
        edits: Sequence[Edit],
        *,
        timeout_s: float,
        left_out: Collection[str] = (),
        expendable: Collection[str] = (),
    ) -> tuple[Verification, ...]:
        """As `secondsite.connectors.dns.verify`."""
        target = self.target.without(left_out)
        return verify(target, edits, timeout_s=timeout_s, expendable=expendable)

    def preflight(
        self,
        records: Sequence[tuple[str, str]],
        *,
        timeout_s: float,
        left_out: Collection[str] = (),
    ) -> Sequence[Finding]:
        """As `secondsite.connectors.dns.preflight`."""
        return preflight(self.target.without(left_out), records=records, timeout_s=timeout_s)
