"""Whether every authoritative server shows what was written: asked one by one until a deadline.

The criterion is the value and TTL on each server. The SOA serial only explains a lag, and not
everywhere: in Active Directory it does not follow dynamic updates (DNS notes, §2). Hidden
secondaries and the other nodes of an anycast address cannot be seen from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import dns.serial

from secondsite.connectors.dns.keys import connect
from secondsite.connectors.dns.model import DnsServer, DnsTarget, Edit, RecordSet
from secondsite.connectors.dns.reading import ServerReader
from secondsite.connectors.dns.wire import Deadline
from secondsite.errors import ConflictError, NotReadyError, NotStartedError, SiteError

__all__ = ["Sight", "SightStatus", "Verification", "verify"]

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_ROUND_S = 5.0
_MAX_THREADS = 16


class SightStatus(StrEnum):
    """How one server shows a record, worst last."""

    DONE = "done"
    LAGGING = "lagging"  # still the former content, or an older copy of the zone
    UNREACHABLE = "unreachable"
    CONFLICT = "conflict"  # neither the former nor the new content


_SEVERITY = list(SightStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One record as one server showed it last.

    Attributes:
        serial: Serial of the zone there; None if it was not to be had.
        detail: Why it was unreachable, or what it shows instead.
        signed: Whether the answer was signed with the target's key. A secondary may not know it.
    """

    server: str
    status: SightStatus
    found: RecordSet | None
    serial: int | None = None
    detail: str = ""
    signed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "server": self.server,
            "status": self.status.value,
            "found": self.found and self.found.as_dict(),
            "serial": self.serial,
            "detail": self.detail,
            "signed": self.signed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One record as every server of its zone showed it last."""

    name: str
    type: str
    desired: RecordSet | None
    sights: tuple[Sight, ...]

    @property
    def status(self) -> SightStatus:
        """The worst of its sights."""
        return max((sight.status for sight in self.sights), key=_SEVERITY.index)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "name": self.name,
            "type": self.type,
            "status": self.status.value,
            "desired": self.desired and self.desired.as_dict(),
            "servers": [sight.as_dict() for sight in self.sights],
        }

    def unreachable(self) -> frozenset[str]:
        """Names of the servers that did not answer."""
        return frozenset(
            sight.server for sight in self.sights if sight.status is SightStatus.UNREACHABLE
        )

    def without(self, servers: Collection[str]) -> Verification:
        """The same without what those servers showed."""
        return replace(
            self, sights=tuple(sight for sight in self.sights if sight.server not in servers)
        )

    def trouble(self) -> SiteError | None:
        """The error to raise or to warn with; None if every server shows the desired content."""
        if self.status is SightStatus.DONE:
            return None
        behind = [sight for sight in self.sights if sight.status is not SightStatus.DONE]
        told = "; ".join(
            f"{sight.server}: {sight.status.value}, {sight.detail}" for sight in behind
        )
        done = [sight.server for sight in self.sights if sight.status is SightStatus.DONE]
        message = (
            f"{self.name} {self.type} shall be {self.desired or 'gone'}, but {told}."
            f"{' As wanted on ' + ', '.join(done) + '.' if done else ''}"
        )
        host = behind[0].server
        if self.status is SightStatus.CONFLICT:
            return ConflictError(
                message,
                host=host,
                next_step="Find out who changed it (the VM itself may register), then retry.",
                evidence=self.as_dict(),
            )
        return NotReadyError(
            message,
            host=host,
            next_step=(
                "Look at those servers and at how they get the zone, then retry: what was written "
                "stays, and is only read again."
            ),
            evidence=self.as_dict(),
        )


def verify(
    target: DnsTarget,
    edits: Sequence[Edit],
    *,
    timeout_s: float,
    expendable: Collection[str] = (),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Verification, ...]:
    """How every server of `target` shows the `after` of each edit, once all do or time is up.

    Asks at least once. Returns early also when each record that is not done has a conflict on the
    update server: waiting would not mend it. Nor are servers waited for that are `expendable` and
    cannot be reached. What goes wrong is a sight, never raised.
    """
    if not edits:
        return ()
    end = clock() + timeout_s
    pause_s = _FIRST_PAUSE_S
    sights: dict[tuple[DnsServer, tuple[str, str]], Sight] = {}
    with ThreadPoolExecutor(
        max_workers=min(len(target.servers), _MAX_THREADS), thread_name_prefix="dns-verify"
    ) as threads:
        while True:
            round_s = min(_ROUND_S, max(end - clock(), 0.5))
            looks = {
                server: threads.submit(
                    _look, target, server, _undone(edits, server, sights), timeout_s=round_s
                )
                for server in target.servers
            }
            for server, look in looks.items():
                sights |= {(server, key): sight for key, sight in look.result().items()}
            _tell_lag_from_conflict(target, edits, sights)
            left_s = end - clock()
            if left_s <= 0 or not _is_worth_waiting(target, edits, sights, expendable):
                break
            sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
    return tuple(
        Verification(
            name=edit.name,
            type=edit.type,
            desired=edit.after,
            sights=tuple(sights[server, edit.key] for server in target.servers),
        )
        for edit in edits
    )


def _undone(
    edits: Iterable[Edit],
    server: DnsServer,
    sights: Mapping[tuple[DnsServer, tuple[str, str]], Sight],
) -> list[Edit]:
    return [
        edit
        for edit in edits
        if (server, edit.key) not in sights
        or sights[server, edit.key].status is not SightStatus.DONE
    ]


def _look(
    target: DnsTarget, server: DnsServer, edits: Sequence[Edit], *, timeout_s: float
) -> dict[tuple[str, str], Sight]:
    """One look at one server: conflicts are told from lags later, when all serials are known."""
    if not edits:
        return {}
    seen: dict[tuple[str, str], Sight] = {}
    with connect(target, server) as connection:
        reader = ServerReader(target, connection, Deadline(timeout_s))
        serial: int | None = None
        away: SiteError | None = None
        try:
            serial = reader.serial()
        except SiteError as error:
            away = error
        for edit in edits:
            if away is None:
                try:
                    found = reader.read(edit.name, edit.type)
                except NotStartedError as error:
                    away = error
                except SiteError as error:
                    seen[edit.key] = _unread(server, error, serial=serial)
                    continue
                else:
                    seen[edit.key] = Sight(
                        server=server.name,
                        status=_status(edit, found),
                        found=found,
                        serial=serial,
                        detail=f"shows {found or 'no record'}",
                        signed=reader.is_signed,
                    )
                    continue
            seen[edit.key] = _unread(server, away, serial=serial)
    return seen


def _status(edit: Edit, found: RecordSet | None) -> SightStatus:
    if found == edit.after:
        return SightStatus.DONE
    return SightStatus.LAGGING if found == edit.before else SightStatus.CONFLICT


def _unread(server: DnsServer, error: SiteError, *, serial: int | None) -> Sight:
    return Sight(
        server=server.name,
        status=SightStatus.UNREACHABLE,
        found=None,
        serial=serial,
        detail=error.message.rstrip("."),
    )


def _tell_lag_from_conflict(
    target: DnsTarget,
    edits: Sequence[Edit],
    sights: dict[tuple[DnsServer, tuple[str, str]], Sight],
) -> None:
    """A server with an older copy of the zone than the update server lags, whatever it shows."""
    if not target.has_one_serial:
        return
    for edit in edits:
        newest = sights[target.writable, edit.key].serial
        for server in target.servers:
            sight = sights[server, edit.key]
            if sight.status is not SightStatus.CONFLICT or sight.serial is None or newest is None:
                continue
            if dns.serial.Serial(sight.serial) < dns.serial.Serial(newest):
                sights[server, edit.key] = Sight(
                    server=sight.server,
                    status=SightStatus.LAGGING,
                    found=sight.found,
                    serial=sight.serial,
                    detail=f"{sight.detail}, serial {sight.serial} behind {newest}",
                    signed=sight.signed,
                )


def _is_worth_waiting(
    target: DnsTarget,
    edits: Sequence[Edit],
    sights: Mapping[tuple[DnsServer, tuple[str, str]], Sight],
    expendable: Collection[str],
) -> bool:
    for edit in edits:
        if sights[target.writable, edit.key].status is SightStatus.CONFLICT:
            continue
        for server in target.servers:
            status = sights[server, edit.key].status
            is_gone = status is SightStatus.UNREACHABLE and server.name in expendable
            if status is not SightStatus.DONE and not is_gone:
                return True
    return False
