"""Which of the addresses that a server reports lead anywhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

__all__ = ["usable_addresses"]


def usable_addresses(reported: Iterable[object]) -> tuple[str, ...]:
    """Normalized, sorted, IPv4 first; without link-local, loopback, multicast and unset ones.

    What is no address at all is left out too: integration services report what the guest says.
    """
    found = set()
    for item in reported:
        try:
            address = ip_address(str(item or "").strip().partition("%")[0])
        except ValueError:
            continue
        if not (
            address.is_link_local
            or address.is_loopback
            or address.is_multicast
            or address.is_unspecified
        ):
            found.add(address)
    return tuple(str(address) for address in sorted(found, key=lambda a: (a.version, int(a))))
