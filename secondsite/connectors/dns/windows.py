"""Windows DNS through WinRM: the same promises as RFC 2136 gives, as far as the cmdlets allow.

Weaker in one point: nothing makes comparing and setting one action. Each single record is set only
if it is still as it was read (`-OldInputObject`); between the look at the whole set and that, a
value that somebody else adds is not overwritten, but found by the look afterwards and told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from secondsite.connectors.causes import read_cause, site_error
from secondsite.connectors.dns import refusals
from secondsite.connectors.dns.model import Change, DnsTarget, Edit, RecordSet
from secondsite.connectors.dns.names import canonical_name
from secondsite.connectors.dns.preflight import Finding, Severity, server_findings
from secondsite.connectors.dns.verification import (
    Sight,
    SightStatus,
    Verification,
    verify,
)
from secondsite.connectors.outcomes import read_items, read_object, rows_by_vm
from secondsite.connectors.scriptlane import Json, Script, ScriptLane
from secondsite.errors import (
    SecondsiteError,
    SiteError,
    UnknownOutcomeError,
    UsageError,
    WrongStateError,
)

__all__ = ["WindowsWay"]

_BATCH_EDITS = 100


@cache
def _script(name: str) -> Script:
    return Script.from_package("secondsite.connectors.dns", f"scripts/{name}.ps1")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsWay:
    """One zone of a Windows DNS server, changed by its cmdlets and read back by DNS.

    Attributes:
        target: The zone and every server that answers for it; its key is not used.
        lane: A connection to the server that takes changes.
        server: That server's name.
        scope: Zone scope; None for the zone's own content. A scope is read back by the cmdlets and
            on that server only, because what other servers answer depends on who asks.
    """

    target: DnsTarget
    lane: ScriptLane
    server: str
    scope: str | None = None

    def read_many(
        self, wanted: Sequence[tuple[str, str]], *, timeout_s: float
    ) -> Mapping[tuple[str, str], RecordSet | SiteError | None]:
        """The records of each (name, type) on the server; one failure does not stop the others."""
        rows: list[Json] = [
            {"key": f"{index}", "name": self._relative(name)}
            for index, (name, _) in enumerate(wanted)
        ]
        answer = self._call("read_records", {"Wanted": rows}, timeout_s=timeout_s)
        found = rows_by_vm(answer, host=self.server)
        return {
            (name, kind): self._read(found.get(f"{index}"), canonical_name(name), kind.upper())
            for index, (name, kind) in enumerate(wanted)
        }

    def apply(
        self, edits: Sequence[Edit], *, timeout_s: float
    ) -> Mapping[tuple[str, str], Change | SiteError]:
        """Make each edit whose record set is as it must be found; per (name, type) what came."""
        if len({edit.key for edit in edits}) < len(edits):
            raise UsageError(
                "one record set is edited twice in one go",
                next_step="Merge the two edits into one.",
            )
        for edit in edits:
            edit.check_within(self.target.zone)
        results: dict[tuple[str, str], Change | SiteError] = {}
        for start in range(0, len(edits), _BATCH_EDITS):
            batch = edits[start : start + _BATCH_EDITS]
            try:
                results |= self._apply(batch, timeout_s=timeout_s)
            except UnknownOutcomeError as error:
                results |= self._settle(batch, error, timeout_s=timeout_s)
        return results

    def verify(
        self,
        edits: Sequence[Edit],
        *,
        timeout_s: float,
        left_out: Collection[str] = (),
        expendable: Collection[str] = (),
    ) -> tuple[Verification, ...]:
        """How every server answers; for a scope, what the server itself holds."""
        if self.scope is None:
            asked = self._asked.without(left_out)
            return verify(asked, edits, timeout_s=timeout_s, expendable=expendable)
        try:
            found = self.read_many([edit.key for edit in edits], timeout_s=timeout_s)
        except SiteError as error:
            found = dict.fromkeys((edit.key for edit in edits), error)
        return tuple(self._seen(edit, found[edit.key]) for edit in edits)

    def preflight(
        self,
        records: Sequence[tuple[str, str]],
        *,
        timeout_s: float,
        left_out: Collection[str] = (),
    ) -> Sequence[Finding]:
        """Servers that do not answer, and a zone that this server cannot change.

        Whether the account may change a record shows only when it does.
        """
        share_s = timeout_s / 2
        findings = [
            replace(each, severity=Severity.WARNING)
            for each in server_findings(self._asked.without(left_out), timeout_s=share_s)[0]
        ]
        try:
            answer = self._call("read_records", {"Wanted": []}, timeout_s=share_s)
        except SecondsiteError as error:
            return [*findings, self._finding(error.message, error.next_step)]
        zone = read_object(answer, host=self.server)
        if zone["zone_error"]:
            trouble = site_error(
                read_cause(zone["zone_error"]),
                host=self.server,
                action=f"find zone {self.target.zone}",
                is_changed=False,
            )
            findings.append(self._finding(trouble.message, trouble.next_step))
        elif zone["is_read_only"] or zone["zone_type"] != "Primary":
            findings.append(
                self._finding(
                    f"{self.server} holds zone {self.target.zone} as {zone['zone_type']}, and "
                    "cannot change it.",
                    "Name a server with the primary zone under `winrm` in the estate.",
                )
            )
        return findings

    @property
    def _asked(self) -> DnsTarget:
        """The target for questions: Windows' servers need no key for them."""
        return replace(self.target, key=None)

    def _apply(
        self, edits: Sequence[Edit], *, timeout_s: float
    ) -> dict[tuple[str, str], Change | SiteError]:
        rows: list[Json] = [
            {
                "key": f"{index}",
                "name": self._relative(edit.name),
                "type": edit.type,
                "before": _side(edit.before),
                "after": _side(edit.after),
            }
            for index, edit in enumerate(edits)
        ]
        answer = self._call("set_records", {"Edits": rows}, timeout_s=timeout_s)
        found = rows_by_vm(answer, host=self.server)
        return {
            edit.key: self._outcome(edit, found.get(f"{index}")) for index, edit in enumerate(edits)
        }

    def _outcome(self, edit: Edit, row: Mapping[str, Any] | None) -> Change | SiteError:
        if row is None:
            return refusals.unknown(
                self.target,
                self.target.writable,
                "its answer says nothing of it",
                names=(edit.name,),
            )
        evidence = row.get("evidence") or {}
        outcome, changed = evidence.get("outcome"), row.get("changed") is True
        if row.get("ok") is True and outcome in ("done", "already"):
            return self._change(edit, how="already" if not changed else "answered")
        found = _record_set(edit.name, edit.type, evidence.get("found"))
        if outcome == "conflict":
            return refusals.conflict(
                self.target, self.target.writable, edit, found=found, was_written=changed
            )
        if outcome == "ignored":
            return refusals.ignored(self.target, self.target.writable, edit)
        return site_error(
            read_cause(row.get("error") or {}),
            host=self.server,
            vm=edit.name,
            action=f"change its {edit.type} records",
            is_changed=changed,
            evidence={"name": edit.name, "type": edit.type, "zone": self.target.zone},
        )

    def _settle(
        self, edits: Sequence[Edit], error: UnknownOutcomeError, *, timeout_s: float
    ) -> dict[tuple[str, str], Change | SiteError]:
        """No answer came: what the records are now tells what became of each edit."""
        try:
            found = self.read_many([edit.key for edit in edits], timeout_s=timeout_s)
        except SiteError:
            return {edit.key: error for edit in edits}
        left = [edit for edit in edits if found[edit.key] == edit.before != edit.after]
        results: dict[tuple[str, str], Change | SiteError] = {}
        for edit in edits:
            now = found[edit.key]
            if isinstance(now, SiteError):
                results[edit.key] = now
            elif now == edit.after:
                results[edit.key] = self._change(edit, how="settled")
            elif edit not in left:
                results[edit.key] = refusals.conflict(
                    self.target, self.target.writable, edit, found=now, was_written=False
                )
        if left:
            try:
                results |= self._apply(left, timeout_s=timeout_s)
            except UnknownOutcomeError as again:
                results |= dict.fromkeys((edit.key for edit in left), again)
        return results

    def _read(
        self, row: Mapping[str, Any] | None, name: str, kind: str
    ) -> RecordSet | SiteError | None:
        if row is None or row.get("ok") is not True:
            return site_error(
                read_cause((row or {}).get("error") or {}),
                host=self.server,
                vm=name,
                action="read its records",
                is_changed=False,
                evidence={"name": name},
            )
        records = read_items((row.get("evidence") or {}).get("records"))
        aliases = [each["value"] for each in records if each["type"] == "CNAME"]
        if aliases and kind != "CNAME":
            aim = canonical_name(str(aliases[0]))
            return WrongStateError(
                f"{name} on {self.server} is an alias (CNAME) of {aim}: it has no {kind} record of "
                "its own, and cannot get one. Nothing was changed.",
                host=self.server,
                next_step=f"Name {aim} in the plan, or remove the alias.",
                evidence={"name": name, "alias_of": aim, "server": self.server},
            )
        return _record_set(name, kind, [each for each in records if each["type"] == kind])

    def _seen(self, edit: Edit, found: RecordSet | SiteError | None) -> Verification:
        if isinstance(found, SiteError):
            status, shown, detail = SightStatus.UNREACHABLE, None, found.message.rstrip(".")
        else:
            is_right = found == edit.after
            status = SightStatus.DONE if is_right else SightStatus.CONFLICT
            shown, detail = found, f"holds {found or 'no record'} in scope {self.scope}"
        sight = Sight(server=self.server, status=status, found=shown, detail=detail)
        return Verification(name=edit.name, type=edit.type, desired=edit.after, sights=(sight,))

    def _change(self, edit: Edit, *, how: str) -> Change:
        return Change(
            before=edit.before,
            after=edit.after,
            changed=how != "already",
            how=how,
            zone=self.target.zone,
            server=self.server,
        )

    def _finding(self, sentence: str, remedy: str) -> Finding:
        return Finding(
            severity=Severity.ERROR,
            zone=self.target.zone,
            server=self.server,
            sentence=sentence,
            remedy=remedy,
        )

    def _relative(self, name: str) -> str:
        name = canonical_name(name)
        if name == self.target.zone:
            return "@"
        return name.removesuffix(f".{self.target.zone}")

    def _call(self, script: str, parameters: Mapping[str, Json], *, timeout_s: float) -> Any:
        given: dict[str, Json] = {"ZoneName": self.target.zone, "ZoneScope": self.scope}
        return self.lane.call(_script(script), {**given, **parameters}, timeout_s=timeout_s)


def _side(records: RecordSet | None) -> Json:
    if records is None:
        return None
    return {"ttl_s": records.ttl_s, "values": list(records.values)}


def _record_set(name: str, kind: str, records: Iterable[Any] | None) -> RecordSet | None:
    found = read_items(records)
    if not found:
        return None
    return RecordSet(
        name=name,
        type=kind,
        ttl_s=min(int(each["ttl_s"]) for each in found),
        values=tuple(str(each["value"]) for each in found),
    )
