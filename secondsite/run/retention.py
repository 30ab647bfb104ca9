"""Which runs are old enough to be removed from the journal, and which are kept whatever their age.

Pure. What a plan still needs is kept: unfinished runs, and the newest run of each operation, from
which a clean-up or an undo learns what to put back and in which a plan's standing is proved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from secondsite.errors import RefusedError
from secondsite.run.journal import RunSummary

__all__ = ["refuse_too_young", "removable"]


def refuse_too_young(*, older_than: timedelta, retention: timedelta) -> None:
    """Refuse to remove what the estate says is to be kept.

    Raises:
        RefusedError: `older_than` is shorter than `retention`.
    """
    if older_than < retention:
        raise RefusedError(
            [
                f"the estate keeps every run for {_days(retention)}, and this would remove runs "
                f"that ended {_days(older_than)} ago"
            ],
            next_step="Nothing was removed. Give a longer --older-than, or none.",
        )


def removable(
    runs: Iterable[RunSummary], *, now: datetime, older_than: timedelta
) -> Sequence[RunSummary]:
    """Those of `runs` that ended longer ago than `older_than` and that no plan needs any more.

    Args:
        runs: All runs of the journal, the newest first.
        now: Aware UTC.
        older_than: Since their end.
    """
    seen: set[tuple[str, str]] = set()
    old: list[RunSummary] = []
    for run in runs:
        key = (run.plan, run.operation)
        is_newest = key not in seen
        seen.add(key)
        if not is_newest and run.ended_at is not None and now - run.ended_at > older_than:
            old.append(run)
    return old


def _days(length: timedelta) -> str:
    days = length / timedelta(days=1)
    return f"{days:g} days"
