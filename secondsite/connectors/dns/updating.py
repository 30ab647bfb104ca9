"""Changing records: compare-and-set in one message, read back, never over somebody else's change.

The order of things (DNS notes, §1 and §4): read; send one message whose prerequisite is the whole
former record set; read back, because NOERROR does not mean changed. When no answer came, or one
whose signature proves nothing, only the record itself tells what became of the message; sending it
again is safe, since its prerequisite no longer holds once it has been applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from secondsite.connectors.dns import refusals
from secondsite.connectors.dns.keys import connect
from secondsite.connectors.dns.messages import update_message
from secondsite.connectors.dns.model import Change, DnsTarget, Edit, RecordSet
from secondsite.connectors.dns.reading import ServerReader
from secondsite.connectors.dns.wire import (
    Answer,
    Deadline,
    KeyRefusedError,
    NotSentError,
    UnansweredError,
)
from secondsite.errors import (
    AccessDeniedError,
    ConflictError,
    NotStartedError,
    SiteError,
    UnknownOutcomeError,
    UsageError,
    WrongStateError,
)

__all__ = ["apply", "compare_and_set", "restore"]

_ATTEMPTS = 2
# 900 names with a prerequisite each were 45 KB of the possible 64 (DNS notes, §1).
_BATCH_EDITS = 500
_UNMET = frozenset({"NXRRSET", "YXRRSET", "NXDOMAIN", "YXDOMAIN"})


def compare_and_set(
    target: DnsTarget,
    *,
    expected: RecordSet | None,
    desired: RecordSet | None,
    timeout_s: float,
) -> Change:
    """Make the records `desired` if they are exactly `expected`; already `desired` is a success.

    Values are compared by the server, atomically. The TTL is compared by the look just before.

    Raises:
        ConflictError: they are something else; nothing was overwritten.
        NotStartedError: the server was not reached, or does not answer questions.
        AccessDeniedError: it refused the key or the change; nothing was changed.
        ActionFailedError: it refused for another reason, or accepted and did nothing.
        UnknownOutcomeError: it was sent the update, and what became of it cannot be told.
    """
    edit = Edit(before=expected, after=desired)
    edit.check_within(target.zone)
    with _Writer(target, timeout_s=timeout_s) as writer:
        return writer.make(edit)


def restore(
    target: DnsTarget, *, before: RecordSet | None, after: RecordSet | None, timeout_s: float
) -> Change:
    """Put `before` back if the records are still exactly `after`, which we wrote.

    Raises:
        ConflictError: somebody changed them since; `evidence` holds all three values. Further as
            `compare_and_set`.
    """
    return compare_and_set(target, expected=after, desired=before, timeout_s=timeout_s)


def apply(
    target: DnsTarget, edits: Sequence[Edit], *, timeout_s: float
) -> Mapping[tuple[str, str], Change | SiteError]:
    """Make many edits in few messages; per (name, type) what came out.

    A message is applied whole or not at all. When one is refused, its edits are made one by one, so
    that a conflict of one never stops the others. An error of the server as a whole (dead, key not
    accepted) is every edit's result.

    Raises:
        UsageError: a name is outside the zone, or edited twice; nothing was sent.
    """
    by_key = {edit.key: edit for edit in edits}
    if len(by_key) < len(edits):
        raise UsageError(
            "one record set is edited twice in one go", next_step="Merge the two edits into one."
        )
    for edit in edits:
        edit.check_within(target.zone)
    results: dict[tuple[str, str], Change | SiteError] = {}
    with _Writer(target, timeout_s=timeout_s) as writer:
        for start in range(0, len(edits), _BATCH_EDITS):
            results |= writer.make_all(edits[start : start + _BATCH_EDITS])
    return {key: results[key] for key in by_key}


@dataclass(frozen=True, slots=True)
class _Sent:
    """What is known of a message that was sent.

    Attributes:
        is_applied: The server said so.
        is_unmet: It said that a prerequisite does not hold.
        doubt: Otherwise: why its outcome is not known.
        rcode: What it said, whether or not that can be trusted.
        flaw: Why the answer's signature proves nothing; empty if it does.
    """

    is_applied: bool = False
    is_unmet: bool = False
    doubt: str = ""
    rcode: str = ""
    flaw: str = ""


class _Writer:
    """One operation against the update server of a target: one connection, one deadline."""

    def __init__(self, target: DnsTarget, *, timeout_s: float) -> None:
        self._target = target
        self._deadline = Deadline(timeout_s)
        self._connection = connect(target, target.writable)
        self._reader = ServerReader(target, self._connection, self._deadline)

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.__exit__()

    def make(self, edit: Edit, *, earlier: _Sent | None = None) -> Change:
        """Make one edit; as `compare_and_set`.

        Args:
            edit: What to do.
            earlier: A message that held this edit too, and may yet be carried out.
        """
        sent = earlier or _Sent()
        was_in_doubt = bool(sent.doubt)
        found = self._read_back([edit], sent, was_in_doubt=was_in_doubt)[edit.key]
        for _ in range(_ATTEMPTS):
            if found == edit.after:
                return self._change(edit, how="settled" if was_in_doubt else "already")
            if found != edit.before:
                raise self._conflict(edit, found)
            sent = self._send([edit], was_in_doubt=was_in_doubt)
            was_in_doubt = was_in_doubt or bool(sent.doubt)
            found = self._read_back([edit], sent, was_in_doubt=was_in_doubt)[edit.key]
            if found == edit.after:
                return self._change(edit, how=_how(sent, was_in_doubt=was_in_doubt))
            if sent.is_applied:
                if found == edit.before:
                    raise refusals.ignored(self._target, self._target.writable, edit)
                raise self._conflict(edit, found, was_written=True)
            if found == edit.before and sent.rcode in refusals.REFUSALS:
                raise self._refusal([edit], sent)
        if found != edit.before:
            raise self._conflict(edit, found)
        if sent.rcode == "SERVFAIL" or not was_in_doubt:
            raise self._refusal([edit], sent)
        reason = sent.doubt or f"it then answered {sent.rcode}"
        raise refusals.unknown(self._target, self._target.writable, reason, names=(edit.name,))

    def make_all(self, edits: Sequence[Edit]) -> dict[tuple[str, str], Change | SiteError]:
        """Make many edits, in one message if possible."""
        results: dict[tuple[str, str], Change | SiteError] = {}
        sent = _Sent()
        try:
            pending = list(self._sift(edits, results))
            if len(pending) > 1:
                sent = self._send(pending, was_in_doubt=False)
                pending = self._take_stock(pending, sent, results)
        except SiteError as error:  # the server as a whole
            return {edit.key: results.get(edit.key, error) for edit in edits}
        for index, edit in enumerate(pending):
            try:
                results[edit.key] = self.make(edit, earlier=sent)
            except (NotStartedError, AccessDeniedError, UnknownOutcomeError) as error:
                results[edit.key] = error
                if _is_about_server(error):
                    results |= {later.key: error for later in pending[index + 1 :]}
                    break
            except SiteError as error:
                results[edit.key] = error
        return results

    def _sift(
        self, edits: Sequence[Edit], results: dict[tuple[str, str], Change | SiteError]
    ) -> Iterator[Edit]:
        """The edits that need a message; the others get their result."""
        for edit in edits:
            try:
                found = self._reader.read(edit.name, edit.type)
            except (NotStartedError, AccessDeniedError):
                raise
            except SiteError as error:
                results[edit.key] = error
                continue
            if found == edit.after:
                results[edit.key] = self._change(edit, how="already")
            elif found != edit.before:
                results[edit.key] = self._conflict(edit, found)
            else:
                yield edit

    def _take_stock(
        self, edits: list[Edit], sent: _Sent, results: dict[tuple[str, str], Change | SiteError]
    ) -> list[Edit]:
        """What became of `edits`, sent in one message; gives those to be tried one by one."""
        if sent.is_unmet or (sent.rcode in refusals.REFUSALS and not sent.doubt):
            return edits
        found = self._read_back(edits, sent, was_in_doubt=bool(sent.doubt))
        left = []
        for edit in edits:
            if found[edit.key] == edit.after:
                how = _how(sent, was_in_doubt=bool(sent.doubt))
                results[edit.key] = self._change(edit, how=how)
            elif sent.is_applied and found[edit.key] == edit.before:
                results[edit.key] = refusals.ignored(self._target, self._target.writable, edit)
            elif sent.is_applied:
                results[edit.key] = self._conflict(edit, found[edit.key], was_written=True)
            else:
                left.append(edit)
        return left

    def _send(self, edits: Sequence[Edit], *, was_in_doubt: bool) -> _Sent:
        """Send one message; raises where nothing was done and sending again would not help."""
        server = self._target.writable
        names = tuple(edit.name for edit in edits)
        message = update_message(self._target, edits)
        try:
            answer = self._connection.exchange(message, timeout_s=self._deadline.exchange_s())
        except NotSentError as exc:
            if was_in_doubt:  # an earlier message of ours may still be carried out
                raise refusals.unknown(self._target, server, str(exc), names=names) from exc
            raise refusals.not_sent(self._target, server, exc) from exc
        except KeyRefusedError as exc:
            if exc.error == "BADKEY" and self._reader.is_proven:
                # The key is known: it signed the reading. Knot 3.2 says BADKEY for "may not".
                return _Sent(rcode="REFUSED")
            if was_in_doubt:
                return _Sent(doubt=f"it then refused our signature ({exc.error})")
            raise refusals.key_refused(self._target, server, exc) from exc
        except UnansweredError as exc:
            return _Sent(doubt=str(exc))
        return _sent(answer)

    def _read_back(
        self, edits: Sequence[Edit], sent: _Sent, *, was_in_doubt: bool
    ) -> dict[tuple[str, str], RecordSet | None]:
        try:
            return {edit.key: self._reader.read(edit.name, edit.type) for edit in edits}
        except WrongStateError:
            raise  # an alias is there: that is an answer, not a doubt
        except SiteError as exc:
            if not (was_in_doubt or sent.is_applied):
                raise
            doubt = sent.doubt or "it said so, but the records cannot be read back"
            raise refusals.unknown(
                self._target,
                self._target.writable,
                f"{doubt}; then: {exc.message.rstrip('.')}",
                names=tuple(edit.name for edit in edits),
            ) from exc

    def _change(self, edit: Edit, *, how: str) -> Change:
        return Change(
            before=edit.before,
            after=edit.after,
            changed=how != "already",
            how=how,
            zone=self._target.zone,
            server=self._target.writable.name,
        )

    def _conflict(
        self, edit: Edit, found: RecordSet | None, *, was_written: bool = False
    ) -> ConflictError:
        return refusals.conflict(
            self._target, self._target.writable, edit, found=found, was_written=was_written
        )

    def _refusal(self, edits: Sequence[Edit], sent: _Sent) -> SiteError:
        return refusals.refusal(
            self._target,
            self._target.writable,
            sent.rcode,
            names=tuple(edit.name for edit in edits),
            flaw=sent.flaw,
        )


def _sent(answer: Answer) -> _Sent:
    rcode = answer.rcode
    if not answer.is_trusted:
        doubt = f"its answer ({rcode}) was {answer.flaw}"
        return _Sent(doubt=doubt, rcode=rcode, flaw=answer.flaw)
    if rcode == "NOERROR":
        return _Sent(is_applied=True, rcode=rcode)
    if rcode in _UNMET:
        return _Sent(is_unmet=True, rcode=rcode)
    if rcode == "SERVFAIL":
        return _Sent(doubt="it answered SERVFAIL", rcode=rcode)
    return _Sent(rcode=rcode)


def _how(sent: _Sent, *, was_in_doubt: bool) -> str:
    if sent.is_applied:
        return "answered"
    # A prerequisite that failed because somebody else wrote the same: nothing was left to do.
    return "settled" if was_in_doubt else "already"


def _is_about_server(error: SiteError) -> bool:
    """Whether other names would meet the same: the server is away, or does not take the key."""
    return isinstance(error, NotStartedError | UnknownOutcomeError) or "key" in error.evidence
