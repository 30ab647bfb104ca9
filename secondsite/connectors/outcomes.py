"""The answers of our action scripts: `{results: [{vm, ok, changed, evidence, error}]}`. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from secondsite.connectors.base import ActionResult, Outcomes
from secondsite.connectors.causes import read_cause, site_error
from secondsite.errors import SiteError, UnknownOutcomeError

__all__ = ["read_items", "read_object", "read_outcome", "read_outcomes", "rows_by_vm"]


def read_object(answer: Any, *, host: str) -> Mapping[str, Any]:
    """The one object that a script answers with.

    Raises:
        UnknownOutcomeError: it is something else, so what was done cannot be told.
    """
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError:
            answer = None
    if not isinstance(answer, Mapping):
        raise UnknownOutcomeError(
            f"{host}: the answer is not what our script writes; what was done cannot be told.",
            host=host,
            next_step="Look whether something else writes into PowerShell's output on that server"
            " (profiles, modules), then retry: the state is read first.",
        )
    return answer


def read_items(value: Any) -> tuple[Any, ...]:
    """A list; Windows PowerShell may have unrolled one of one element, or left out an empty one."""
    if value is None:
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(value)
    return (value,)


def rows_by_vm(answer: Any, *, host: str) -> dict[str, Mapping[str, Any]]:
    """Result rows by VM name."""
    rows = read_items(read_object(answer, host=host).get("results"))
    return {str(row["vm"]): row for row in rows if isinstance(row, Mapping) and "vm" in row}


def read_outcome(
    row: Mapping[str, Any] | None, *, host: str, vm: str, action: str
) -> ActionResult | SiteError:
    """One VM's row as what came out; a VM without a row is one whose outcome is unknown."""
    if row is None:
        return UnknownOutcomeError(
            f"{vm} on {host}: no answer whether it was possible to {action}.",
            host=host,
            vm=vm,
            next_step="Retry: the state is read first, and nothing is done twice.",
        )
    evidence = dict(row.get("evidence") or {})
    is_changed = row.get("changed") is True
    if row.get("ok") is True:
        return ActionResult(changed=is_changed, evidence=evidence)
    return site_error(
        read_cause(row.get("error") or {}),
        host=host,
        vm=vm,
        action=action,
        is_changed=is_changed,
        evidence=evidence,
    )


def read_outcomes(answer: Any, *, host: str, vms: Iterable[str], action: str) -> Outcomes:
    """What came out per VM, for every VM that was asked for."""
    rows = rows_by_vm(answer, host=host)
    return {vm: read_outcome(rows.get(vm), host=host, vm=vm, action=action) for vm in vms}
