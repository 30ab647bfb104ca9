"""Whether a zone can be changed at all, asked before anything needs it. Changes nothing.

The key is tried with a signed update whose prerequisite cannot hold (DNS notes, §4): the server
tells "prerequisite not met" from "key not known" and "clock off". The right to change a certain
record is tried with an update that would take a value out of it that nobody has, if the record is
still as it was just read: it changes nothing, and servers that judge rights late (Samba does, when
it writes) judge it.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import dns.name
import dns.serial
import dns.update

from secondsite.connectors.dns import refusals
from secondsite.connectors.dns.keys import connect
from secondsite.connectors.dns.messages import require
from secondsite.connectors.dns.model import DnsServer, DnsTarget, RecordSet
from secondsite.connectors.dns.reading import ServerReader
from secondsite.connectors.dns.wire import (
    Connection,
    Deadline,
    KeyRefusedError,
    NotSentError,
    UnansweredError,
)
from secondsite.errors import (
    CredentialError,
    NotStartedError,
    SecondsiteError,
    SiteError,
    WrongStateError,
)

__all__ = ["Finding", "Severity", "preflight", "server_findings"]

_NOBODYS = {
    "A": "192.0.2.255",  # documentation (RFC 5737)
    "AAAA": "100::ffff",  # discard only (RFC 6666)
    "CNAME": "nobody.invalid.",
    "PTR": "nobody.invalid.",
    "TXT": "nobody",
}


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # changes will fail
    WARNING = "warning"  # they will work, but not everywhere or not soon


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that speaks against changing a zone.

    Attributes:
        sentence: What was found, on which server.
        remedy: What to do about it.
        is_away: It is that the server does not answer.
    """

    severity: Severity
    zone: str
    server: str
    sentence: str
    remedy: str
    is_away: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "severity": self.severity.value,
            "zone": self.zone,
            "server": self.server,
            "sentence": self.sentence,
            "remedy": self.remedy,
        }


def preflight(
    target: DnsTarget, *, records: Sequence[tuple[str, str]] = (), timeout_s: float
) -> list[Finding]:
    """All that speaks against changing the zone, at once; empty if nothing does.

    A server other than the update server that is away is a warning: the change can be made, but not
    be verified everywhere.

    Args:
        target: The zone.
        records: (name, type) of what shall be changed: the server then tells what the key or
            account may not change.
        timeout_s: For everything together.
    """
    share_s = timeout_s / (len(target.servers) + 1)
    findings, serials, is_proven = server_findings(target, timeout_s=share_s * len(target.servers))
    if target.writable.name in serials:
        findings += _key_findings(target, records, is_proven=is_proven, timeout_s=share_s)
    return findings + _lag_findings(target, serials)


def server_findings(
    target: DnsTarget, *, timeout_s: float
) -> tuple[list[Finding], dict[str, int], bool]:
    """What speaks against the servers: (findings, serials, whether the key has proved itself)."""
    findings: list[Finding] = []
    serials: dict[str, int] = {}
    is_proven = False
    share_s = timeout_s / len(target.servers)
    for server in target.servers:
        is_written = server == target.writable
        try:
            with connect(target, server) as connection:
                reader = ServerReader(target, connection, Deadline(share_s))
                serials[server.name] = reader.serial()
                is_proven = is_proven or (is_written and reader.is_proven)
                if is_written and target.key is not None and not reader.is_signed:
                    findings.append(_unsigned(target, server))
        except (SiteError, CredentialError) as error:
            severity = Severity.ERROR if is_written else Severity.WARNING
            findings.append(_finding(target, server, error, severity=severity))
    return findings, serials, is_proven


def _key_findings(
    target: DnsTarget, records: Sequence[tuple[str, str]], *, is_proven: bool, timeout_s: float
) -> list[Finding]:
    if target.key is None:
        return [
            Finding(
                severity=Severity.WARNING,
                zone=target.zone,
                server=target.writable.name,
                sentence=f"Zone {target.zone} has no key: {target.writable} gets unsigned updates.",
                remedy="Name a TSIG key for it in the estate.",
            )
        ]
    deadline = Deadline(timeout_s)
    with connect(target, target.writable) as connection:
        trial = _Trial(target, connection, deadline, is_proven=is_proven)
        try:
            found = _found(ServerReader(target, connection, deadline), records)
            trouble = trial.trouble(found)
        except SiteError as error:
            return [_finding(target, target.writable, error, severity=Severity.ERROR)]
        if trouble is None:
            return []
        if not trial.was_denied:
            return [_finding(target, target.writable, trouble, severity=Severity.ERROR)]
        if not found:
            # A key that may change certain names only is refused a name that nobody has.
            return [_finding(target, target.writable, trouble, severity=Severity.WARNING)]
        troubles = [trial.trouble({record: content}) for record, content in found.items()]
    return [
        _finding(target, target.writable, each, severity=Severity.ERROR)
        for each in troubles
        if each is not None
    ]


_Found = Mapping[tuple[str, str], RecordSet | None]


def _found(reader: ServerReader, records: Sequence[tuple[str, str]]) -> _Found:
    """What the records hold now; without those that are aliases, which nobody can change so."""
    found: dict[tuple[str, str], RecordSet | None] = {}
    for name, type in records:
        with contextlib.suppress(WrongStateError):
            found[name, type] = reader.read(name, type)
    return found


class _Trial:
    """Signed updates that change nothing.

    Attributes:
        was_denied: Whether the last one was refused for its names, not for its key.
    """

    def __init__(
        self, target: DnsTarget, connection: Connection, deadline: Deadline, *, is_proven: bool
    ) -> None:
        self.was_denied = False
        self._target = target
        self._connection = connection
        self._deadline = deadline
        self._is_proven = is_proven

    def trouble(self, records: _Found) -> SiteError | None:
        """What the server has against an update of `records`; None if nothing."""
        target, server = self._target, self._target.writable
        names = tuple(name for name, _ in records) or ("a name of its own choice",)
        self.was_denied = False
        try:
            answer = self._connection.exchange(
                _trial_message(target, records), timeout_s=self._deadline.exchange_s()
            )
        except KeyRefusedError as exc:
            if exc.error != "BADKEY" or not self._is_proven:
                return refusals.key_refused(target, server, exc)
            self.was_denied = True
            return refusals.refusal(target, server, "REFUSED", names=names)
        except NotSentError as exc:
            return refusals.not_sent(target, server, exc)
        except UnansweredError as exc:
            return NotStartedError(
                f"{server} did not answer a trial update of zone {target.zone}: {exc}.",
                host=server.name,
                next_step="See whether that server takes updates over TCP.",
            )
        if answer.rcode in ("NXDOMAIN", "NXRRSET", "YXDOMAIN", "YXRRSET", "NOERROR"):
            return None
        self.was_denied = answer.rcode == "REFUSED" and bool(records)
        return refusals.refusal(target, server, answer.rcode, names=names, flaw=answer.flaw)


def _trial_message(target: DnsTarget, records: _Found) -> dns.update.UpdateMessage:
    """It deletes only what nobody has; without records, its prerequisite cannot hold either."""
    message = dns.update.UpdateMessage(target.zone)
    if not records:
        nobody = dns.name.from_text(f"secondsite-{secrets.token_hex(8)}", message.origin)
        message.present(nobody)
        message.delete(nobody)
    for (name, type), found in records.items():
        owner = dns.name.from_text(name)
        require(message, name, type, found)
        tried = type.upper() if type.upper() in _NOBODYS else "TXT"
        message.delete(owner, tried, _NOBODYS[tried])
    return message


def _unsigned(target: DnsTarget, server: DnsServer) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        zone=target.zone,
        server=server.name,
        sentence=(
            f"{server} does not sign its answers to questions about zone {target.zone}: what is "
            "read back there is not proven to be its word. Changes themselves are signed."
        ),
        remedy="Reach that server over a network that you trust.",
    )


def _lag_findings(target: DnsTarget, serials: dict[str, int]) -> list[Finding]:
    newest = serials.get(target.writable.name)
    if newest is None or not target.has_one_serial:
        return []
    return [
        Finding(
            severity=Severity.WARNING,
            zone=target.zone,
            server=name,
            sentence=(
                f"{name} has zone {target.zone} with serial {serial}, behind "
                f"{target.writable.name} with {newest}."
            ),
            remedy="See whether that server still gets the zone from its primary.",
        )
        for name, serial in serials.items()
        if dns.serial.Serial(serial) < dns.serial.Serial(newest)
    ]


def _finding(
    target: DnsTarget, server: DnsServer, error: SecondsiteError, *, severity: Severity
) -> Finding:
    return Finding(
        severity=severity,
        zone=target.zone,
        server=server.name,
        sentence=error.message,
        remedy=error.next_step,
        is_away=isinstance(error, NotStartedError),
    )
