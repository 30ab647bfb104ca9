"""What a run that changed DNS alone has done, record by record, in lines for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from secondsite.run.record import RunRecord

__all__ = ["dns_lines"]


def dns_lines(record: RunRecord) -> Iterator[str]:
    """A line for each record set that the run changed, or could not change."""
    for step in record.steps:
        for row in step.evidence.get("dns", ()):
            yield _line(row)


def _line(row: Mapping[str, Any]) -> str:
    name = f"{row['name']} {row['type']} ({row['target']})"
    if trouble := row.get("trouble"):
        return f"✗ {name}: {trouble}"
    before, after = _say(row.get("before")), _say(row.get("after"))
    if not row.get("changed"):
        return f"· {name}: {after} already"
    return f"✓ {name}: {before} → {after}"


def _say(side: Mapping[str, Any] | None) -> str:
    if not side:
        return "no record"
    return f"{', '.join(side['values'])} (TTL {side['ttl_s']} s)"
