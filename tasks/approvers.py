"""Whether those who decide at a plan's gates can be reached: looked at, nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from secondsite.errors import CredentialError, SecondsiteError
from secondsite.plan.contact import fault_of_contact, is_mail_address
from secondsite.plan.estate import Estate
from secondsite.plan.hook_places import hook_places
from secondsite.plan.hooks import GateHook
from secondsite.plan.model import Plan
from secondsite.plan.notifications import NotificationTarget
from secondsite.run.finding import Finding, Severity
from tasks.context import RunContext

__all__ = ["approver_findings"]

_AREA = "approvers"


async def approver_findings(run: RunContext) -> list[Finding]:
    """What keeps those who are asked from hearing of it, or from deciding."""
    gates = [place.hook for place in hook_places(run.plan) if isinstance(place.hook, GateHook)]
    if not gates:
        return []
    targets = _telling(run.estate.notifications, run.plan, gates)
    return [
        *_contacts(run.estate, gates),
        *_codes(run, gates),
        *_untold(run.estate, run.plan, gates),
        *await _silent(run, targets),
    ]


def _contacts(estate: Estate, gates: Iterable[GateHook]) -> Iterator[Finding]:
    told: set[str] = set()
    for gate in gates:
        for name in gate.may_be_asked:
            if name.casefold() in told:
                continue
            told.add(name.casefold())
            known = estate.approver(name)
            if known is None or not known.contact:
                yield _warning(
                    f'nothing tells how to reach {name}, who decides at the gate "{gate.gate}"',
                    "write them under `approvers` in the estate, with a `contact`",
                )
            elif fault := fault_of_contact(known.contact):
                yield _warning(
                    f'the contact of {name}, "{known.contact}", {fault.partition(": ")[0]}',
                    fault.partition(": ")[2] or "mend `contact` of that approver in the estate",
                )


def _codes(run: RunContext, gates: Iterable[GateHook]) -> Iterator[Finding]:
    """Secrets of one-time codes that cannot be read: under that name nothing could be decided."""
    names = dict.fromkeys(name for gate in gates for name in gate.may_be_asked)
    for name in names:
        known = run.estate.approver(name)
        if known is None or known.totp is None:
            continue
        try:
            run.sites.secrets.account(known.totp)
        except CredentialError as error:
            yield Finding(
                severity=Severity.ERROR,
                area=_AREA,
                sentence=f"nothing can be decided under the name {name}: "
                + error.message.rstrip("."),
                remedy=error.next_step,
            )


def _untold(estate: Estate, plan: Plan, gates: Sequence[GateHook]) -> Iterator[Finding]:
    """Gates of which nobody would be told, and approvers whom no target reaches."""
    for gate in gates:
        for kind in map(str, gate.kinds):
            targets = [
                target
                for target in estate.notifications
                if target.wants(topic="gate", plan=plan.name, kind=kind)
            ]
            if not targets:
                yield _warning(
                    f'nobody is told when the gate "{gate.gate}" waits in a {kind} run: no '
                    "notification target wants to hear of it",
                    "write one under `notifications` in the estate, or widen its `events`, `plans` "
                    "or `kinds`",
                )
                break
            if not all(target.to_approvers for target in targets):
                continue  # a mailbox or a channel whose readers only people know
            mute = [name for name in gate.approvers if not _has_mail(estate, name)]
            if mute:
                yield _warning(
                    f'{", ".join(mute)} would not be told that the gate "{gate.gate}" waits: '
                    f"{' and '.join(target.name for target in targets)} writes to mail addresses "
                    "of approvers only",
                    "give them a mail address as `contact`, or add a target without `to_approvers`",
                )
                break


def _has_mail(estate: Estate, name: str) -> bool:
    known = estate.approver(name)
    return known is not None and is_mail_address(known.contact)


def _telling(
    targets: Iterable[NotificationTarget], plan: Plan, gates: Iterable[GateHook]
) -> list[NotificationTarget]:
    """Those that tell of gates of this plan."""
    kinds = {str(kind) for gate in gates for kind in gate.kinds}
    return [
        target
        for target in targets
        if any(target.wants(topic="gate", plan=plan.name, kind=kind) for kind in kinds)
    ]


async def _silent(run: RunContext, targets: Sequence[NotificationTarget]) -> list[Finding]:
    """Targets whose server does not answer, or whose URL cannot be had."""
    found = await asyncio.gather(*(asyncio.to_thread(_try, run, each) for each in targets))
    return [each for each in found if each is not None]


def _try(run: RunContext, target: NotificationTarget) -> Finding | None:
    if target.url is None:
        return None  # a block of Prefect: its server holds the URL, and only sending would tell
    from secondsite.connectors.messaging_reach import (  # noqa: PLC0415 - Apprise is large
        reach,
        server_of,
    )

    try:
        url = run.sites.secrets.notification_url(target)
        server = server_of(url)
        if server is not None:
            reach(server, timeout_s=run.estate.limits.connect_timeout.total_seconds())
    except SecondsiteError as error:
        return _warning(
            f'the notification target "{target.name}", which tells of gates, cannot be reached: '
            + error.message.rstrip("."),
            error.next_step or f"see to that server, then: secondsite notify {target.name}",
        )
    return None


def _warning(sentence: str, remedy: str) -> Finding:
    return Finding(severity=Severity.WARNING, area=_AREA, sentence=sentence, remedy=remedy)
