"""DNS: authoritative reads, compare-and-set updates (RFC 2136), and their verification.

Nothing of `dns.*` leaves this package: what goes wrong is a `SiteError` in an operator's words.
Every call is synchronous, blocks at most about `timeout_s`, and talks to the servers of a
`DnsTarget` directly, never through a resolver.
"""

from __future__ import annotations

from secondsite.connectors.dns.model import (
    Change,
    DnsServer,
    DnsTarget,
    Edit,
    KerberosAccount,
    RecordSet,
    TsigKey,
)
from secondsite.connectors.dns.names import canonical_name, closest_zone, is_within, reverse_name
from secondsite.connectors.dns.preflight import Finding, Severity, preflight
from secondsite.connectors.dns.reading import find_holder, read, read_many
from secondsite.connectors.dns.updating import apply, compare_and_set, restore
from secondsite.connectors.dns.verification import Sight, SightStatus, Verification, verify
from secondsite.connectors.dns.ways import UpdateWay, ZoneWay
from secondsite.connectors.dns.windows import WindowsWay

__all__ = [
    "Change",
    "DnsServer",
    "DnsTarget",
    "Edit",
    "Finding",
    "KerberosAccount",
    "RecordSet",
    "Severity",
    "Sight",
    "SightStatus",
    "TsigKey",
    "UpdateWay",
    "Verification",
    "WindowsWay",
    "ZoneWay",
    "apply",
    "canonical_name",
    "closest_zone",
    "compare_and_set",
    "find_holder",
    "is_within",
    "preflight",
    "read",
    "read_many",
    "restore",
    "reverse_name",
    "verify",
]
