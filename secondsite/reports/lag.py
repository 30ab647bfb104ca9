"""Replication lag over time: as each check saw it, and as each failover came up with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from secondsite.reports.phrasing import iso_text
from secondsite.run.proof import lag_seen
from secondsite.run.record import RunRecord

__all__ = ["LagFacts", "lag_facts"]


class LagFacts(TypedDict):
    """What one check saw: how old the data of `vm`, which lagged most, was in the other site."""

    run_id: str
    at: str
    vm: str
    lag_s: float
    met: bool | None


def lag_facts(checks: Iterable[RunRecord], *, rpo_s: float | None) -> list[LagFacts]:
    """One for each check that has seen any replication, in their order."""
    found: list[LagFacts] = []
    for check in checks:
        lags_s = lag_seen(check)
        if lags_s:
            vm = max(lags_s, key=lags_s.__getitem__)
            found.append(
                {
                    "run_id": check.run_id,
                    "at": iso_text(check.created_at),
                    "vm": vm,
                    "lag_s": round(lags_s[vm], 3),
                    "met": None if rpo_s is None else lags_s[vm] <= rpo_s,
                }
            )
    return found
