"""DNS in a lab's estate: servers, zones, keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from secondsite.plan.quantities import Duration
from secondsite.plan.written import Written

__all__ = ["LabDns", "LabDnsServer", "LabKey", "LabRecord", "LabZone", "LabZoneScope"]

_Name = Annotated[str, Field(min_length=1, max_length=63)]


class LabRecord(Written):
    """A record set of a zone.

    Attributes:
        name: Name relative to the zone (`sql`), `@` for the zone itself, or full with a final dot.
        type: Record type.
        ttl: Time to live.
        values: Its values, as zone files write them.
    """

    name: str
    type: Literal["A", "AAAA", "CNAME", "PTR", "NS", "TXT", "MX", "SRV"]
    ttl: Duration = Field(default="1h", validate_default=True)
    values: Annotated[tuple[str, ...], Field(min_length=1)]


class LabZoneScope(Written):
    """A zone scope of Windows' DNS: other content of the same zone, for whom a policy names.

    The lab's servers answer nobody from it; only cmdlets see it.

    Attributes:
        name: Name of the scope.
        records: What it holds at the beginning.
    """

    name: _Name
    records: tuple[LabRecord, ...] = ()


class LabZone(Written):
    """A DNS zone on one or more servers.

    Attributes:
        name: Name of the zone.
        servers: Its servers; the first is the primary, the others copy it.
        keys: TSIG keys that may change it.
        records: What it holds at the beginning.
        scopes: Zone scopes, on its primary server.
    """

    name: str
    servers: Annotated[tuple[str, ...], Field(min_length=1)]
    keys: tuple[str, ...] = ()
    records: tuple[LabRecord, ...] = ()
    scopes: tuple[LabZoneScope, ...] = ()


class LabDnsServer(Written):
    """A DNS server: a Windows server too, which its site's account may log on to by WinRM.

    Attributes:
        name: Its name.
        site: Site that it stands in.
        for_tests: Whether it serves isolated test networks only.
    """

    name: _Name
    site: str
    for_tests: bool = False


class LabKey(Written):
    """A TSIG key; its secret is made anew whenever the lab starts.

    Attributes:
        name: Name of the key, and of the file with its secret.
        algorithm: HMAC algorithm.
    """

    name: _Name
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha1"] = "hmac-sha256"


class LabDns(Written):
    """DNS servers, zones and keys.

    Attributes:
        servers: The servers.
        zones: The zones; two of one name on different servers are different zones.
        keys: The TSIG keys.
        secondary_lag: How long a secondary stays behind its primary.
    """

    servers: tuple[LabDnsServer, ...] = ()
    zones: tuple[LabZone, ...] = ()
    keys: tuple[LabKey, ...] = ()
    secondary_lag: Duration = Field(default="1s", validate_default=True)
