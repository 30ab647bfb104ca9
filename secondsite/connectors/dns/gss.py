"""GSS-TSIG (RFC 3645): keys that a Kerberos account agrees on with a DNS server.

A context is negotiated with one TKEY exchange, then used for as long as it is good: when a
connection is done with it, the next one to the same server takes it. Two never share one at a time,
because a context counts its messages. After anything but a clean answer it is thrown away: servers
echo our own signature in refusals (Samba, Windows), and forget every context when they start anew.

Facts kept (DNS notes, §2): the key's name is a single random label, because a name that shares a
suffix with the zone is compressed, and Samba then rejects the signature. No sequence flag is asked
for: Windows is said not to like it, and a lost answer would spoil the context.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TKEY
import dns.rrset
import dns.tsig

from secondsite.connectors.dns.kerberos import Tickets, gssapi_module, service_of, trouble
from secondsite.connectors.dns.model import DnsServer, KerberosAccount
from secondsite.connectors.dns.wire import (
    OTHER_CLOCK,
    Answer,
    Connection,
    KeyRefusedError,
    NoKeyError,
    UnansweredError,
)
from secondsite.errors import AccessDeniedError, NotStartedError, SiteError

__all__ = ["Contexts", "GssSigner"]

_MODE_GSS = 3  # RFC 2930 §2.5
_LIFE_S = 3600
_MARGIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agreed:
    """A key that a server knows, and until when it is good (on the monotonic clock)."""

    key: dns.tsig.Key
    ends_at: float


class Contexts:
    """Keys that were agreed on and are not in use, and the tickets for new ones."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[tuple[KerberosAccount, DnsServer], list[_Agreed]] = defaultdict(list)
        self._tickets: dict[KerberosAccount, Tickets] = {}

    def take(self, account: KerberosAccount, server: DnsServer) -> _Agreed | None:
        """A key that is still good, for the caller alone; None: agree on one."""
        with self._lock:
            idle = self._idle[account, server]
            while idle:
                agreed = idle.pop()
                if agreed.ends_at - self._clock() > _MARGIN_S:
                    return agreed
        return None

    def give_back(self, account: KerberosAccount, server: DnsServer, agreed: _Agreed) -> None:
        """Let others use the key."""
        with self._lock:
            self._idle[account, server].append(agreed)

    def forget(self, account: KerberosAccount, server: DnsServer) -> None:
        """Use none of the keys of that server again: it has forgotten them."""
        with self._lock:
            self._idle.pop((account, server), None)

    def tickets(self, account: KerberosAccount) -> Tickets:
        """The tickets of `account`."""
        with self._lock:
            return self._tickets.setdefault(account, Tickets(account, clock=self._clock))

    def agree(
        self,
        account: KerberosAccount,
        server: DnsServer,
        connection: Connection,
        *,
        timeout_s: float,
    ) -> _Agreed:
        """Agree on a new key with `server`.

        Raises:
            SiteError: there is none to be had: the KDC or the server says no, or is away.
            NotSentError: the server cannot be reached.
            CredentialError: the library or the keytab is missing.
        """
        end = time.monotonic() + timeout_s
        credentials = self.tickets(account).credentials(timeout_s=timeout_s)
        gssapi = gssapi_module()
        flags = gssapi.RequirementFlag
        context = gssapi.SecurityContext(
            name=gssapi.Name(
                service_of(account, server), name_type=gssapi.NameType.kerberos_principal
            ),
            creds=credentials,
            flags=[flags.mutual_authentication, flags.replay_detection, flags.integrity],
            mech=gssapi.MechType.kerberos,
            usage="initiate",
        )
        name = dns.name.from_text(f"{uuid.uuid4()}.")
        key = dns.tsig.Key(name, context, dns.tsig.GSS_TSIG)
        try:
            token = context.step()
        except gssapi.exceptions.GSSError as exc:
            self.tickets(account).forget()
            raise trouble(account, exc, server=server) from exc
        stepper = _Stepper(key, context)
        try:
            answer = connection.trade(
                _tkey_query(name, token), end=end, timeout_s=timeout_s, keyring=stepper
            )
        except KeyRefusedError as exc:
            raise _disagreement(account, server, exc.error) from exc
        except UnansweredError as exc:
            raise NotStartedError(
                f"{server} did not answer when {account} was to agree on a key with it: {exc}. "
                "No update was sent.",
                host=server.name,
                next_step="See whether that server takes TKEY over TCP (RFC 3645).",
                evidence={"server": server.name},
            ) from exc
        refusal = _refusal_in(answer, name) or stepper.failure
        if not (refusal or answer.is_trusted):
            is_late = answer.flaw == OTHER_CLOCK
            refusal = "BADTIME" if is_late else f"an answer that is {answer.flaw}"
        if refusal or not context.complete:
            raise _disagreement(account, server, refusal or "half a key")
        life_s = min(float(context.lifetime), _LIFE_S)
        return _Agreed(key=key, ends_at=self._clock() + life_s)


class GssSigner:
    """Signs the messages of one connection with a key of its own."""

    def __init__(
        self, account: KerberosAccount, server: DnsServer, contexts: Contexts | None = None
    ) -> None:
        gssapi_module()  # refuse at once, not half-way
        self._account, self._server = account, server
        self._contexts = contexts or _SHARED
        self._agreed: _Agreed | None = None
        self._is_fresh = False

    def key(self, connection: Connection, *, timeout_s: float) -> dns.tsig.Key:
        """As `Signer.key`."""
        if self._agreed is None:
            self._agreed = self._contexts.take(self._account, self._server)
            self._is_fresh = self._agreed is None
        else:
            self._is_fresh = False
        if self._agreed is None:
            try:
                self._agreed = self._contexts.agree(
                    self._account, self._server, connection, timeout_s=timeout_s
                )
            except SiteError as exc:
                raise NoKeyError(exc) from exc
        return self._agreed.key

    def reject(self) -> bool:
        """As `Signer.reject`."""
        self._agreed = None
        self._contexts.forget(self._account, self._server)
        return not self._is_fresh

    def release(self) -> None:
        """As `Signer.release`."""
        if self._agreed is not None:
            self._contexts.give_back(self._account, self._server, self._agreed)
            self._agreed = None


_SHARED = Contexts()
"""Of this process: tickets and keys are the same for every zone that an account changes."""


class _Stepper:
    """Takes the server's token before its signature is checked, as RFC 3645 §3.1.3 has it."""

    def __init__(self, key: dns.tsig.Key, context: Any) -> None:
        self._key, self._context = key, context
        self.failure = ""

    def __call__(self, message: dns.message.Message, name: dns.name.Name) -> dns.tsig.Key | None:
        if name != self._key.name:
            return None
        rdata = _tkey_of(message, name)
        if rdata is not None and rdata.key:
            try:
                self._context.step(rdata.key)
            except gssapi_module().exceptions.GSSError:
                self.failure = "a token that is not that service's"
        return self._key


def _tkey_query(name: dns.name.Name, token: bytes) -> dns.message.QueryMessage:
    now = int(time.time())
    rdata = dns.rdtypes.ANY.TKEY.TKEY(  # type: ignore[no-untyped-call]
        dns.rdataclass.ANY,
        dns.rdatatype.TKEY,
        dns.tsig.GSS_TSIG,
        now,
        now + _LIFE_S,
        _MODE_GSS,
        dns.rcode.NOERROR,
        token,
    )
    query = dns.message.make_query(name, dns.rdatatype.TKEY, dns.rdataclass.ANY, flags=0)
    query.additional.append(dns.rrset.from_rdata(name, 0, rdata))
    return query


def _tkey_of(message: dns.message.Message, name: dns.name.Name) -> Any:
    rrset = message.get_rrset(message.answer, name, dns.rdataclass.ANY, dns.rdatatype.TKEY)
    return rrset[0] if rrset else None


def _refusal_in(answer: Answer, name: dns.name.Name) -> str:
    """Why the answer holds no key; empty if it does. Where it is not signed, that is a hint."""
    if answer.rcode != "NOERROR":
        return answer.rcode
    rdata = _tkey_of(answer.message, name)
    if rdata is None:
        return "an answer without a key"
    return str(dns.rcode.to_text(rdata.error)) if rdata.error else ""


def _disagreement(account: KerberosAccount, server: DnsServer, said: str) -> AccessDeniedError:
    service = service_of(account, server)
    if said in ("BADKEY", "BADSIG"):
        message = f"{server} did not take the ticket of {account} for {service}: it is not "
        message += "that host, or its own keytab or password is out of date"
        step = "Compare its `host` in the estate with its full host name."
    elif said == "BADTIME":
        message = f"{server} did not take the ticket of {account}: the clocks differ"
        step = "Set the clocks of this machine and of that server (NTP)."
    else:
        message = f"{server} agreed on no key with {account}: it gave {said}"
        step = "See whether that server takes secure updates (GSS-TSIG) for this realm."
    return AccessDeniedError(
        f"{message} ({said}). Nothing was changed.",
        host=server.name,
        next_step=step,
        evidence={"server": server.name, "key": account.name, "said": said},
    )
