"""Reading records straight from authoritative servers, never from a resolver's memory.

RD=0 and AA=1 (DNS notes, §1 "Propagation"): a recursive server, or one that holds only the parent
zone, must not pass for the zone's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from secondsite.connectors.dns import refusals
from secondsite.connectors.dns.keys import connect
from secondsite.connectors.dns.model import DnsServer, DnsTarget, RecordSet, TsigKey
from secondsite.connectors.dns.names import canonical_name, is_within
from secondsite.connectors.dns.wire import (
    Answer,
    Connection,
    Deadline,
    KeyRefusedError,
    NotSentError,
    UnansweredError,
)
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    NotFoundError,
    NotStartedError,
    SiteError,
    WrongStateError,
)

__all__ = ["ServerReader", "find_holder", "read", "read_many"]

_MAX_ALIASES = 8


def read(target: DnsTarget, *, name: str, type: str, timeout_s: float) -> RecordSet | None:
    """The records of that name and type on the update server; None if there are none.

    Raises:
        NotStartedError: the server does not answer, or cannot just now.
        AccessDeniedError: it refuses our key or our question.
        WrongStateError: the name is an alias (a CNAME): the records are elsewhere.
        ActionFailedError: it is not authoritative for the zone.
    """
    deadline = Deadline(timeout_s)
    with connect(target, target.writable) as connection:
        return ServerReader(target, connection, deadline).read(name, type)


def read_many(
    target: DnsTarget, wanted: Sequence[tuple[str, str]], *, timeout_s: float
) -> Mapping[tuple[str, str], RecordSet | SiteError | None]:
    """As `read` for many (name, type), over one connection; one failure does not stop the others.

    Raises:
        NotStartedError: the server does not answer at all.
        AccessDeniedError: it refuses our key.
    """
    deadline = Deadline(timeout_s)
    found: dict[tuple[str, str], RecordSet | SiteError | None] = {}
    with connect(target, target.writable) as connection:
        reader = ServerReader(target, connection, deadline)
        for name, type in wanted:
            try:
                found[name, type] = reader.read(name, type)
            except (AccessDeniedError, NotStartedError):
                raise  # it concerns the server, not this name
            except SiteError as error:
                found[name, type] = error
    return found


def find_holder(target: DnsTarget, *, name: str, timeout_s: float) -> str:
    """The name that `name` leads to when every alias (CNAME) is followed: the one to change.

    Raises:
        WrongStateError: an alias leads out of the zone, or in a circle.
    """
    deadline = Deadline(timeout_s)
    seen = [canonical_name(name)]
    with connect(target, target.writable) as connection:
        reader = ServerReader(target, connection, deadline)
        while (alias := reader.read(seen[-1], "CNAME")) is not None:
            aim = canonical_name(alias.values[0])
            chain = " → ".join((*seen, aim))
            if aim in seen or len(seen) > _MAX_ALIASES or not is_within(aim, target.zone):
                raise WrongStateError(
                    f"{chain}: the alias leads "
                    f"{'in a circle' if aim in seen else f'out of zone {target.zone}'}",
                    host=target.writable.name,
                    next_step="Name the record that holds the address in the plan, with its zone.",
                    evidence={"chain": [*seen, aim], "zone": target.zone},
                )
            seen.append(aim)
    return seen[-1]


class ServerReader:
    """Reads one zone from one server over one connection.

    Attributes:
        is_signed: Whether its questions are signed. A server other than the update server need not
            know the key, and one of a Kerberos realm need not sign answers to questions: then it is
            asked unsigned, and this says so.
        is_proven: Whether the server has answered with a signature of that key.
    """

    def __init__(self, target: DnsTarget, connection: Connection, deadline: Deadline) -> None:
        self.target = target
        self.connection = connection
        self.deadline = deadline
        self.is_signed = target.key is not None
        self.is_proven = False
        # Whether a Windows server signs its answers to questions is not known (it does so for
        # updates); a question need not be signed for the update itself to be safe.
        self._must_sign = connection.server == target.writable and isinstance(target.key, TsigKey)

    @property
    def server(self) -> DnsServer:
        """The server that is asked."""
        return self.connection.server

    def read(self, name: str, type: str) -> RecordSet | None:
        """As the module's `read`."""
        name, type = canonical_name(name), type.upper()
        message = self._ask(name, type)
        owner = dns.name.from_text(name)
        kind = dns.rdatatype.from_text(type)
        for rrset in message.answer:
            if rrset.name == owner and rrset.rdtype == kind:
                return _record_set(rrset)
            if rrset.name == owner and rrset.rdtype == dns.rdatatype.CNAME:
                aim = rrset[0].target.to_text(omit_final_dot=True)
                raise WrongStateError(
                    f"{name} on {self.server} is an alias (CNAME) of {aim}: it has no {type} "
                    "record of its own, and cannot get one. Nothing was changed.",
                    host=self.server.name,
                    next_step=f"Name {aim} in the plan, or remove the alias.",
                    evidence={"name": name, "alias_of": aim, "server": self.server.name},
                )
        return None

    def serial(self) -> int:
        """The serial number of the zone.

        Raises:
            NotFoundError: there is no zone of that name on the server.
        """
        message = self._ask(self.target.zone, "SOA")
        origin = dns.name.from_text(self.target.zone)
        for rrset in message.answer:
            if rrset.name == origin and rrset.rdtype == dns.rdatatype.SOA:
                return int(rrset[0].serial)
        above = [
            rrset.name.to_text(omit_final_dot=True)
            for rrset in message.authority
            if rrset.rdtype == dns.rdatatype.SOA
        ]
        inside = f"; that name is part of zone {above[0]} there" if above else ""
        raise NotFoundError(
            f"{self.server} has no zone {self.target.zone}{inside}.",
            host=self.server.name,
            next_step="Mend the zone's name in the estate, or create the zone.",
            evidence={"zone": self.target.zone, "server": self.server.name, "zone_above": above},
        )

    def _ask(self, name: str, type: str) -> dns.message.Message:
        answer = self._answer(name, type)
        rcode = answer.rcode
        if rcode == "SERVFAIL":
            raise NotStartedError(
                f"{self.server} cannot answer for {name} just now (SERVFAIL).",
                host=self.server.name,
                next_step=f"Look at that server's log; zone {self.target.zone} may not be loaded.",
            )
        if rcode in ("REFUSED", "NOTAUTH"):
            raise AccessDeniedError(
                f"{self.server} refused to answer for {name} ({rcode}): it does not serve zone "
                f"{self.target.zone}, or not to this machine.",
                host=self.server.name,
                next_step="Compare zone and servers in the estate with that server.",
                evidence={"name": name, "server": self.server.name, "rcode": rcode},
            )
        if rcode not in ("NOERROR", "NXDOMAIN"):
            raise ActionFailedError(
                f"{self.server} answered {rcode} when asked for {name} {type}.",
                host=self.server.name,
                next_step="Look at that server's own log for the reason.",
            )
        if not answer.message.flags & dns.flags.AA:
            raise ActionFailedError(
                f"{self.server} is not authoritative for {name}: it serves no zone "
                f"{self.target.zone}, or has given {name} away to another zone.",
                host=self.server.name,
                next_step="Name the zone's own servers in the estate, and no resolvers.",
                evidence={"name": name, "server": self.server.name, "zone": self.target.zone},
            )
        return answer.message

    def _answer(self, name: str, type: str) -> Answer:
        try:
            answer = self._exchange(name, type)
        except KeyRefusedError as exc:
            if self._must_sign:
                raise refusals.key_refused(self.target, self.server, exc) from exc
        except AccessDeniedError:  # no key could be agreed on
            if self.server == self.target.writable:
                raise
        else:
            if answer.is_trusted:
                self.is_proven = self.is_signed
                return answer
            if self._must_sign:
                raise self._untrusted(name, answer)
        # A secondary that does not know the key still shows the zone to whoever asks.
        self.is_signed = False
        return self._exchange(name, type)

    def _exchange(self, name: str, type: str) -> Answer:
        query = dns.message.make_query(name, type, dns.rdataclass.IN, flags=0, use_edns=False)
        try:
            return self.connection.ask(
                query, timeout_s=self.deadline.exchange_s(), is_signed=self.is_signed
            )
        except NotSentError as exc:
            raise refusals.not_sent(self.target, self.server, exc) from exc
        except UnansweredError as exc:
            raise NotStartedError(
                f"{self.server} did not answer when asked for {name} {type}: {exc}.",
                host=self.server.name,
                next_step="See whether that server is well; nothing was changed by asking.",
                evidence={"name": name, "server": self.server.name, "reason": str(exc)},
            ) from exc

    def _untrusted(self, name: str, answer: Answer) -> AccessDeniedError:
        return AccessDeniedError(
            f"{self.server} answered for {name} with {answer.rcode}, but {answer.flaw}: whether "
            "it is that server's word cannot be checked. Nothing was changed.",
            host=self.server.name,
            next_step=f"Compare {self.target.key} and zone {self.target.zone} with that server.",
            evidence={"name": name, "server": self.server.name, "rcode": answer.rcode},
        )


def _record_set(rrset: dns.rrset.RRset) -> RecordSet:
    return RecordSet(
        name=rrset.name.to_text(),
        type=dns.rdatatype.to_text(rrset.rdtype),
        ttl_s=rrset.ttl,
        values=tuple(rdata.to_text() for rdata in rrset),
    )
