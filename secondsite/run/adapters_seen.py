"""What the journal knows of a VM's adapters: in the site it left, and of its copy before. Pure.

The site that is left may be gone when its addresses are needed, and a copy that becomes a replica
again must be as it was: both are kept with every look before a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondsite.run.record import REAL_FAILOVERS, RunRecord, StepRecord
from secondsite.run.states import StepState

__all__ = [
    "COPY",
    "PLANNED",
    "RESTORED",
    "SOURCE",
    "SOURCE_SITE",
    "TAKE_OR_GIVE_BACK",
    "TARGET",
    "TARGET_SITE",
    "VIRTUAL_NETWORK",
    "Former",
    "as_before",
    "holders",
    "holds_grants",
    "remembered",
]

PLANNED, SOURCE, TARGET = "adapters", "source_adapters", "target_adapters"
SOURCE_SITE, TARGET_SITE = "source_site", "target_site"
"""Keys of a VM's facts in the journal; they never change."""

VIRTUAL_NETWORK = "virtual_network"
"""Key, in an adapter's facts of a copy, of the virtual network that VMM showed it on; or None."""

COPY = "copy"
"""Key, in a VM's facts, of its copy in the site it goes to: `{"id": …, "host": …}`."""

RESTORED = "restored_site"
"""Key, in a step's evidence, of the site in which the VM's copy was put back as it was."""

TAKE_OR_GIVE_BACK = (*REAL_FAILOVERS, "undo", "reverse", "cancel", "commit")
"""The operations that `holders` has to know; rehearsals are very many more."""

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """The copy of a VM in one site, before failovers of ours made it the running one.

    Attributes:
        adapters: As they were (`target_adapters`).
        planned: What the last failover wanted to make of them (`adapters`).
        granted: What it took out of pools for them.
    """

    adapters: Sequence[Facts]
    planned: Sequence[Facts] = ()
    granted: Sequence[Facts] = ()


def remembered(records: Iterable[RunRecord], vm: str, site: str) -> Sequence[Facts] | None:
    """The adapters of `vm` as `site` showed them last with addresses; None if it never did.

    Args:
        records: Runs of one plan, oldest first.
        vm: Its name in the plan.
        site: The site that it left, or was to leave.
    """
    known: Sequence[Facts] | None = None
    for record in records:
        facts = _facts(record, vm)
        seen = facts.get(SOURCE)
        if facts.get(SOURCE_SITE) == site and any(each.get("addresses") for each in seen or ()):
            known = seen
    return known


def as_before(records: Iterable[RunRecord], vm: str, site: str) -> Former | None:
    """How the adapters of the copy of `vm` in `site` were; None if no failover changed them.

    Several failovers may have been begun before one went through: the oldest look counts.
    """
    found: Former | None = None
    for record in records:
        facts, steps = _facts(record, vm), _steps(record, vm)
        if _began(record, facts, steps, site, action="failover") and facts.get(TARGET):
            found = Former(
                adapters=found.adapters if found is not None else facts[TARGET],
                planned=facts.get(PLANNED, ()),
                granted=_granted(steps),
            )
        if any(_restored(step, site) for step in steps):
            found = None
    return found


def holds_grants(records: Iterable[RunRecord], vm: str, site: str) -> bool:
    """Whether real failovers of `vm` into `site` took addresses there that nobody gave back."""
    holds = False
    for record in records:
        steps = _steps(record, vm)
        asked = [step for step in steps if not _took_nothing(step)]
        holds = holds or _began(record, _facts(record, vm), asked, site, action="grant")
        if any(_restored(step, site) for step in steps):
            holds = False
    return holds


def holders(
    records: Sequence[RunRecord], vms: Iterable[str], sites: Iterable[str]
) -> dict[str, frozenset[str]]:
    """By site, which of `vms` hold addresses there."""
    names = tuple(vms)
    return {
        site: frozenset(vm for vm in names if holds_grants(records, vm, site)) for site in sites
    }


def _facts(record: RunRecord, vm: str) -> Facts:
    found = record.vm(vm)
    return found.facts if found is not None else {}


def _steps(record: RunRecord, vm: str) -> list[StepRecord]:
    return [step for step in record.steps if step.vm.casefold() == vm.casefold()]


def _began(
    record: RunRecord, facts: Facts, steps: Iterable[StepRecord], site: str, *, action: str
) -> bool:
    return (
        record.is_real_failover
        and facts.get(TARGET_SITE) == site
        and not facts.get("already")
        and any(step.action == action and step.attempts for step in steps)
    )


def _granted(steps: Iterable[StepRecord]) -> Sequence[Facts]:
    return next((step.evidence.get("granted", ()) for step in steps if step.action == "grant"), ())


def _took_nothing(step: StepRecord) -> bool:
    """Whether the step that takes addresses is done, and there were none to take."""
    return step.state is StepState.DONE and not step.evidence.get("granted", True)


def _restored(step: StepRecord, site: str) -> bool:
    return step.state is StepState.DONE and step.evidence.get(RESTORED) == site
