"""What the runs of a plan have made of DNS, as their journals tell. Pure.

A change is a plain mapping as notes hold it: `{target, zone, name, type, before, after}`, the last
two None or a record set. Where a TTL was prepared it also has `former_ttl_s`, which `before` would
have otherwise, and `final_ttl_s`, which `after` shall have in the end. It was written before the
change was made, so it may not have come true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from secondsite.run.leftovers import dns_changes_noted
from secondsite.run.record import RunRecord
from secondsite.run.states import StepState

__all__ = [
    "ROLLED_BACK",
    "Change",
    "Key",
    "Preparation",
    "changes_of",
    "dns_of_failover",
    "final_ttls",
    "former_changes",
    "had_part",
    "key_of",
    "preparations",
]

Change = Mapping[str, Any]
Key = tuple[str, str, str, str]
"""Target, zone, name and type."""

ROLLED_BACK = "of_run"
"""Name, among a run's parameters, of the run whose DNS changes it takes back."""

_ENDS_A_FAILOVER = frozenset({"commit", "reverse", "restore-dns"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """A TTL that was lowered ahead of a failover and not raised again.

    Attributes:
        ttl_s: What it was before.
        lowered_ttl_s: What it was lowered to.
        over_at: When whoever had asked before has forgotten the old answer.
    """

    change: Change
    vm: str
    run_id: str
    ttl_s: int
    lowered_ttl_s: int
    over_at: datetime


def key_of(change: Change) -> Key:
    """What tells one record set from another."""
    return change["target"], change["zone"], change["name"], change["type"]


def changes_of(record: RunRecord) -> Iterator[tuple[str, Change]]:
    """Every DNS change that the run has announced, with its VM."""
    vms = {step.id: step.vm for step in record.steps}
    for step, changes in dns_changes_noted(record).items():
        for change in changes:
            yield vms.get(step, ""), change


def preparations(records: Iterable[RunRecord]) -> dict[Key, Preparation]:
    """The preparations that are open, by record set.

    Args:
        records: Runs of one plan, oldest first.
    """
    found: dict[Key, Preparation] = {}
    for record in records:
        if record.kind == "prepare-dns":
            for vm, change in changes_of(record):
                prepared = _prepared(record, vm, change)
                if prepared is not None:
                    found.setdefault(key_of(change), prepared)
        for step in record.steps:
            if step.state is not StepState.DONE:
                continue
            if step.action == "restore-ttl":
                rows = step.evidence.get("dns", ())
                left = {key_of(row) for row in rows if row.get("trouble")}
                found = {key: each for key, each in found.items() if key in left}
            elif step.action == "restore-dns" and record.kind == "undo":
                found = {key: each for key, each in found.items() if each.vm != step.vm}
            elif step.action == "rollback-dns":
                taken_back = str(record.parameters.get(ROLLED_BACK, ""))
                found = {
                    key: each
                    for key, each in found.items()
                    if (each.run_id, each.vm) != (taken_back, step.vm)
                }
    return found


def dns_of_failover(records: Iterable[RunRecord], vm: str) -> tuple[Change, ...]:
    """The DNS changes of the newest real failover of `vm`, as long as it can be taken back.

    It cannot any more when it is committed, reversed or undone, or when one in the other direction
    has begun. What could not be put back then still can.

    Args:
        records: Runs of one plan, oldest first.
        vm: Its name in the plan.
    """
    changes: tuple[Change, ...] = ()
    direction = ""
    for record in records:
        steps = [step for step in record.steps if step.vm == vm]
        has_begun = any(step.action == "failover" and step.attempts for step in steps)
        if record.is_real_failover and has_begun:
            kept = dns_changes_noted(record)
            made = tuple(
                change for step in steps if step.action == "dns" for change in kept.get(step.id, ())
            )
            changes = made or (changes if record.direction == direction else ())
            direction = record.direction
        for step in steps:
            if step.action in _ENDS_A_FAILOVER and step.state is StepState.DONE:
                left = {key_of(row) for row in step.evidence.get("dns", ()) if row.get("trouble")}
                changes = tuple(change for change in changes if key_of(change) in left)
    return changes


def former_changes(records: Iterable[RunRecord], *, vm: str, direction: str) -> dict[Key, Change]:
    """What failovers of `vm` in the other direction changed since it was last here, by record set.

    Their `before` is what DNS was for the VM before it went away.

    Args:
        records: Runs of one plan, oldest first.
        vm: Its name in the plan.
        direction: Of the failover that brings it back.
    """
    found: dict[Key, Change] = {}
    earlier: dict[str, dict[Key, Change]] = {}
    """What was found before each failover that changed something, either way."""
    for record in records:
        own = [step for step in record.steps if step.vm == vm]
        done = {step.action for step in own if step.state is StepState.DONE}
        changes = [change for name, change in changes_of(record) if name == vm]
        if record.is_real_failover:
            if changes:
                earlier[record.run_id] = dict(found)
            if record.direction == direction:
                found = {} if "dns" in done else found
                continue
            for change in changes:
                known = found.get(key_of(change))
                if known is None or change["before"] != known["after"]:
                    found[key_of(change)] = change
        elif record.kind == "undo" and "restore-dns" in done and earlier:
            found = earlier.pop(next(reversed(earlier)))
        elif "rollback-dns" in done and record.direction == direction:
            found = earlier.get(str(record.parameters.get(ROLLED_BACK, "")), found)
    return found


def had_part(change: Change, *, is_there: Callable[[str], bool]) -> bool:
    """Whether the VM had a value in the record set before `change` took it away.

    Where its new value was there already nothing tells what was before: then it had.

    Args:
        change: Of A or AAAA records, by the failover that took the VM away.
        is_there: Whether an address is in the site that it went to.
    """
    before, after = _values(change["before"]), _values(change["after"])
    if before - after:
        return True
    return bool(before) and before == after and any(is_there(value) for value in after)


def _values(side: Mapping[str, Any] | None) -> frozenset[str]:
    return frozenset(str(value) for value in side["values"]) if side else frozenset()


def final_ttls(records: Iterable[RunRecord]) -> dict[Key, int]:
    """The TTLs that the newest failover wants for records that were prepared for it.

    Args:
        records: Runs of one plan, oldest first.
    """
    found: dict[Key, int] = {}
    for record in records:
        for _, change in changes_of(record):
            if record.kind == "prepare-dns":
                found.pop(key_of(change), None)  # what an older failover wanted is over
            elif record.is_real_failover and change.get("final_ttl_s") is not None:
                found[key_of(change)] = int(change["final_ttl_s"])
    return found


def _prepared(record: RunRecord, vm: str, change: Change) -> Preparation | None:
    before, after = change["before"], change["after"]
    if not before or not after or before["ttl_s"] <= after["ttl_s"]:
        return None
    begun = record.ended_at or record.started_at
    if begun is None:
        return None
    return Preparation(
        change=change,
        vm=vm,
        run_id=record.run_id,
        ttl_s=int(before["ttl_s"]),
        lowered_ttl_s=int(after["ttl_s"]),
        over_at=begun + timedelta(seconds=int(before["ttl_s"])),
    )
