"""A zone's records one by one, as Windows' DNS cmdlets see and change them.

The same zones that the server answers from: what a cmdlet writes is answered at once, and what an
UPDATE writes is seen by the cmdlets. Windows keeps a time stamp with each record that was written
dynamically, in whole hours; a static one has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype

from secondsite.lab.dns.zone import Records, ZoneChange, ZoneStore, finish, own

__all__ = ["WindowsDns", "WindowsDnsError", "WindowsRecord"]

_Stamps = dict[tuple[str, str, str], datetime]


class WindowsDnsError(Exception):
    """What the cmdlets refuse, with the number of the Win32 error (winerror.h).

    Attributes:
        number: 9601 no such zone, 9611 not a primary zone, 9701 no such record, 9711 it exists
            already, 9714 no such name, 9563 not a name, 9709 an alias has no other records.
    """

    def __init__(self, number: int, message: str) -> None:
        self.number = number
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsRecord:
    """One record.

    Attributes:
        name: Relative to the zone, `@` for the zone itself.
        stamped_at: None for a static one.
    """

    name: str
    type: str
    ttl_s: int
    value: str
    stamped_at: datetime | None = None


class WindowsDns:
    """The zones of one server behind the cmdlets.

    Args:
        name: The server's name.
        zones: Its zones.
        scopes: Zone scopes besides the zones' own content, by zone and scope.
        clock: Gives the time of stamps.
    """

    def __init__(
        self,
        name: str,
        zones: Iterable[ZoneStore],
        *,
        scopes: Mapping[tuple[str, str], ZoneStore] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.zones = {zone.name: zone for zone in zones}
        self._scopes = {
            (zone, scope.casefold()): store for (zone, scope), store in (scopes or {}).items()
        }
        self._clock = clock
        self._stamps: dict[int, _Stamps] = {}
        for store in (*self.zones.values(), *self._scopes.values()):
            self._stamps[id(store)] = {}
            store.on_change(partial(self._hear, store))

    def now(self) -> datetime:
        """The time as stamps have it: whole hours."""
        return self._clock().replace(minute=0, second=0, microsecond=0)

    def zone(self, name: str, scope: str | None = None) -> ZoneStore:
        """A zone, or one of its scopes.

        Raises:
            WindowsDnsError: there is none.
        """
        found = self.zones.get(name.casefold().rstrip("."))
        if found is None:
            raise WindowsDnsError(9601, f"The zone {name} was not found on server {self.name}.")
        if scope is None or scope.casefold() == found.name:
            return found
        scoped = self._scopes.get((found.name, scope.casefold()))
        if scoped is None:
            raise WindowsDnsError(9993, f"The zone scope {scope} does not exist in zone {name}.")
        return scoped

    def records(self, zone: ZoneStore, name: str, *, with_children: bool) -> list[WindowsRecord]:
        """The records of one name, and of those below it.

        Raises:
            WindowsDnsError: there is no such name.
        """
        owner = self._owner(zone, name)
        found = [
            record
            for each, kinds in sorted(zone.read().items())
            if each == owner or (with_children and each.is_subdomain(owner))
            for kind, rdataset in sorted(kinds.items())
            for record in self._one_by_one(zone, each, kind, rdataset)
        ]
        if not found:
            raise WindowsDnsError(
                9714, f"Failed to get {name} record in {zone.name} zone on {self.name} server."
            )
        return found

    def add(self, zone: ZoneStore, record: WindowsRecord) -> None:
        """Add one record.

        Raises:
            WindowsDnsError: it exists already, or an alias is in the way.
        """
        owner, rdata = self._owner(zone, record.name), _rdata(record)

        def change(records: Records) -> Records:
            changed = dict(records)
            kinds = own(changed, owner)
            self._check_alias(kinds, rdata, record)
            known = kinds.get(rdata.rdtype)
            if known is not None and rdata in known:
                raise WindowsDnsError(
                    9711, f"Failed to create resource record {record.name} in zone {zone.name}."
                )
            # Windows keeps a TTL for each record; answers show one for the set: the lab's newest.
            values = [*(known or ()), rdata]
            kinds[rdata.rdtype] = dns.rdataset.from_rdata_list(record.ttl_s, values)
            return finish(changed, before=records, origin=zone.origin)

        self._change(zone, change)
        self._stamp(zone, record)

    def replace(self, zone: ZoneStore, old: WindowsRecord, new: WindowsRecord) -> None:
        """Make `new` of `old`, which must still be there.

        Raises:
            WindowsDnsError: it is not; or the new one has another name or type, or exists already.
        """
        if (old.name, old.type) != (new.name, new.type):
            raise WindowsDnsError(
                9702, f"Resource record {old.name} cannot become one of another name or type."
            )
        owner, gone, rdata = self._owner(zone, old.name), _rdata(old), _rdata(new)

        def change(records: Records) -> Records:
            changed = dict(records)
            kinds = own(changed, owner)
            known = kinds.get(gone.rdtype)
            if known is None or gone not in known or known.ttl != old.ttl_s:
                raise WindowsDnsError(
                    9701, f"Failed to find resource record {old.name} in zone {zone.name}."
                )
            if gone != rdata and rdata in known:
                raise WindowsDnsError(
                    9711, f"Failed to set resource record {old.name} in zone {zone.name}."
                )
            kept = [rdata if each == gone else each for each in known]
            kinds[gone.rdtype] = dns.rdataset.from_rdata_list(new.ttl_s, kept)
            return finish(changed, before=records, origin=zone.origin)

        self._change(zone, change)
        self._stamp(zone, new)

    def remove(self, zone: ZoneStore, record: WindowsRecord) -> None:
        """Remove one record.

        Raises:
            WindowsDnsError: it is not there.
        """
        owner, rdata = self._owner(zone, record.name), _rdata(record)

        def change(records: Records) -> Records:
            changed = dict(records)
            kinds = own(changed, owner)
            known = kinds.get(rdata.rdtype)
            if known is None or rdata not in known:
                raise WindowsDnsError(
                    9701, f"Failed to find resource record {record.name} in zone {zone.name}."
                )
            left = [each for each in known if each != rdata]
            if left:
                kinds[rdata.rdtype] = dns.rdataset.from_rdata_list(known.ttl, left)
            else:
                del kinds[rdata.rdtype]
            return finish(changed, before=records, origin=zone.origin)

        self._change(zone, change)

    def _change(self, zone: ZoneStore, change: Callable[[Records], Records]) -> None:
        if not zone.is_primary:
            raise WindowsDnsError(9611, f"{zone.name} on {self.name} is not a primary zone.")
        zone.update(change, source="cmdlet")

    def _owner(self, zone: ZoneStore, name: str) -> dns.name.Name:
        try:
            owner = zone.origin if name == "@" else dns.name.from_text(name, zone.origin)
        except dns.exception.DNSException:
            owner = None
        if owner is None or not owner.is_subdomain(zone.origin):
            raise WindowsDnsError(9563, f"{name} is not a name of zone {zone.name}.")
        return owner

    def _check_alias(
        self,
        kinds: Mapping[dns.rdatatype.RdataType, dns.rdataset.Rdataset],
        rdata: dns.rdata.Rdata,
        record: WindowsRecord,
    ) -> None:
        has_alias = dns.rdatatype.CNAME in kinds
        if kinds and (has_alias or rdata.rdtype == dns.rdatatype.CNAME):
            raise WindowsDnsError(9709, f"{record.name}: an alias cannot have other records.")

    def _one_by_one(
        self,
        zone: ZoneStore,
        owner: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        rdataset: dns.rdataset.Rdataset,
    ) -> Iterable[WindowsRecord]:
        relative = owner.relativize(zone.origin).to_text()
        type_ = dns.rdatatype.to_text(kind)
        for rdata in rdataset:
            value = rdata.to_text()
            yield WindowsRecord(
                name=relative,
                type=type_,
                ttl_s=rdataset.ttl,
                value=value,
                stamped_at=self._stamps[id(zone)].get((relative.casefold(), type_, value)),
            )

    def _stamp(self, zone: ZoneStore, record: WindowsRecord) -> None:
        key = record.name.casefold(), record.type, _rdata(record).to_text()
        stamps = self._stamps[id(zone)]
        if record.stamped_at is None:
            stamps.pop(key, None)
        else:
            stamps[key] = record.stamped_at

    def _hear(self, zone: ZoneStore, _name: str, change: ZoneChange) -> None:
        """Records that came by UPDATE are dynamic; what went has no stamp any more."""
        owner = dns.name.from_text(change.name)
        relative = owner.relativize(zone.origin).to_text().casefold()
        before = set(change.before["values"]) if change.before else set()
        after = set(change.after["values"]) if change.after else set()
        stamps = self._stamps[id(zone)]
        for value in before - after:
            stamps.pop((relative, change.type, value), None)
        if change.source == "update":
            for value in after - before:
                stamps[relative, change.type, value] = self.now()


def _rdata(record: WindowsRecord) -> dns.rdata.Rdata:
    try:
        kind = dns.rdatatype.from_text(record.type)
        return dns.rdata.from_text(dns.rdataclass.IN, kind, record.value)
    except (dns.exception.DNSException, ValueError):
        raise WindowsDnsError(
            9504, f"{record.value} is not a value of type {record.type}."
        ) from None
