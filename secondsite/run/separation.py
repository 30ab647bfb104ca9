"""Separation of duties: whoever started a run does not count at its gates. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from secondsite.plan.estate import Estate

__all__ = ["is_among", "names_of_starter"]


def names_of_starter(estate: Estate, requested_by: str) -> tuple[str, ...]:
    """Every name under which whoever started a run would decide.

    A terminal tells `tanaka@dr-engine-1`; that is also whoever is named `tanaka`, and every
    approver who has such an account.
    """
    starter = requested_by.strip()
    names = dict.fromkeys([starter, starter.partition("@")[0]])
    for approver in estate.approvers:
        own = (approver.name, *approver.accounts)
        if any(is_among(each, names) for each in own):
            names |= dict.fromkeys(own)
    return tuple(name for name in names if name)


def is_among(name: str, names: Iterable[str]) -> bool:
    """Whether `name` is one of `names`, whatever its case."""
    wanted = name.strip().casefold()
    return any(wanted == each.casefold() for each in names)
