"""DNS leads to the VM: former content kept, compare-and-set, read back, looked at once more."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.connectors.dns import Change, Edit, RecordSet, Verification
from secondsite.connectors.dns.deciding import rebased
from secondsite.errors import SecondsiteError, SiteError
from secondsite.graph import Action, Step
from secondsite.run.dns_ledger import key_of
from secondsite.run.events import Noted
from secondsite.run.leftovers import DNS_CHANGES
from tasks.action import step_task
from tasks.context import RunContext
from tasks.dns_planning import plan_changes
from tasks.vm import skipped, vm_of

__all__ = ["edit_of", "is_shared", "note_changes", "point_names", "settle_names", "verify_names"]

_Change = Mapping[str, Any]
_LOOKS = 5
"""How often records that other VMs of the run change too are looked at, until they rest."""


@step_task
async def point_names(run: RunContext, step: Step) -> ActionResult:
    """Make the VM's names lead to it. What was there before is in the journal before it changes.

    Trouble with a PTR record is a warning: the VM is found without it.
    """
    vm = vm_of(step)
    if not run.is_test and (over := skipped(run, vm)):
        return over
    addresses = run.evidence_of(vm=vm.name, action=Action.ADDRESS).get("addresses", ())
    if not addresses:
        return ActionResult(changed=False, evidence={"dns": [], "reason": "it has no address"})
    known = run.dns_planned.get(step.id)
    if known is not None:
        return await _carry_on(run, step, known)
    planned = await plan_changes(run, vm, addresses)
    if not planned.is_contested:
        return await _carry_out(run, step, planned.changes, planned.troubles)
    async with run.contested_names:
        # Another VM may have changed them meanwhile: they are read anew, and nobody is between.
        planned = await plan_changes(run, vm, addresses)
        return await _carry_out(run, step, planned.changes, planned.troubles)


@step_task
async def verify_names(run: RunContext, step: Step) -> ActionResult:
    """Read the VM's names back on every server of their zones."""
    made = run.evidence_of(vm=vm_of(step).name, action=Action.DNS).get("dns", ())
    verified = await _verified(run, step, made)
    return ActionResult(changed=False, evidence={"verified": [each.as_dict() for each in verified]})


@step_task
async def settle_names(run: RunContext, step: Step) -> ActionResult:
    """Look at all names of the run once more after a while: a VM may have registered itself."""
    made = [
        change
        for vm in run.plan.vms
        for change in run.evidence_of(vm=vm.name, action=Action.DNS).get("dns", ())
    ]
    settle_s = run.estate.dns_policy.settle_time.total_seconds()
    if not made:
        return ActionResult(changed=False, evidence={"reason": "no name was changed"})
    await asyncio.sleep(settle_s)
    verified = await _verified(run, step, made)
    return ActionResult(changed=False, evidence={"records": len(verified), "after_s": settle_s})


async def note_changes(run: RunContext, step: Step, changes: Sequence[_Change]) -> None:
    """Keep in the journal what is about to change; this process needs no reminder then."""
    note = Noted(
        at=run.now(),
        step=step.id,
        text="what DNS held before the change",
        details={DNS_CHANGES: [dict(change) for change in changes]},
    )
    await run.tell(note)
    run.dns_planned[step.id] = tuple(changes)


def edit_of(change: _Change) -> Edit | None:
    """The edit that a change is; None for one that leaves no record where there was none."""

    def side(name: str) -> RecordSet | None:
        written = change[name]
        return RecordSet.from_dict(written) if written else None

    before, after = side("before"), side("after")
    return None if before is None and after is None else Edit(before=before, after=after)


def is_shared(run: RunContext, change: _Change) -> bool:
    """Whether others have values in the record set too, or other VMs of the run may."""
    if any(side and len(side["values"]) > 1 for side in (change["before"], change["after"])):
        return True
    key = key_of(change)
    return sum(key == key_of(each) for known in run.dns_planned.values() for each in known) > 1


async def _carry_on(run: RunContext, step: Step, known: Sequence[_Change]) -> ActionResult:
    """Changes that an earlier try has announced: done or not, and others may have come since."""
    if not any(is_shared(run, change) for change in known):
        return await _make_all(run, step, known)
    async with run.contested_names:
        changes = await asyncio.gather(*(_rebased(run, change) for change in known))
        if list(changes) != list(known):
            await note_changes(run, step, changes)
        return await _make_all(run, step, changes)


async def _carry_out(
    run: RunContext, step: Step, changes: Sequence[_Change], troubles: Iterable[SiteError]
) -> ActionResult:
    for trouble in troubles:
        await _warn(run, step, trouble)
    await note_changes(run, step, changes)
    return await _make_all(run, step, changes)


async def _make_all(run: RunContext, step: Step, changes: Sequence[_Change]) -> ActionResult:
    made = await asyncio.gather(*(_make(run, step, change) for change in changes))
    done = [change for change in made if change is not None]
    return ActionResult(changed=any(change["changed"] for change in done), evidence={"dns": done})


async def _make(run: RunContext, step: Step, planned: _Change) -> dict[str, Any] | None:
    edit = edit_of(planned)
    if edit is None:
        return None
    try:
        change: Change = await run.sites.zone(planned["target"], planned["zone"]).change(edit)
    except SiteError as error:
        if planned["type"] != "PTR":
            raise
        await _warn(run, step, error)
        return None
    return {"target": planned["target"], **change.as_dict()}


async def _rebased(run: RunContext, change: _Change) -> _Change:
    edit = edit_of(change)
    if edit is None or not is_shared(run, change):
        return change
    found = await run.sites.zone(change["target"], change["zone"]).read(edit.name, edit.type)
    now = rebased(edit, found)
    sides = {"before": now.before, "after": now.after}
    return {**change, **{name: side and side.as_dict() for name, side in sides.items()}}


async def _verified(run: RunContext, step: Step, made: Sequence[_Change]) -> Sequence[Verification]:
    """How every server shows what was made.

    Raises:
        SiteError: a server shows something else; for PTR records that is a warning.
    """
    for _ in range(_LOOKS):
        now = await asyncio.gather(*(_rebased(run, change) for change in made))
        by_zone: dict[tuple[str, str], dict[tuple[str, str], Edit]] = defaultdict(dict)
        for change in now:
            if edit := edit_of(change):
                by_zone[change["target"], change["zone"]][edit.key] = edit
        seen = await asyncio.gather(
            *(run.sites.zone(*zone).verify(list(edits.values())) for zone, edits in by_zone.items())
        )
        await _tell_who_is_gone(run, step)
        verified = [verification for each in seen for verification in each]
        if not any(each.trouble() for each in verified) or not any(
            is_shared(run, change) for change in made
        ):
            break
    for verification in verified:
        trouble = verification.trouble()
        if trouble is not None and verification.type != "PTR":
            raise trouble
        if trouble is not None:
            await _warn(run, step, trouble)
    return verified


async def _tell_who_is_gone(run: RunContext, step: Step) -> None:
    for text in run.sites.absent.news():
        await run.tell(Noted(at=run.now(), step=step.id, text=text, level="warning"))


async def _warn(run: RunContext, step: Step, trouble: SecondsiteError) -> None:
    await run.tell(Noted(at=run.now(), step=step.id, text=str(trouble), level="warning"))
