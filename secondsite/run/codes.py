"""One-time codes (TOTP, RFC 6238) that prove who decides. Pure: what was given is in the journal.

A code holds for its 30 seconds and the 30 before and after, because no two clocks agree. It counts
once: neither it nor an older one is accepted after it (RFC 6238 §5.2).
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from pydantic import SecretStr

from secondsite.errors import CredentialError
from secondsite.plan.credentials import Secrets
from secondsite.plan.estate import Estate
from secondsite.run.events import CodeGiven

__all__ = [
    "MOST_WRONG",
    "CodeRule",
    "CodeVerdict",
    "check_code",
    "needing_code",
    "rule_for",
    "with_code",
]

MOST_WRONG = 5
"""So many wrong codes in a row lock an approver."""

_PERIOD_S = 30
_PERIODS_OFF = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRule:
    """What an approver must prove.

    Attributes:
        approver: As the estate writes the name.
        secret: Base32, as authenticator apps take it; None where it cannot be had.
        trouble: Why it cannot be had.
        lock_for: How long five wrong codes in a row lock the approver.
    """

    approver: str
    secret: SecretStr | None
    lock_for: timedelta
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeVerdict:
    """What came of a code.

    Attributes:
        reason: Why it does not count, in words; empty if it does.
        given: What the journal is to keep of it; None of what was not compared at all.
    """

    reason: str = ""
    given: CodeGiven | None = None


def with_code(estate: Estate) -> tuple[str, ...]:
    """The approvers under whose name nothing is decided without a code."""
    return tuple(each.name for each in estate.approvers if each.totp is not None)


def needing_code(approvers: Iterable[str], estate: Estate) -> tuple[str, ...]:
    """Those of `approvers` who prove with a code who they are; of everybody, where none is named.

    Args:
        approvers: Who may decide; none: anybody.
        estate: Says who has a secret.
    """
    allowed = {name.casefold() for name in approvers}
    return tuple(name for name in with_code(estate) if not allowed or name.casefold() in allowed)


def rule_for(estate: Estate, secrets: Secrets, name: str) -> CodeRule | None:
    """What somebody must prove who decides under `name`; None if nothing."""
    approver = estate.approver(name)
    if approver is None or approver.totp is None:
        return None
    secret, trouble = None, ""
    try:
        secret = secrets.account(approver.totp).password
        _totp(secret)
    except CredentialError as error:
        trouble = f"{error.message} {error.next_step}"
    except (binascii.Error, ValueError):
        secret = None
        trouble = (
            f'the secret of credential "{approver.totp}" is no secret for one-time codes: '
            "write at least 112 bits in base32 (23 letters and digits or more)."
        )
    return CodeRule(
        approver=approver.name, secret=secret, lock_for=estate.approver_lock, trouble=trouble
    )


def check_code(
    code: str,
    rule: CodeRule,
    *,
    earlier: Iterable[CodeGiven],
    via: str,
    step: str,
    now: datetime,
) -> CodeVerdict:
    """Whether `code` proves that the approver decides.

    Args:
        code: As a person typed it; blanks in it do not count.
        rule: What is to be proved.
        earlier: Every code that any run's journal tells of, oldest first.
        via: The door it came by: `ui` or `cli`.
        step: What it is about.
        now: The codes around this time hold.
    """
    name = rule.approver
    typed = "".join(code.split())
    mine = [each for each in earlier if each.by.casefold() == name.casefold()]
    locked_until = max((each.locked_until for each in mine if each.locked_until), default=None)
    if locked_until is not None and now < locked_until:
        return CodeVerdict(
            reason=f"{MOST_WRONG} wrong codes in a row were given for {name}, who is locked until "
            f"{locked_until:%Y-%m-%d %H:%M:%S} UTC. Was it not {name}? Somebody is guessing."
        )
    if rule.secret is None:
        return CodeVerdict(
            reason=f"{name} needs a one-time code, and none can be checked: {rule.trouble}"
        )
    if not typed:
        return CodeVerdict(
            reason=f"{name} decides with a one-time code only: give the one that "
            "the authenticator app shows."
        )
    period = _period_of(typed, rule.secret, now=now)
    if period is None:
        return _wrong(rule, mine, via=via, step=step, now=now)
    if any(each.period is not None and each.period >= period for each in mine):
        return CodeVerdict(
            reason=f"This code of {name}, or a newer one, was used already: wait for the next."
        )
    return CodeVerdict(given=CodeGiven(at=now, by=name, via=via, step=step, period=period))


def _period_of(code: str, secret: SecretStr, *, now: datetime) -> int | None:
    totp = _totp(secret)
    current = int(now.timestamp()) // _PERIOD_S
    found = None
    for period in range(current - _PERIODS_OFF, current + _PERIODS_OFF + 1):
        if pyotp.utils.strings_equal(code, totp.at(period * _PERIOD_S)):
            found = period
    return found


def _totp(secret: SecretStr) -> pyotp.TOTP:
    """The codes of a secret, however it is written: in groups, in small letters.

    Raises:
        ValueError: it is not base32, or too short to be safe.
    """
    return pyotp.TOTP("".join(secret.get_secret_value().split()), interval=_PERIOD_S)


def _wrong(
    rule: CodeRule, mine: list[CodeGiven], *, via: str, step: str, now: datetime
) -> CodeVerdict:
    in_a_row = 1
    for each in reversed(mine):
        if each.period is not None or each.locked_until is not None:
            break
        in_a_row += 1
    locked_until = now + rule.lock_for if in_a_row >= MOST_WRONG else None
    given = CodeGiven(at=now, by=rule.approver, via=via, step=step, locked_until=locked_until)
    if locked_until is not None:
        return CodeVerdict(
            reason=f"Wrong code, the {in_a_row}th in a row: {rule.approver} is locked until "
            f"{locked_until:%Y-%m-%d %H:%M:%S} UTC.",
            given=given,
        )
    left = MOST_WRONG - in_a_row
    more = "one more locks" if left == 1 else f"{left} more lock"
    return CodeVerdict(reason=f"Wrong code; {more} {rule.approver}.", given=given)
