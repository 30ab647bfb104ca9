"""DNS goes back: what runs changed is put back, never over a later change of somebody else."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.connectors.dns import Edit
from secondsite.connectors.dns.deciding import put_back
from secondsite.errors import (
    ConflictError,
    NotStartedError,
    SecondsiteError,
    SiteError,
    UnknownOutcomeError,
)
from secondsite.graph import Operation, Step
from secondsite.run.dns_ledger import Key, Preparation, changes_of, final_ttls, key_of, preparations
from secondsite.run.events import Noted
from tasks.action import step_task
from tasks.context import RunContext
from tasks.records import edit_of, is_shared
from tasks.vm import vm_of

__all__ = ["restore_names", "restore_ttls", "roll_back_names"]

_Change = Mapping[str, Any]
_SHOWN = 5


@step_task
async def restore_names(run: RunContext, step: Step) -> ActionResult:
    """Put back what DNS held before the failover, never over a later change of somebody else."""
    return await _put_all_back(run, step, _to_put_back(run, vm_of(step).name))


@step_task
async def roll_back_names(run: RunContext, step: Step) -> ActionResult:
    """Put back what the chosen run changed for one VM, with a word about each record."""
    return await _put_all_back(run, step, _to_put_back(run, vm_of(step).name))


def _to_put_back(run: RunContext, vm: str) -> list[_Change]:
    """The changes of that VM that this run takes back, oldest first."""
    if run.operation is Operation.ROLLBACK_DNS:
        wanted = run.options.of_run
        record = next((each for each in run.earlier_runs() if each.run_id == wanted), None)
        changes = [change for name, change in changes_of(record) if name == vm] if record else []
        return _moved_since(run, changes)
    changes = [*run.dns_to_restore(vm)]
    if run.operation is Operation.UNDO:
        changed = {key_of(change) for change in changes}
        changes += [
            each.change
            for key, each in run.prepared_names().items()
            if each.vm == vm and key not in changed
        ]
    return changes


@step_task
async def restore_ttls(run: RunContext, step: Step) -> ActionResult:
    """Raise the TTLs that were lowered ahead of the failover: it is committed.

    A TTL that is not the lowered one any more is somebody else's, and stays. One that cannot be
    raised now is a warning: names lead where they shall, and it can be raised later.
    """
    earlier = run.history()
    wanted = final_ttls(earlier)
    open_ones = preparations(earlier)
    rows = await asyncio.gather(
        *(_raise_ttl(run, each, wanted.get(key, each.ttl_s)) for key, each in open_ones.items())
    )
    for text in _left_lowered(list(open_ones.values()), rows):
        await run.tell(Noted(at=run.now(), step=step.id, text=text, level="warning"))
    return ActionResult(changed=any(row["changed"] for row in rows), evidence={"dns": list(rows)})


async def _raise_ttl(run: RunContext, prepared: Preparation, ttl_s: int) -> dict[str, Any]:
    change = prepared.change
    row = {key: change[key] for key in ("target", "zone", "name", "type")}
    try:
        zone = run.sites.zone(change["target"], change["zone"])
        found = await zone.read(change["name"], change["type"])
        if found is None or found.ttl_s != prepared.lowered_ttl_s:
            shown = found.as_dict() if found else None
            return {**row, "before": shown, "after": shown, "changed": False}
        made = await zone.change(Edit(before=found, after=found.with_ttl(ttl_s)))
    except SecondsiteError as error:
        return {**row, "changed": False, "trouble": error.message}
    return {**row, **made.as_dict()}


def _left_lowered(
    prepared: Sequence[Preparation], rows: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """What stays lowered, why, and how it is raised later; a sentence for each cause."""
    left: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each, row in zip(prepared, rows, strict=True):
        if trouble := row.get("trouble"):
            still = f"{row['name']} {row['type']} ({each.lowered_ttl_s} s, was {each.ttl_s} s)"
            left[each.run_id, str(trouble)].append(still)
    for (run_id, trouble), names in left.items():
        shown = [*names[:_SHOWN], *([f"{len(names) - _SHOWN} more"] if names[_SHOWN:] else [])]
        yield (
            f"TTLs stay lowered: {', '.join(shown)}. {trouble} The commit is done without it, and "
            "the names lead where they shall. Raise the TTLs when the DNS server takes changes "
            f"again: secondsite dns rollback {run_id}"
        )


def _moved_since(run: RunContext, changes: Sequence[_Change]) -> list[_Change]:
    """Those `changes`; of TTLs that were lowered for a failover, with what it wants in the end."""
    open_ones = run.prepared_names()
    return [
        {**change, "moved_ttl_s": run.wanted_ttls().get(key_of(change), prepared.ttl_s)}
        if (prepared := open_ones.get(key_of(change))) is not None
        and prepared.run_id == run.options.of_run
        else change
        for change in changes
    ]


async def _put_all_back(run: RunContext, step: Step, changes: Sequence[_Change]) -> ActionResult:
    """Each of `changes` taken back, whatever became of the others; the newest first.

    Raises:
        ConflictError: somebody changed one since; the others are back. The evidence has each.
    """
    rows: list[dict[str, Any]] = []
    troubles: list[SiteError] = []
    left: list[str] = []
    for change in reversed(changes):
        server = run.sites.zone(change["target"], change["zone"]).server
        try:
            rows.append(await _put_one_back(run, change, vm_of(step).name))
        except NotStartedError as error:
            if not run.sites.absent.is_without(server, error.message):
                raise
            rows.append(_not_put_back(change, error.message))
            left.append(f"{change['name']} {change['type']} ({server})")
        except SiteError as error:
            rows.append(_not_put_back(change, error.message))
            if change["type"] == "PTR":
                await run.tell(Noted(at=run.now(), step=step.id, text=str(error), level="warning"))
            else:
                troubles.append(error)
    for text in [*run.sites.absent.news(), *_left_as_it_is(run, vm_of(step).name, left)]:
        await run.tell(Noted(at=run.now(), step=step.id, text=text, level="warning"))
    if troubles:
        raise _together(troubles, rows)
    return ActionResult(changed=any(row["changed"] for row in rows), evidence={"dns": rows})


def _left_as_it_is(run: RunContext, vm: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield (
            f"{vm}: not put back, because who takes changes is away: {', '.join(names)}. If "
            "clients need them earlier, change them on a DNS server that lives. When the other one "
            f"is back: secondsite status {run.plan.name}"
        )


def _not_put_back(change: _Change, why: str) -> dict[str, Any]:
    kept = {key: change[key] for key in ("target", "zone", "name", "type", "before", "after")}
    return kept | {"changed": False, "how": "not put back", "trouble": why}


async def _put_one_back(run: RunContext, change: _Change, vm: str) -> dict[str, Any]:
    edit = edit_of(change)
    row = {"target": change["target"]}
    if edit is None:
        return row | dict(change) | {"changed": False, "how": "already"}
    zone = run.sites.zone(change["target"], change["zone"])
    if zone.server in run.sites.absent.gone:
        raise NotStartedError(f"{zone.server} is given up for this run.", host=zone.server)
    others = [had for other, had in _owners(run)[key_of(change)].items() if other != vm]
    # Other VMs may have values in it that go back at the same time: nobody is between then.
    async with run.contested_names if others or is_shared(run, change) else nullcontext():
        found = await zone.read(edit.name, edit.type)
        has_moved = (
            found is not None and edit.before is not None and (found.values != edit.before.values)
        )
        ttl_s = change.get("moved_ttl_s" if has_moved else "former_ttl_s")
        try:
            wanted = put_back(
                found=found,
                before=edit.before,
                after=edit.after,
                ttl_s=ttl_s if ttl_s is not None else change.get("former_ttl_s"),
                fellows=frozenset().union(*others),
            )
        except ValueError:
            # The connector tells the three values; it changes nothing.
            made = await zone.change(Edit(before=edit.after, after=edit.before))
            return row | made.as_dict()
        if wanted is None and found is None:
            return row | {**change, "changed": False, "how": "already"}
        made = await zone.change(Edit(before=found, after=wanted))
        return row | made.as_dict()


def _owners(run: RunContext) -> Mapping[Key, Mapping[str, frozenset[str]]]:
    """Per record set that goes back: whose change of it, and the values that were there before."""
    if run.dns_owners is None:
        owners: dict[Key, dict[str, frozenset[str]]] = defaultdict(dict)
        for vm in run.plan.vms:
            for change in _to_put_back(run, vm.name):
                values = change["before"]["values"] if change["before"] else ()
                owners[key_of(change)][vm.name] = frozenset(str(each) for each in values)
        run.dns_owners = owners
    return run.dns_owners


def _together(troubles: Sequence[SiteError], rows: Sequence[Mapping[str, Any]]) -> SiteError:
    first = next((each for each in troubles if isinstance(each, UnknownOutcomeError)), troubles[0])
    if isinstance(first, UnknownOutcomeError):
        return first
    if len(troubles) == 1 and not isinstance(first, ConflictError):
        return first
    return ConflictError(
        " ".join(each.message for each in troubles),
        host=first.host,
        next_step=first.next_step,
        evidence={"dns": list(rows), **(first.evidence if len(troubles) == 1 else {})},
    )
