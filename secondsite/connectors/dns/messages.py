"""The UPDATE message of some edits: the whole former sets as prerequisites, then the changes.

Facts (DNS notes, §1): the prerequisite must list the whole record set; it says nothing of the TTL;
the addition of a new value with another TTL changes the TTL of the whole set. The addition of a
value that is there changes the TTL on BIND, and nothing on Knot 3.2 (measured by the tests): so one
value is taken out and put back in the same message where only the TTL changes. What stays is
neither deleted nor added again, so that its owner and access rights on an Active Directory server
stay too.
"""

from __future__ import annotations

from collections.abc import Iterable

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.update

from secondsite.connectors.dns.model import DnsTarget, Edit, RecordSet

__all__ = ["require", "update_message"]


def update_message(target: DnsTarget, edits: Iterable[Edit]) -> dns.update.UpdateMessage:
    """One message that makes all `edits`, or none. Each attempt needs a new one: it has an id."""
    message = dns.update.UpdateMessage(target.zone)
    for edit in edits:
        require(message, edit.name, edit.type, edit.before)
        _change(message, edit)
    return message


def require(
    message: dns.update.UpdateMessage, name: str, type: str, found: RecordSet | None
) -> None:
    """Have `message` carried out only if the records are exactly `found`; None: there are none."""
    owner = dns.name.from_text(name)
    if found is None:
        message.absent(owner, type)
    else:
        message.present(owner, *_rdatas(found))


def _change(message: dns.update.UpdateMessage, edit: Edit) -> None:
    name = dns.name.from_text(edit.name)
    before, after = edit.before, edit.after
    old = _rdatas(before) if before else []
    if after is None:
        # By value: a server that takes a part of a set for the whole (Samba does) may hold more.
        message.delete(name, *old)
        return
    new = _rdatas(after)
    gone = [rdata for rdata in old if rdata not in new]
    added = [rdata for rdata in new if rdata not in old]
    if before is not None and before.ttl_s != after.ttl_s:
        if not added:
            gone = [*gone, new[0]]
        added = new
    if gone:
        message.delete(name, *gone)
    if added:
        message.add(name, after.ttl_s, *added)


def _rdatas(record_set: RecordSet) -> list[dns.rdata.Rdata]:
    kind = dns.rdatatype.from_text(record_set.type)
    return [dns.rdata.from_text(dns.rdataclass.IN, kind, value) for value in record_set.values]
