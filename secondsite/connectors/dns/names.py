"""Names: their canonical form, the zone they belong to, and the reverse name of an address."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol, TypeVar

import dns.exception
import dns.name

from secondsite.errors import UsageError

__all__ = ["canonical_name", "closest_zone", "is_within", "reverse_name"]


class _Zoned(Protocol):
    @property
    def zone(self) -> str: ...


Z = TypeVar("Z", bound=_Zoned)


def canonical_name(name: str) -> str:
    """`name` in lower case, without a final dot (the root alone keeps its dot).

    Raises:
        UsageError: not a domain name.
    """
    try:
        parsed = dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError) as exc:
        raise UsageError(
            f"{name!r} is not a domain name", next_step="Mend it in the plan or the estate."
        ) from exc
    return parsed.canonicalize().to_text(omit_final_dot=True)


def is_within(name: str, zone: str) -> bool:
    """Whether `name` is `zone` or below it (labels are compared, not text)."""
    return dns.name.from_text(name).is_subdomain(dns.name.from_text(zone))


def reverse_name(address: str | IPv4Address | IPv6Address) -> str:
    """The name that holds the PTR record of `address` (RFC 1035 §3.5, RFC 3596 §2.5).

    Raises:
        UsageError: not an address.
    """
    try:
        return ip_address(address).reverse_pointer
    except ValueError as exc:
        raise UsageError(f"{address!r} is not an IP address") from exc


def closest_zone(name: str, targets: Iterable[Z]) -> Z | None:
    """The target whose zone is the longest one that holds `name`; None if none does.

    For PTR records: the reverse zone is usually another target than the forward zone.
    """
    holding = [target for target in targets if is_within(name, target.zone)]
    return max(
        holding, key=lambda target: len(dns.name.from_text(target.zone).labels), default=None
    )
