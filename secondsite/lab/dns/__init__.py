"""The lab's authoritative DNS: queries and TSIG-signed RFC 2136 updates on loopback.

Left out on purpose: AXFR/IXFR/NOTIFY on the wire (`Replica` copies inside the process), DNSSEC,
recursion and wildcards.
"""

from __future__ import annotations

from secondsite.lab.dns.faults import FaultQuestion
from secondsite.lab.dns.keys import Grant, ServerKey
from secondsite.lab.dns.replica import Replica
from secondsite.lab.dns.responder import DnsRequest
from secondsite.lab.dns.server import DnsServer
from secondsite.lab.dns.zone import ZoneChange, ZoneRecord, ZoneStore

__all__ = [
    "DnsRequest",
    "DnsServer",
    "FaultQuestion",
    "Grant",
    "Replica",
    "ServerKey",
    "ZoneChange",
    "ZoneRecord",
    "ZoneStore",
]
