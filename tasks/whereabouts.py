"""Where a VM is now: on the node of its cluster to which it was moved while the run was under way.

A VM that its host does not have any more is looked for on every host of its site, by its id. What
was to be done to it is then done there, and the journal says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from secondsite.connectors.base import HostSurvey
from secondsite.errors import NotFoundError, SecondsiteError
from secondsite.graph import Action, Side
from secondsite.plan.model import PlannedVm
from secondsite.run.events import InventoryTaken, Noted, VmFact
from tasks.context import RunContext
from tasks.sites import HostAccess
from tasks.vm import fact_of

__all__ = ["NowhereError", "Whereabouts", "find_again", "on_its_host"]

T = TypeVar("T")


class NowhereError(NotFoundError):
    """No host of the site that answers has the VM.

    Attributes:
        silent: Hosts that do not answer, and may have it.
    """

    silent: tuple[str, ...] = ()


@dataclass(slots=True)
class Whereabouts:
    """The last look at a whole site, shared by all VMs that are looked for at the same time."""

    begun_at_s: float = -1.0
    surveys: tuple[HostSurvey, ...] = ()
    silent: tuple[str, ...] = ()
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


async def on_its_host(
    run: RunContext,
    vm: PlannedVm,
    act: Callable[[HostAccess], Awaitable[T]],
    *,
    side: Side = Side.TARGET,
    phase: Action = Action.START,
) -> T:
    """What `act` gives on the host that has `vm`, wherever in its site that is by now.

    Args:
        run: It knows where the VM was.
        vm: What is acted on.
        act: What to do on its host.
        side: In which site.
        phase: In an unplanned failover: whose time a look at the other site takes.

    Raises:
        NotFoundError: no host of the site has it.
        SecondsiteError: what `act` met.
    """
    host = _host(fact_of(run, vm), side)
    lost_at_s = time.monotonic()
    try:
        return await act(run.sites.host(host))
    except NotFoundError:
        found = await find_again(run, vm, side=side, lost_at_s=lost_at_s, phase=phase)
        if found.casefold() == host.casefold():
            raise  # something else was not found
        return await act(run.sites.host(found))


async def find_again(
    run: RunContext,
    vm: PlannedVm,
    *,
    side: Side,
    lost_at_s: float,
    phase: Action,
) -> str:
    """The host that has `vm` now; the run goes on there.

    Args:
        run: It knows where the VM was.
        vm: What is looked for.
        side: In which site.
        lost_at_s: A look at the site that began before this does not count.
        phase: In an unplanned failover: whose time a look at the other site takes.

    Raises:
        NotFoundError: no host of the site has it, as far as they answer.
    """
    fact = fact_of(run, vm)
    was_on = _host(fact, side)
    site = run.source_site_name if side is Side.SOURCE else run.running_site_name
    seen = await _look(run, site, lost_at_s=lost_at_s, phase=phase)
    found = next(
        (
            survey.host
            for survey in seen.surveys
            if any(each.id.casefold() == fact.id.casefold() for each in survey.vms)
        ),
        "",
    )
    if not found:
        raise await _nowhere(run, vm, site, was_on=was_on, silent=seen.silent)
    if found.casefold() != was_on.casefold():
        is_source = side is Side.SOURCE
        moved = replace(fact, source_host=found) if is_source else replace(fact, host=found)
        run.vms[fact.name] = moved
        await run.tell(InventoryTaken(at=run.now(), vms=(moved,)))
        text = f"{vm.name} was moved from {was_on} to {found} meanwhile; the run goes on there."
        await run.tell(Noted(at=run.now(), text=text, level="warning"))
    return found


def _host(fact: VmFact, side: Side) -> str:
    return fact.source_host if side is Side.SOURCE else fact.host


async def _look(run: RunContext, site: str, *, lost_at_s: float, phase: Action) -> Whereabouts:
    """What the hosts of the site have; one look serves everybody who has waited for it."""
    known: Whereabouts = run.whereabouts.setdefault(site, Whereabouts())
    async with known.lock:
        if known.begun_at_s <= lost_at_s:
            begun_at_s = time.monotonic()
            names = [each.name for each in run.estate.sites[site].hosts]
            answers = await asyncio.gather(
                *(_survey(run, name, site=site, phase=phase) for name in names)
            )
            known.surveys = tuple(each for each in answers if each is not None)
            known.silent = tuple(
                name for name, each in zip(names, answers, strict=True) if each is None
            )
            known.begun_at_s = begun_at_s
    return known


async def _survey(run: RunContext, host: str, *, site: str, phase: Action) -> HostSurvey | None:
    if run.is_given_up(host):
        return None
    try:
        survey = run.sites.host(host).survey()
        if site == run.source_site_name:
            return await run.ask_source(host, survey, phase=phase)
        return await survey
    except SecondsiteError:
        return None


async def _nowhere(
    run: RunContext, vm: PlannedVm, site: str, *, was_on: str, silent: tuple[str, ...]
) -> NowhereError:
    words = [f"{vm.name} is not on {was_on} any more, nor on another host of {site} that answers"]
    if silent:
        words.append(f"no answer from {', '.join(silent)}")
    if told := await _told_by_vmm(run, vm, site):
        words.append(told)
    error = NowhereError(
        f"{'; '.join(words)}. Nothing was done to it.",
        vm=vm.name,
        host=was_on,
        next_step=(
            f"See where it is (Get-VM on the hosts of {site}, or VMM). If that is a host which the "
            "estate does not name, add it under the site's `hosts` and start a new run; if it was "
            "only on its way, retry this step."
        ),
    )
    error.silent = silent
    return error


async def _told_by_vmm(run: RunContext, vm: PlannedVm, site: str) -> str:
    """What VMM says of its host; it knows hosts that the estate does not name."""
    if site == run.source_site_name:
        return ""
    try:
        inventory = await run.sites.vmm(site).inventory()
    except SecondsiteError:
        return ""
    wanted = fact_of(run, vm).id.casefold()
    host = next((each.host for each in inventory.vms if each.id.casefold() == wanted), "")
    return f"VMM says that it is on {host}" if host else "VMM does not know it"
