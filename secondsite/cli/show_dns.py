"""What `secondsite show --dns` adds: each DNS record as it is, and as a failover would make it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from secondsite.errors import UsageError
from secondsite.graph import Operation
from secondsite.plan.model import Direction, Plan
from secondsite.run.record import RunRecord

__all__ = ["ask_dns", "dns_diff"]

_ON_DNS = tuple(
    str(each)
    for each in (
        *(Operation.PLANNED, Operation.UNPLANNED, Operation.UNDO, Operation.COMMIT),
        *(Operation.PREPARE_DNS, Operation.ROLLBACK_DNS),
    )
)
_MOST = 50
"""How many runs of the plan are read for what they made of DNS."""


def ask_dns(
    plan: Plan, file: Path, operation: Operation, direction: Direction
) -> Sequence[dict[str, Any]]:
    """The record sets that a failover would change, asked of the DNS servers; reads only.

    Raises:
        UsageError: the operation is no failover.
        UnreachableError: the estate is that of a lab which is not up.
    """
    if operation.failover_kind is None:
        raise UsageError(
            f"A {operation} takes back or keeps what a failover made of DNS: there is no diff.",
            next_step="Use --dns with --kind test, planned or unplanned.",
        )
    from flows.dns_outlook import dns_outlook
    from secondsite.home import journal_url
    from secondsite.plan.loader import load_estate
    from secondsite.run.history import runs_of
    from secondsite.run.journal import Journal

    estate = load_estate(file.parent, resolve=True)
    history: Sequence[RunRecord] = ()
    if Journal.exists(journal_url()):
        with Journal.open(journal_url()) as journal:
            history = runs_of(journal, plan.name, operations=_ON_DNS, most=_MOST)
    return asyncio.run(
        dns_outlook(plan, estate, operation=operation, direction=direction, history=history)
    )


def dns_diff(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The lines that a person sees."""
    from secondsite.reports.dns_alone import outlook_lines

    yield ""
    yield "DNS, as its servers hold it now:" if rows else "DNS: no VM of the plan has a name."
    for line in outlook_lines(rows):
        yield f"  {line}"
