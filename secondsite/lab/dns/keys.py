"""TSIG keys of a server, and what each may change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dns.name
import dns.tsig

__all__ = ["Grant", "KeyRing", "ServerKey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A zone that a key may change; `names` narrows it to these names."""

    zone: str
    names: tuple[str, ...] | None = None

    def covers(self, zone: dns.name.Name, owner: dns.name.Name) -> bool:
        """Whether it lets a key change `owner` in `zone`."""
        if dns.name.from_text(self.zone) != zone:
            return False
        return self.names is None or any(dns.name.from_text(name) == owner for name in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKey:
    """A shared key as a server holds it. Its secret is base64, and never shown.

    Attributes:
        grants: What it may change. A key without grants may only ask.
    """

    name: str
    secret: str
    algorithm: str = "hmac-sha256"
    grants: tuple[Grant, ...] = ()

    def __repr__(self) -> str:
        return f"ServerKey(name={self.name!r}, algorithm={self.algorithm!r})"


class KeyRing:
    """The keys that one server knows."""

    def __init__(self, keys: Iterable[ServerKey]) -> None:
        self._keys = {dns.name.from_text(key.name): key for key in keys}
        self.tsig = {
            name: dns.tsig.Key(name, key.secret, key.algorithm) for name, key in self._keys.items()
        }

    def may_change(
        self, *, key_name: dns.name.Name | None, zone: dns.name.Name, owners: set[dns.name.Name]
    ) -> bool:
        """Whether the key that signed (None: nobody did) may change every one of `owners`."""
        key = self._keys.get(key_name) if key_name is not None else None
        if key is None:
            return False
        return all(any(grant.covers(zone, owner) for grant in key.grants) for owner in owners)
