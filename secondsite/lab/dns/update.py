"""RFC 2136 §3: what a server does with an UPDATE, on a copy of the records. Pure.

Facts: RFC 2136 §3.2 (prerequisites), §3.4.1 (prescan), §3.4.2 (what is ignored silently), §3.6
(serial). Measured against BIND 9.18 and Knot 3.2 in the DNS notes, §1: prerequisites are judged
before rights, and a clash of A and CNAME is ignored with NOERROR.
"""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.serial
import dns.update
from dns.rdtypes.ANY.SOA import SOA

from secondsite.lab.dns.zone import Records, finish, own, serial_of

__all__ = ["UpdateRefusedError", "updated"]

_ANY, _NONE = dns.rdataclass.ANY, dns.rdataclass.NONE
_APEX_TYPES = frozenset({dns.rdatatype.SOA, dns.rdatatype.NS})
_BESIDE_CNAME = frozenset({dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.KEY})


class UpdateRefusedError(Exception):
    """The update is answered with `rcode`, and nothing changes."""

    def __init__(self, rcode: dns.rcode.Rcode) -> None:
        self.rcode = rcode
        super().__init__(dns.rcode.to_text(rcode))


def updated(
    records: Records,
    message: dns.update.UpdateMessage,
    *,
    origin: dns.name.Name,
    may_change: Callable[[set[dns.name.Name]], bool],
) -> Records:
    """What `records` become.

    Raises:
        UpdateRefusedError: a prerequisite does not hold, the key may not, or the message is wrong.
    """
    _check_prerequisites(records, message.prerequisite, origin=origin)
    owners = {rrset.name for rrset in message.update}
    if not may_change(owners):
        raise UpdateRefusedError(dns.rcode.REFUSED)
    for rrset in message.update:
        _prescan(rrset, origin=origin)
    changed = dict(records)
    for rrset in message.update:
        if rrset.deleting == _ANY:
            _delete_sets(changed, rrset, origin=origin)
        elif rrset.deleting == _NONE:
            _delete_record(changed, rrset, origin=origin)
        else:
            _add(changed, rrset, origin=origin)
    return finish(changed, before=records, origin=origin)


def _check_prerequisites(
    records: Records, prerequisites: list[dns.rrset.RRset], *, origin: dns.name.Name
) -> None:
    exact: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], set[dns.rdata.Rdata]] = {}
    for rrset in prerequisites:
        if rrset.ttl:
            raise UpdateRefusedError(dns.rcode.FORMERR)
        if not rrset.name.is_subdomain(origin):
            raise UpdateRefusedError(dns.rcode.NOTZONE)
        kinds = records.get(rrset.name, {})
        is_name = rrset.rdtype == dns.rdatatype.ANY
        is_there = bool(kinds) if is_name else rrset.rdtype in kinds
        if rrset.deleting == _ANY and not is_there:
            raise UpdateRefusedError(dns.rcode.NXDOMAIN if is_name else dns.rcode.NXRRSET)
        if rrset.deleting == _NONE and is_there:
            raise UpdateRefusedError(dns.rcode.YXDOMAIN if is_name else dns.rcode.YXRRSET)
        if rrset.deleting is None:
            if is_name:
                raise UpdateRefusedError(dns.rcode.FORMERR)
            exact.setdefault((rrset.name, rrset.rdtype), set()).update(rrset)
    for (owner, kind), values in exact.items():
        found = records.get(owner, {}).get(kind)
        if found is None or set(found) != values:
            raise UpdateRefusedError(dns.rcode.NXRRSET)


def _prescan(rrset: dns.rrset.RRset, *, origin: dns.name.Name) -> None:
    if not rrset.name.is_subdomain(origin):
        raise UpdateRefusedError(dns.rcode.NOTZONE)
    is_meta = dns.rdatatype.is_metatype(rrset.rdtype)
    if rrset.deleting is not None and rrset.ttl:
        raise UpdateRefusedError(dns.rcode.FORMERR)
    if is_meta and not (rrset.deleting == _ANY and rrset.rdtype == dns.rdatatype.ANY):
        raise UpdateRefusedError(dns.rcode.FORMERR)
    if rrset.name.is_wild() and rrset.deleting is None:
        raise UpdateRefusedError(dns.rcode.REFUSED)  # the lab's servers know no wildcards


def _add(records: Records, rrset: dns.rrset.RRset, *, origin: dns.name.Name) -> None:
    kinds = own(records, rrset.name)
    kind = rrset.rdtype
    others = kinds.keys() - _BESIDE_CNAME - {dns.rdatatype.CNAME}
    if kind == dns.rdatatype.CNAME and others:
        return
    if kind not in _BESIDE_CNAME and kind != dns.rdatatype.CNAME and dns.rdatatype.CNAME in kinds:
        return
    if kind == dns.rdatatype.SOA:
        new = rrset[0]
        if rrset.name != origin or not isinstance(new, SOA):
            return
        if not dns.serial.Serial(new.serial) > serial_of(records, origin):
            return
    added = dns.rdataset.Rdataset(rrset.rdclass, kind)
    if kind not in (dns.rdatatype.CNAME, dns.rdatatype.SOA, dns.rdatatype.DNAME):
        for rdata in kinds.get(kind, ()):
            added.add(rdata, rrset.ttl)
    for rdata in rrset:
        added.add(rdata, rrset.ttl)
    added.ttl = rrset.ttl  # one TTL for the whole set: RFC 2181 §5.2
    kinds[kind] = added


def _delete_sets(records: Records, rrset: dns.rrset.RRset, *, origin: dns.name.Name) -> None:
    kinds = own(records, rrset.name)
    wanted = set(kinds) if rrset.rdtype == dns.rdatatype.ANY else {rrset.rdtype}
    if rrset.name == origin:
        wanted -= _APEX_TYPES
    for kind in wanted:
        kinds.pop(kind, None)


def _delete_record(records: Records, rrset: dns.rrset.RRset, *, origin: dns.name.Name) -> None:
    kinds = own(records, rrset.name)
    found = kinds.get(rrset.rdtype)
    if found is None or rrset.rdtype == dns.rdatatype.SOA:
        return
    left = [rdata for rdata in found if rdata not in rrset]
    if rrset.name == origin and rrset.rdtype == dns.rdatatype.NS and not left:
        return
    if left:
        kinds[rrset.rdtype] = dns.rdataset.from_rdata_list(found.ttl, left)
    else:
        del kinds[rrset.rdtype]
