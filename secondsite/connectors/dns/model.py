"""What the DNS connector speaks of: servers, keys, accounts, zones, record sets, and changes.

Frozen values without I/O. A record set is held in one canonical form, so that equal content is
equal here: names in lower case without a final dot, values in DNS presentation form, sorted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from pydantic import SecretStr

from secondsite.connectors.dns.names import canonical_name, is_within
from secondsite.errors import UsageError

__all__ = [
    "Change",
    "DnsServer",
    "DnsTarget",
    "Edit",
    "KerberosAccount",
    "RecordSet",
    "TsigKey",
]

_MAX_TTL_S = 2**31 - 1  # RFC 2181 §8
_NAMED = frozenset({"CNAME", "DNAME", "NS", "PTR"})  # their value is a name: case does not matter


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsServer:
    """One authoritative server, by address: names may be what is being repaired.

    Attributes:
        name: What operators call it; messages use it.
        address: IPv4 or IPv6 address.
        host: Its full host name: Kerberos knows its DNS service as `DNS/<host>`. Never looked up.
    """

    name: str
    address: str
    port: int = 53
    host: str = ""

    def __str__(self) -> str:
        """`ns1 (10.2.0.10)`, with the port if it is not 53."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.name} ({host})" if self.port == 53 else f"{self.name} ({host}:{self.port})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TsigKey:
    """A shared key (RFC 8945).

    Attributes:
        name: Key name, as the servers know it.
        secret: Base64, as key files hold it.
    """

    name: str
    secret: SecretStr
    algorithm: str = "hmac-sha256"

    def __str__(self) -> str:
        """`key dr-key`."""
        return f"key {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KerberosAccount:
    """An account of a Kerberos realm, whose messages are signed by GSS-TSIG (RFC 3645).

    It proves itself by its keytab or by its password.

    Attributes:
        name: What operators call it.
        realm: `CORP.EXAMPLE`; in Active Directory the domain's name in capitals.
        principal: Its name in the realm, without the realm.
        kdcs: `(address, port)` of the realm's KDCs (domain controllers), best first.
        keytab: Path of the file with its keys.
        password: Used if there is no keytab.
    """

    name: str
    realm: str
    principal: str
    kdcs: tuple[tuple[str, int], ...]
    keytab: str | None = None
    password: SecretStr | None = None

    def __str__(self) -> str:
        """`account dr-engine@CORP.EXAMPLE`."""
        return f"account {self.principal}@{self.realm}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsTarget:
    """One zone as seen through one key or account, and every server that answers for it.

    Where a server picks a view by key, two keys make two targets.

    Attributes:
        servers: All that must show a change, the update server among them.
        update_server: Name of the one that is written to; None: the first.
        key: What signs; None sends unsigned updates, which servers rarely take.
        for_tests: Only such targets are written to by test failovers.
    """

    zone: str
    servers: tuple[DnsServer, ...]
    key: TsigKey | KerberosAccount | None = None
    for_tests: bool = False
    update_server: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", canonical_name(self.zone))
        if not self.servers:
            raise UsageError(
                f"zone {self.zone}: no server is named", next_step="Name one in the estate."
            )
        if self.update_server is not None and not any(
            server.name == self.update_server for server in self.servers
        ):
            raise UsageError(
                f"zone {self.zone}: {self.update_server!r} is not one of its servers",
                next_step="Choose one of " + ", ".join(server.name for server in self.servers),
            )

    @property
    def has_one_serial(self) -> bool:
        """Whether serials can be compared: each domain controller counts on its own."""
        return not isinstance(self.key, KerberosAccount)

    def without(self, servers: Collection[str]) -> DnsTarget:
        """The same without those servers; the one that takes changes always stays."""
        kept = tuple(
            each for each in self.servers if each.name not in servers or each == self.writable
        )
        return replace(self, servers=kept)

    @property
    def writable(self) -> DnsServer:
        """The server that updates are sent to."""
        for server in self.servers:
            if server.name == self.update_server:
                return server
        return self.servers[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSet:
    """All records of one name and type. No such records is None, never an empty set.

    Attributes:
        name: Fully qualified, lower case, no final dot.
        type: `A`, `AAAA`, `PTR`, `CNAME`, …
        values: In DNS presentation form (names with their final dot), sorted, no duplicates.
    """

    name: str
    type: str
    ttl_s: int
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", canonical_name(self.name))
        object.__setattr__(self, "type", self.type.upper())
        if not 0 <= self.ttl_s <= _MAX_TTL_S:
            raise UsageError(f"{self.name} {self.type}: a TTL of {self.ttl_s} s is not possible")
        values = {_canonical_value(self.name, self.type, value) for value in self.values}
        if not values:
            raise UsageError(f"{self.name} {self.type}: a record set needs at least one value")
        object.__setattr__(self, "values", tuple(sorted(values)))

    def __str__(self) -> str:
        """`10.1.0.1, 10.1.0.2 (TTL 300 s)`."""
        return f"{', '.join(self.values)} (TTL {self.ttl_s} s)"

    def with_member(self, *, old: str | None, new: str, ttl_s: int | None = None) -> RecordSet:
        """This set with `old` replaced by `new`; its other members stay (round-robin names)."""
        gone = None if old is None else _canonical_value(self.name, self.type, old)
        kept = tuple(value for value in self.values if value != gone)
        return RecordSet(
            name=self.name,
            type=self.type,
            ttl_s=self.ttl_s if ttl_s is None else ttl_s,
            values=(*kept, new),
        )

    def with_ttl(self, ttl_s: int) -> RecordSet:
        """The same values with another TTL."""
        return RecordSet(name=self.name, type=self.type, ttl_s=ttl_s, values=self.values)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "name": self.name,
            "type": self.type,
            "ttl_s": self.ttl_s,
            "values": list(self.values),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> RecordSet:
        """The record set that `as_dict` wrote (into a journal, say)."""
        return cls(
            name=written["name"],
            type=written["type"],
            ttl_s=int(written["ttl_s"]),
            values=tuple(written["values"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One record set as it must be found, and as it shall be. None: no such records.

    Attributes:
        before: The whole former set: it becomes the prerequisite of the change.
        after: The whole new set.
    """

    before: RecordSet | None
    after: RecordSet | None

    def __post_init__(self) -> None:
        sides = {(side.name, side.type) for side in (self.before, self.after) if side is not None}
        if len(sides) != 1:
            raise UsageError(
                "an edit needs a former or a new record set, both of one name and type"
            )

    @property
    def name(self) -> str:
        """The name that is edited."""
        return self._side.name

    @property
    def type(self) -> str:
        """The record type that is edited."""
        return self._side.type

    @property
    def key(self) -> tuple[str, str]:
        """(name, type): what results are filed under."""
        return self.name, self.type

    @property
    def _side(self) -> RecordSet:
        side = self.before if self.after is None else self.after
        assert side is not None  # noqa: S101 - __post_init__ made sure
        return side

    def check_within(self, zone: str) -> None:
        """Make sure that the name belongs to `zone`.

        Raises:
            UsageError: it does not.
        """
        if not is_within(self.name, zone):
            raise UsageError(
                f"{self.name} is not in zone {zone}; nothing was sent",
                next_step="Name the zone that holds it in the plan or the estate.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of an edit that is in force now.

    Attributes:
        before: The former content, to go back to. As given by the caller, also if the record
            turned out to be right already: an earlier attempt of ours may have made it so.
        changed: False if no message of ours changed anything.
        how: `answered` (the server said so), `settled` (its answer was lost or not to be trusted;
            reading showed it) or `already` (nothing had to be done).
    """

    before: RecordSet | None
    after: RecordSet | None
    changed: bool
    how: str
    zone: str
    server: str

    @property
    def edit(self) -> Edit:
        """The edit that this fulfils; `verify` takes it."""
        return Edit(before=self.before, after=self.after)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "name": self.edit.name,
            "type": self.edit.type,
            "zone": self.zone,
            "server": self.server,
            "before": self.before and self.before.as_dict(),
            "after": self.after and self.after.as_dict(),
            "changed": self.changed,
            "how": self.how,
        }


def _canonical_value(name: str, record_type: str, value: str) -> str:
    try:
        kind = dns.rdatatype.from_text(record_type)
        text = value if record_type not in _NAMED else value.rstrip(".") + "."
        # No origin: a relative name must not silently get one.
        rdata = dns.rdata.from_text(dns.rdataclass.IN, kind, text)
    except (dns.exception.DNSException, ValueError) as exc:
        raise UsageError(
            f"{name} {record_type}: {value!r} is not a value of that type",
            next_step="Mend it in the plan or the estate.",
        ) from exc
    canonical = rdata.to_text()
    return canonical.lower() if record_type in _NAMED else canonical
