"""One message in, one message out: verifying, dispatching, signing. No sockets.

TSIG errors follow RFC 8945 §5.2: BADKEY and BADSIG are answered unsigned, BADTIME signed and with
the server's time. How BIND, Knot and Samba answer is in the DNS notes, §1 to §3.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TSIG
import dns.rrset
import dns.tsig
import dns.update

from secondsite.lab.dns import faults
from secondsite.lab.dns.answer import answer
from secondsite.lab.dns.keys import KeyRing, ServerKey
from secondsite.lab.dns.update import UpdateRefusedError, updated
from secondsite.lab.dns.zone import ZoneStore

__all__ = ["DnsRequest", "Responder"]

_UDP_PLAIN_OCTETS = 512
_FUDGE_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsRequest:
    """One request as the lab's log shows it.

    Attributes:
        operation: `query`, `update` or `other`.
        names: What was asked for, or every name in an update; `types` go with them.
        result: The response code, `dropped` or `unreadable`.
        key: The key that signed, as named by the client.
    """

    server: str
    operation: str
    zone: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    key: str
    transport: str
    client: str
    result: str

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "server": self.server,
            "operation": self.operation,
            "zone": self.zone,
            "names": list(self.names),
            "types": list(self.types),
            "key": self.key,
            "transport": self.transport,
            "client": self.client,
            "result": self.result,
        }


class Responder:
    """The brain of one server."""

    def __init__(
        self,
        *,
        server: str,
        zones: Iterable[ZoneStore],
        keys: Iterable[ServerKey] = (),
        has_fault: faults.FaultQuestion = faults.no_faults,
        on_request: Callable[[DnsRequest], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.server = server
        self.zones = {zone.origin: zone for zone in zones}
        self.keys = KeyRing(keys)
        self._has_fault = has_fault
        self._on_request = on_request
        self._clock = clock

    def respond(self, wire: bytes, *, transport: str, client: str) -> bytes | None:
        """The reply to `wire`; None if there is none."""
        try:
            message, tsig_error = self._read(wire)
        except (dns.exception.DNSException, ValueError):
            return _format_error(wire)
        if message is None or message.flags & dns.flags.QR:
            return None
        name = _names(message)[0] if _names(message) else None
        if self._has_fault(faults.SILENT, self.server, name):
            self._tell(message, transport=transport, client=client, result="dropped")
            return None
        if tsig_error:
            response = self._tsig_refusal(message, tsig_error)
        else:
            response = dns.message.make_response(message)
            self._dispatch(message, response)
        result = dns.rcode.to_text(response.rcode())
        is_update = message.opcode() == dns.opcode.UPDATE
        if is_update and self._has_fault(faults.DROPS_REPLY, self.server, name):
            self._tell(message, transport=transport, client=client, result=f"{result}, dropped")
            return None
        self._tell(message, transport=transport, client=client, result=result)
        if is_update and message.had_tsig and self._has_fault(faults.ECHOES_MAC, self.server, name):
            return _echo_mac(response, message)
        return _render(response, message, transport=transport)

    def _read(self, wire: bytes) -> tuple[dns.message.Message | None, dns.rcode.Rcode | None]:
        """The message, and the TSIG error that it is to be answered with, if any."""
        error = None
        try:
            message = dns.message.from_wire(wire, keyring=self.keys.tsig, one_rr_per_rrset=True)
        except (dns.message.UnknownTSIGKey, dns.tsig.BadKey, dns.tsig.BadAlgorithm):
            error = dns.rcode.BADKEY
        except dns.tsig.BadSignature:
            error = dns.rcode.BADSIG
        except dns.tsig.BadTime:
            error = dns.rcode.BADTIME
        except dns.tsig.PeerError:
            return None, None  # a reply, not a request
        else:
            if message.tsig is not None:
                skew_s = abs(message.tsig[0].time_signed - self._clock())
                if skew_s > message.tsig[0].fudge:
                    error = dns.rcode.BADTIME
            return message, error
        return dns.message.from_wire(wire, keyring=False, one_rr_per_rrset=True), error

    def _dispatch(self, message: dns.message.Message, response: dns.message.Message) -> None:
        if isinstance(message, dns.update.UpdateMessage):
            response.set_rcode(self._update(message))
        elif message.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif len(message.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
        else:
            answer(response, message.question[0], self.zones)

    def _update(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        if len(message.zone) != 1:
            return dns.rcode.FORMERR
        zone = self.zones.get(message.zone[0].name)
        if zone is None:
            return dns.rcode.NOTAUTH
        names = _names(message)
        name = names[0] if names else None
        if not zone.is_primary or self._has_fault(faults.REFUSES, self.server, name):
            return dns.rcode.REFUSED
        if self._has_fault(faults.BREAKS_DISK, self.server, name):
            return dns.rcode.SERVFAIL
        key_name = message.keyname
        try:
            zone.update(
                lambda records: updated(
                    records,
                    message,
                    origin=zone.origin,
                    may_change=lambda owners: self.keys.may_change(
                        key_name=key_name, zone=zone.origin, owners=owners
                    ),
                ),
                source="update",
                by=key_name.to_text(omit_final_dot=True) if key_name else "",
            )
        except UpdateRefusedError as refusal:
            return refusal.rcode
        return dns.rcode.NOERROR

    def _tsig_refusal(
        self, message: dns.message.Message, error: dns.rcode.Rcode
    ) -> dns.message.Message:
        response = dns.message.make_response(message)
        response.set_rcode(dns.rcode.NOTAUTH)
        if message.tsig is None:
            return response
        request: Any = message.tsig[0]
        key = self.keys.tsig.get(message.tsig.name)
        if error == dns.rcode.BADTIME and key is not None:
            other = int(self._clock()).to_bytes(6, "big")
            response.use_tsig(key, key.name, _FUDGE_S, None, error, other, key.algorithm)
            response.request_mac = request.mac
            return response
        unsigned = dns.rdtypes.ANY.TSIG.TSIG(  # type: ignore[no-untyped-call]
            dns.rdataclass.ANY,
            dns.rdatatype.TSIG,
            request.algorithm,
            request.time_signed,
            request.fudge,
            b"",
            message.id,
            error,
            b"",
        )
        response.tsig = dns.rrset.from_rdata(message.tsig.name, 0, unsigned)
        response.want_tsig_sign = False
        return response

    def _tell(
        self, message: dns.message.Message, *, transport: str, client: str, result: str
    ) -> None:
        operation = {dns.opcode.QUERY: "query", dns.opcode.UPDATE: "update"}
        types = [dns.rdatatype.to_text(rrset.rdtype) for rrset in _subjects(message)]
        is_update = isinstance(message, dns.update.UpdateMessage) and bool(message.zone)
        # An update's zone section stands where a query has its question.
        zone = message.sections[0][0].name.to_text(omit_final_dot=True) if is_update else ""
        self._on_request(
            DnsRequest(
                server=self.server,
                operation=operation.get(message.opcode(), "other"),
                zone=zone,
                names=_names(message),
                types=tuple(dict.fromkeys(types)),
                key=message.keyname.to_text(omit_final_dot=True) if message.keyname else "",
                transport=transport,
                client=client,
                result=result,
            )
        )


def _subjects(message: dns.message.Message) -> list[dns.rrset.RRset]:
    """What a message is about: the question, or the changes that an update asks for."""
    return message.sections[2 if isinstance(message, dns.update.UpdateMessage) else 0]


def _names(message: dns.message.Message) -> tuple[str, ...]:
    names = (rrset.name.canonicalize().to_text(omit_final_dot=True) for rrset in _subjects(message))
    return tuple(dict.fromkeys(names))


def _render(
    response: dns.message.Message, message: dns.message.Message, *, transport: str
) -> bytes:
    if transport != "udp":
        return response.to_wire(max_size=65535)
    limit = max(message.payload, _UDP_PLAIN_OCTETS) if message.edns >= 0 else _UDP_PLAIN_OCTETS
    try:
        return response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        response.answer, response.authority, response.additional = [], [], []
        response.flags |= dns.flags.TC
        return response.to_wire(max_size=limit)


def _echo_mac(response: dns.message.Message, message: dns.message.Message) -> bytes:
    response.tsig = message.tsig
    response.want_tsig_sign = False
    return response.to_wire(max_size=65535)


def _format_error(wire: bytes) -> bytes | None:
    """A bare FORMERR with the request's id, if there is so much as a header."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    opcode = wire[2] & 0x78
    return wire[:2] + bytes([0x80 | opcode, int(dns.rcode.FORMERR)]) + bytes(8)
