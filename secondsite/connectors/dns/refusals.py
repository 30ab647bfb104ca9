"""What went wrong, in an operator's words: each refusal of a server as one of our errors."""

from __future__ import annotations

import time
from typing import Any

from secondsite.connectors.dns.model import (
    DnsServer,
    DnsTarget,
    Edit,
    KerberosAccount,
    RecordSet,
)
from secondsite.connectors.dns.wire import KeyRefusedError, NoKeyError, NotSentError
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    ConflictError,
    NotStartedError,
    SiteError,
    UnknownOutcomeError,
)

__all__ = [
    "REFUSALS",
    "conflict",
    "ignored",
    "key_refused",
    "not_sent",
    "refusal",
    "unknown",
]

REFUSALS = frozenset({"FORMERR", "NOTIMP", "REFUSED", "NOTAUTH", "NOTZONE"})
"""Answers that mean: nothing was done, and asking again will not help."""


def key_refused(target: DnsTarget, server: DnsServer, exc: KeyRefusedError) -> AccessDeniedError:
    """The server did not accept the signature made with the target's key or account."""
    key = target.key
    name = key.name if key else "(none)"
    evidence: dict[str, Any] = {"server": server.name, "key": name, "rcode": exc.error}
    if exc.error == "BADTIME":
        skew = "more than 300 s"
        if exc.server_time_s is not None:
            skew_s = round(exc.server_time_s - time.time())
            evidence["server_ahead_s"] = skew_s
            skew = f"{abs(skew_s)} s {'ahead of' if skew_s > 0 else 'behind'} this machine"
            skew = f"the server's clock is {skew}"
        else:
            skew = f"the two clocks differ by {skew}"
        message = f"{server} refused {key}: {skew}"
        next_step = "Set both clocks (NTP): signatures allow 300 s of difference."
    elif isinstance(key, KerberosAccount):
        message = f"{server} agreed on a key with {key}, and did not know it a moment later"
        next_step = "Look at that server's log; if one address leads to several servers, name each."
    elif exc.error == "BADSIG":
        message = f"{server} knows {key}, but not with our secret"
        next_step = f"Compare the secret of {name} in the estate with the server's."
    else:
        algorithm = key.algorithm if key else ""
        message = f"{server} does not know {key} with algorithm {algorithm}"
        next_step = f"Add {name} to the server, or mend its name or algorithm in the estate."
    return AccessDeniedError(
        f"{message} ({exc.error}). Nothing was changed in zone {target.zone}.",
        host=server.name,
        next_step=next_step,
        evidence=evidence,
    )


def refusal(
    target: DnsTarget, server: DnsServer, rcode: str, *, names: tuple[str, ...], flaw: str = ""
) -> ActionFailedError:
    """The server answered `rcode` to an update, and did nothing."""
    what = _listed(names)
    key = str(target.key) if target.key else "an unsigned update"
    evidence = {"server": server.name, "zone": target.zone, "rcode": rcode, "flaw": flaw}
    doubt = f" (the answer was {flaw}, but the records are unchanged)" if flaw else ""

    def said(message: str) -> str:
        return f"{message}{doubt}. Nothing was changed."

    if rcode == "REFUSED":
        return AccessDeniedError(
            said(f"{server} does not let {key} change {what} in zone {target.zone}"),
            host=server.name,
            next_step=_remedy(target),
            evidence=evidence,
        )
    if rcode == "NOTAUTH":
        return AccessDeniedError(
            said(f"{server} is not authoritative for zone {target.zone}, or does not take {key}"),
            host=server.name,
            next_step="Compare zone, server and key in the estate with the server's configuration.",
            evidence=evidence,
        )
    sentences = {
        "NOTZONE": f"{server} says that {what} is not in zone {target.zone}",
        "NOTIMP": f"{server} takes no dynamic updates at all",
        "FORMERR": f"{server} did not understand the update of {what}",
        "SERVFAIL": f"{server} failed to carry out the update of {what} in zone {target.zone}",
    }
    steps = {
        "NOTZONE": "Mend the zone in the estate or the name in the plan.",
        "NOTIMP": "Change these records by hand, or choose another way to write in the estate.",
        "SERVFAIL": "Look at that server's own log (a full disk or a journal it cannot write).",
    }
    return ActionFailedError(
        said(f"{sentences.get(rcode, f'{server} refused the update of {what}')} ({rcode})"),
        host=server.name,
        next_step=steps.get(rcode, "Look at that server's own log for the reason."),
        evidence=evidence,
    )


def not_sent(target: DnsTarget, server: DnsServer, exc: NotSentError) -> SiteError:
    """The server could not be reached, or no key agreed on with it; nothing was sent."""
    if isinstance(exc, NoKeyError):
        return exc.trouble
    reason = str(exc)
    others = [other.name for other in target.servers if other != server]
    spare = f" Or write to another server of the zone: {', '.join(others)}." if others else ""
    return NotStartedError(
        f"{server} cannot be reached over TCP: {reason}. Nothing was sent to zone {target.zone}.",
        host=server.name,
        next_step=f"Start that server or mend the way to it.{spare}",
        evidence={"server": server.name, "zone": target.zone, "reason": reason},
    )


def unknown(
    target: DnsTarget, server: DnsServer, reason: str, *, names: tuple[str, ...]
) -> UnknownOutcomeError:
    """An update was sent; neither its answer nor the records tell what became of it."""
    what = _listed(names)
    return UnknownOutcomeError(
        f"{server} was sent the update of {what} in zone {target.zone}; whether it applied it "
        f"is not known: {reason}.",
        host=server.name,
        next_step=(
            f"Read {what} on {server.name}. Retrying is safe: a record that is right already is "
            "left alone, and one that somebody else changed is not overwritten."
        ),
        evidence={"server": server.name, "zone": target.zone, "reason": reason},
    )


def conflict(
    target: DnsTarget,
    server: DnsServer,
    edit: Edit,
    *,
    found: RecordSet | None,
    was_written: bool = False,
) -> ConflictError:
    """The record is neither as it was nor as it shall be: somebody else changed it."""
    ours = (
        f"our {_shown(edit.after)} was written, and replaced by somebody at once"
        if was_written
        else f"our {_shown(edit.after)} was not written"
    )
    return ConflictError(
        f"{edit.name} {edit.type} on {server}: expected {_shown(edit.before)}, found "
        f"{_shown(found)}; {ours}.",
        host=server.name,
        next_step=(
            "Find out who changed it. Set it back and retry, or set it to what it shall be and "
            "retry: then it counts as done."
        ),
        evidence={
            "name": edit.name,
            "type": edit.type,
            "zone": target.zone,
            "server": server.name,
            "expected": edit.before and edit.before.as_dict(),
            "desired": edit.after and edit.after.as_dict(),
            "found": found and found.as_dict(),
            "was_written": was_written,
        },
    )


def ignored(target: DnsTarget, server: DnsServer, edit: Edit) -> ActionFailedError:
    """The server said NOERROR and did nothing: RFC 2136 §3.4.2 has it ignore some changes."""
    return ActionFailedError(
        f"{server} accepted the update of {edit.name} {edit.type} in zone {target.zone} and did "
        f"nothing: it still holds {_shown(edit.before)}.",
        host=server.name,
        next_step="Look for another record of that name (an alias, say) that forbids this one.",
        evidence={
            "name": edit.name,
            "type": edit.type,
            "zone": target.zone,
            "server": server.name,
            "desired": edit.after and edit.after.as_dict(),
            "found": edit.before and edit.before.as_dict(),
        },
    )


def _remedy(target: DnsTarget) -> str:
    if isinstance(target.key, KerberosAccount):
        return (
            "Give the account the right to write that record (its Security page in the DNS "
            "console), or make it a member of DnsAdmins; members need a new ticket."
        )
    return (
        "Grant the key these names and types there. If this server is a secondary, name "
        "the primary first in the estate."
    )


def _shown(record_set: RecordSet | None) -> str:
    return "no record" if record_set is None else str(record_set)


def _listed(names: tuple[str, ...]) -> str:
    if len(names) <= 3:
        return ", ".join(names) or "no name"
    return f"{', '.join(names[:3])} and {len(names) - 3} more names"
