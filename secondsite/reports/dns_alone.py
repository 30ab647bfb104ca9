"""What a run that changed DNS alone has done, record by record, in lines for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from secondsite.run.record import RunRecord

__all__ = ["dns_lines", "outlook_lines"]


def dns_lines(record: RunRecord) -> Iterator[str]:
    """A line for each record set that the run changed, or could not change."""
    for step in record.steps:
        for row in step.evidence.get("dns", ()):
            yield _line(row)


def outlook_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each record set that a failover would change, or could not."""
    for row in rows:
        if trouble := row.get("trouble"):
            yield f"✗ {row['vm']}: {trouble}"
            continue
        before, after = _say(row["before"]), row.get("address") or _say(row["after"])
        sign = "·" if row["before"] == row["after"] else "→"
        name = f"{row['name']} {row['type']} ({row['target']})"
        yield f"{sign} {row['vm']}: {name}: {before}{' already' if sign == '·' else f' → {after}'}"


def _line(row: Mapping[str, Any]) -> str:
    name = f"{row['name']} {row['type']} ({row['target']})"
    if trouble := row.get("trouble"):
        return f"✗ {name}: {trouble}"
    before, after = _say(row.get("before")), _say(row.get("after"))
    if not row.get("changed"):
        return f"· {name}: {after} already"
    if (ttls := _ttls(row.get("before"), row.get("after"))) is not None:
        return f"✓ {name}: {ttls}"
    return f"✓ {name}: {before} → {after}"


def _ttls(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str | None:
    """Of a change of the TTL alone."""
    if not before or not after or before["values"] != after["values"]:
        return None
    stays = ", ".join(before["values"])
    return f"TTL {before['ttl_s']} s → {after['ttl_s']} s; it leads to {stays} as before"


def _say(side: Mapping[str, Any] | None) -> str:
    if not side:
        return "no record"
    return f"{', '.join(side['values'])} (TTL {side['ttl_s']} s)"
