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
import dns.tsig
import dns.update

from secondsite.connectors.dns.model import DnsTarget, Edit, RecordSet

__all__ = ["update_message"]


def update_message(
    target: DnsTarget, edits: Iterable[Edit], *, key: dns.tsig.Key | None
) -> dns.update.UpdateMessage:
    """One message that makes all `edits`, or none. Each attempt needs a new one: it has an id."""
    message = dns.update.UpdateMessage(target.zone)
    for edit in edits:
        _require(message, edit)
        _change(message, edit)
    if key is not None:
        message.use_tsig(key)
    return message


def _require(message: dns.update.UpdateMessage, edit: Edit) -> None:
    name = dns.name.from_text(edit.name)
    if edit.before is None:
        message.absent(name, edit.type)
    else:
        message.present(name, *_rdatas(edit.before))


def _change(message: dns.update.UpdateMessage, edit: Edit) -> None:
    name = dns.name.from_text(edit.name)
    before, after = edit.before, edit.after
    if after is None:
        message.delete(name, edit.type)
        return
    old = _rdatas(before) if before else []
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
