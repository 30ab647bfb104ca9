"""The content of one zone on one server: record sets, a serial, and who is told of changes.

Safe to use from any thread. It knows no messages and no sockets; `update.py` applies RFC 2136 to a
copy of the records and hands it back here, so that a reader never sees half an update.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
from dns.rdtypes.ANY.SOA import SOA

__all__ = ["Records", "ZoneChange", "ZoneRecord", "ZoneStore"]

Records = dict[dns.name.Name, dict[dns.rdatatype.RdataType, dns.rdataset.Rdataset]]
"""Absolute name → type → record set. Names compare without case."""

_IN = dns.rdataclass.IN


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneRecord:
    """One record set as people write it. A name without final dot is taken as absolute too."""

    name: str
    type: str
    ttl_s: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneChange:
    """One record set that became another. `before` and `after` are None or `{ttl_s, values}`.

    Attributes:
        source: Who did it: `update`, `copy` (a secondary caught up), or what `ZoneStore.put` was
            told.
        by: The key that signed the update, if one.
    """

    name: str
    type: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    serial: int
    source: str
    by: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "name": self.name,
            "type": self.type,
            "before": self.before,
            "after": self.after,
            "serial": self.serial,
            "source": self.source,
            "by": self.by,
        }


class ZoneStore:
    """One zone as one server holds it.

    Args:
        name: Origin of the zone.
        records: What it holds at the beginning; an SOA and an NS are made unless they are there.
        server_names: Names for the NS records that are made; the first is the SOA's primary.
        is_primary: Whether updates are taken; a secondary refuses them.
        negative_ttl_s: How long "no such name" may be remembered.
    """

    def __init__(
        self,
        name: str,
        *,
        records: Iterable[ZoneRecord] = (),
        server_names: Iterable[str] = (),
        is_primary: bool = True,
        serial: int = 1,
        negative_ttl_s: int = 300,
    ) -> None:
        self.origin = dns.name.from_text(name).canonicalize()
        self.is_primary = is_primary
        self._lock = threading.RLock()
        self._watchers: list[Callable[[str, ZoneChange], None]] = []
        self._records: Records = {}
        for record in records:
            self._load(record)
        self._make_apex(tuple(server_names) or ("ns",), serial, negative_ttl_s)

    @property
    def name(self) -> str:
        """Origin without its final dot."""
        return self.origin.to_text(omit_final_dot=True)

    @property
    def soa(self) -> dns.rdataset.Rdataset:
        """The record set of the SOA."""
        return self._records[self.origin][dns.rdatatype.SOA]

    @property
    def serial(self) -> int:
        """Serial number of the SOA."""
        return serial_of(self._records, self.origin)

    def on_change(self, told: Callable[[str, ZoneChange], None]) -> None:
        """Have `told(zone name, change)` called for each record set that changes, in order."""
        with self._lock:
            self._watchers.append(told)

    def read(self) -> Records:
        """The records as they are now. Do not change them: readers share them."""
        with self._lock:
            return self._records

    def update(self, change: Callable[[Records], Records], *, source: str, by: str = "") -> bool:
        """Replace the records by what `change` makes of them, atomically; whether any changed.

        What `change` raises passes through, and then nothing has changed. It must return new
        dictionaries and record sets where they differ.
        """
        with self._lock:
            before = self._records
            after = change(before)
            changes = list(_differences(before, after, source=source, by=by, origin=self.origin))
            if not changes and serial_of(before, self.origin) == serial_of(after, self.origin):
                return False
            self._records = after
            for each in changes:
                for told in self._watchers:
                    told(self.name, each)
            return True

    def put(
        self, name: str, type: str, *, ttl_s: int, values: Iterable[str], source: str = "lab"
    ) -> bool:
        """Set one record set, as a person or a guest would; raises the serial."""
        record = ZoneRecord(name=name, type=type, ttl_s=ttl_s, values=tuple(values))
        owner = dns.name.from_text(name)
        rdataset = self._parse(record)

        def change(records: Records) -> Records:
            changed = dict(records)
            own(changed, owner)[rdataset.rdtype] = rdataset
            return finish(changed, before=records, origin=self.origin)

        return self.update(change, source=source)

    def remove(self, name: str, type: str, *, source: str = "lab") -> bool:
        """Remove one record set; raises the serial."""
        owner, kind = dns.name.from_text(name), dns.rdatatype.from_text(type)

        def change(records: Records) -> Records:
            changed = dict(records)
            own(changed, owner).pop(kind, None)
            return finish(changed, before=records, origin=self.origin)

        return self.update(change, source=source)

    def copy_from(self, other: ZoneStore) -> bool:
        """Become what `other` is now, serial included: a zone transfer."""
        latest = other.read()
        return self.update(lambda _: latest, source="copy")

    def snapshot(self) -> dict[str, Any]:
        """`{zone, serial, primary, records: [{name, type, ttl_s, values}]}`, sorted."""
        with self._lock:
            return {
                "zone": self.name,
                "serial": self.serial,
                "primary": self.is_primary,
                "records": [
                    {
                        "name": owner.to_text(omit_final_dot=True),
                        "type": dns.rdatatype.to_text(kind),
                        **described(rdataset),
                    }
                    for owner, kinds in sorted(self._records.items())
                    for kind, rdataset in sorted(kinds.items())
                    if kind != dns.rdatatype.SOA
                ],
            }

    def _load(self, record: ZoneRecord) -> None:
        owner = dns.name.from_text(record.name).canonicalize()
        rdataset = self._parse(record)
        kinds = self._records.setdefault(owner, {})
        if rdataset.rdtype in kinds:
            raise ValueError(f"{record.name} {record.type} is written twice; write one set of it")
        kinds[rdataset.rdtype] = rdataset
        if dns.rdatatype.CNAME in kinds and len(kinds) > 1:
            raise ValueError(f"{record.name} is an alias and cannot have other records beside it")

    def _parse(self, record: ZoneRecord) -> dns.rdataset.Rdataset:
        owner = dns.name.from_text(record.name)
        if not owner.is_subdomain(self.origin):
            raise ValueError(f"{record.name} is not in zone {self.name}")
        if owner.is_wild():
            raise ValueError(f"{record.name}: the lab's servers know no wildcards")
        return dns.rdataset.from_text(_IN, record.type, record.ttl_s, *record.values)

    def _make_apex(self, server_names: tuple[str, ...], serial: int, negative_ttl_s: int) -> None:
        apex = self._records.setdefault(self.origin, {})
        names = [dns.name.from_text(name, self.origin).to_text() for name in server_names]
        if dns.rdatatype.NS not in apex:
            apex[dns.rdatatype.NS] = dns.rdataset.from_text(_IN, "NS", 3600, *names)
        if dns.rdatatype.SOA not in apex:
            admin = dns.name.from_text("hostmaster", self.origin).to_text()
            text = f"{names[0]} {admin} {serial} 900 300 1209600 {negative_ttl_s}"
            apex[dns.rdatatype.SOA] = dns.rdataset.from_text(_IN, "SOA", 3600, text)


def own(
    records: Records, owner: dns.name.Name
) -> dict[dns.rdatatype.RdataType, dns.rdataset.Rdataset]:
    """The record sets of `owner`, for changing: what other copies share stays as it is."""
    kinds = records[owner] = dict(records.get(owner, {}))
    return kinds


def finish(records: Records, *, before: Records, origin: dns.name.Name) -> Records:
    """`records` without empty names, and with the next serial if they differ from `before`."""
    kept = {owner: kinds for owner, kinds in records.items() if kinds}
    changes = _differences(before, kept, source="", by="", origin=origin)
    if serial_of(kept, origin) == serial_of(before, origin) and any(changes):
        set_serial(kept, origin, serial_of(kept, origin) + 1)
    return kept


def serial_of(records: Records, origin: dns.name.Name) -> int:
    """Serial number of the zone's SOA."""
    soa = records[origin][dns.rdatatype.SOA][0]
    assert isinstance(soa, SOA)  # noqa: S101 - a zone has one, always
    return int(soa.serial)


def set_serial(records: Records, origin: dns.name.Name, serial: int) -> None:
    """Give the SOA that serial number (modulo 2³²; 0 is skipped, as RFC 2136 §4 advises)."""
    apex = own(records, origin)
    former = apex[dns.rdatatype.SOA]
    soa = former[0].replace(serial=serial % 2**32 or 1)
    apex[dns.rdatatype.SOA] = dns.rdataset.from_rdata(former.ttl, soa)


def described(rdataset: dns.rdataset.Rdataset) -> dict[str, Any]:
    """`{ttl_s, values}` in presentation form, sorted."""
    return {"ttl_s": rdataset.ttl, "values": sorted(rdata.to_text() for rdata in rdataset)}


def _differences(
    before: Records, after: Records, *, source: str, by: str, origin: dns.name.Name
) -> Iterator[ZoneChange]:
    """Each record set that differs; the SOA is left out, its serial goes with every change."""
    serial = serial_of(after, origin)
    touched = [
        owner
        for owner in before.keys() | after.keys()
        if before.get(owner) is not after.get(owner)  # what nobody touched is shared
    ]
    for owner in sorted(touched):
        old_kinds, new_kinds = before.get(owner, {}), after.get(owner, {})
        for kind in sorted(old_kinds.keys() | new_kinds.keys()):
            old, new = old_kinds.get(kind), new_kinds.get(kind)
            old_text = None if old is None else described(old)
            new_text = None if new is None else described(new)
            if kind != dns.rdatatype.SOA and old_text != new_text:
                yield ZoneChange(
                    name=owner.to_text(omit_final_dot=True).lower(),
                    type=dns.rdatatype.to_text(kind),
                    before=old_text,
                    after=new_text,
                    serial=serial,
                    source=source,
                    by=by,
                )
