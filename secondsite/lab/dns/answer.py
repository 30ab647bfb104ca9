"""What an authoritative server answers to a question: records, alias chain, referral or nothing."""

from __future__ import annotations

from collections.abc import Mapping

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.rrset

from secondsite.lab.dns.zone import Records, ZoneStore

__all__ = ["answer", "closest_zone"]

_MAX_CHAIN = 8


def closest_zone(name: dns.name.Name, zones: Mapping[dns.name.Name, ZoneStore]) -> ZoneStore | None:
    """The zone with the longest origin that holds `name`."""
    while True:
        if name in zones:
            return zones[name]
        if name == dns.name.root:
            return None
        name = name.parent()


def answer(
    response: dns.message.Message,
    question: dns.rrset.RRset,
    zones: Mapping[dns.name.Name, ZoneStore],
) -> None:
    """Fill `response` with the answer to `question`."""
    zone = closest_zone(question.name, zones)
    if zone is None or question.rdtype in (dns.rdatatype.AXFR, dns.rdatatype.IXFR):
        response.set_rcode(dns.rcode.REFUSED)
        return
    records = zone.read()
    owner = question.name
    for _ in range(_MAX_CHAIN):
        cut = _delegation(records, owner, origin=zone.origin)
        if cut is not None:
            if not response.answer:
                response.authority.append(_rrset(cut, records[cut][dns.rdatatype.NS]))
            return
        response.flags |= dns.flags.AA
        kinds = records.get(owner, {})
        found = [
            rdataset
            for kind, rdataset in sorted(kinds.items())
            if question.rdtype in (kind, dns.rdatatype.ANY)
        ]
        if found:
            response.answer += [_rrset(owner, rdataset) for rdataset in found]
            return
        if dns.rdatatype.CNAME not in kinds:
            _deny(response, records, owner, origin=zone.origin)
            return
        alias = kinds[dns.rdatatype.CNAME]
        response.answer.append(_rrset(owner, alias))
        owner = alias[0].target
        if not owner.is_subdomain(zone.origin):
            return


def _deny(
    response: dns.message.Message,
    records: Records,
    owner: dns.name.Name,
    *,
    origin: dns.name.Name,
) -> None:
    """NODATA or NXDOMAIN, with the SOA that says how long that may be remembered (RFC 2308)."""
    if not any(name.is_subdomain(owner) for name in records):
        response.set_rcode(dns.rcode.NXDOMAIN)
    soa = records[origin][dns.rdatatype.SOA]
    shown = _rrset(origin, soa)
    shown.ttl = min(soa.ttl, soa[0].minimum)
    response.authority.append(shown)


def _delegation(
    records: Records, owner: dns.name.Name, *, origin: dns.name.Name
) -> dns.name.Name | None:
    """The name above or at `owner` at which another zone begins; None inside this one."""
    cut = None
    name = owner
    while name != origin:
        if dns.rdatatype.NS in records.get(name, {}):
            cut = name
        name = name.parent()
    return cut


def _rrset(owner: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(owner, rdataset.ttl, list(rdataset))
