"""The run that this process carries out: what every task needs to know, found without parameters.

Task parameters are shown in Prefect's UI and visited by its engine; a step's id is enough there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from secondsite.connectors.base import ActionResult
from secondsite.errors import (
    NotStartedError,
    SecondsiteError,
    UnknownOutcomeError,
    UnreachableError,
    WrongStateError,
)
from secondsite.graph import Action, Operation, PrimarySide, Side, Step
from secondsite.plan.estate import Estate, Network, Protection, Site
from secondsite.plan.made_network import MADE_NETWORKS, MadeNetwork
from secondsite.plan.model import Direction, Plan
from secondsite.run.dns_ledger import (
    Key,
    Preparation,
    dns_of_failover,
    final_ttls,
    preparations,
)
from secondsite.run.events import JournalEvent, VmFact
from secondsite.run.leftovers import (
    LeftNetworks,
    Leftover,
    leftovers,
    networks_left,
)
from secondsite.run.record import RunRecord
from tasks.connections import Sites
from tasks.options import RunOptions
from tasks.patience import Patience

__all__ = ["RunContext", "current_run", "protection_of", "use_run"]


T = TypeVar("T")


async def _not_yet(event: JournalEvent) -> None:
    raise RuntimeError("this run is not being walked")


_CURRENT: ContextVar[RunContext] = ContextVar("run")


@dataclass(slots=True, kw_only=True)
class RunContext:
    """One run in the hands of this process.

    Attributes:
        steps: The steps of its graph by id.
        vms: What the inventory showed, by the plan's VM names; filled by the preflight.
        evidence: Evidence of the steps that are done, by step id.
        settled: How each task of this process ended, by step id.
        unsettled: Steps that an engine began before it died: they may or may not have happened.
        dns_planned: DNS changes that an earlier try of a step has announced, by step id.
        dns_owners: Of record sets that go back: which VMs' changes, and what was there before.
        whereabouts: The last look for VMs that were moved meanwhile, by site.
        history: Gives the runs of the plan, oldest first, this one as far as it has come.
        everywhere: Gives the runs of all plans that share a VM with this one; None: `history`.
        tell: Writes an event to the journal and lets it take effect.
        contested_names: Held while a DNS name that other VMs may change too is read and written.
    """

    run_id: str
    plan: Plan
    estate: Estate
    operation: Operation
    direction: Direction
    options: RunOptions
    steps: Mapping[str, Step]
    sites: Sites
    now: Callable[[], datetime]
    unsettled: set[str] = field(default_factory=set)
    dns_planned: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    dns_owners: Mapping[Key, Mapping[str, frozenset[str]]] | None = None
    history: Callable[[], Sequence[RunRecord]] = tuple
    everywhere: Callable[[], Sequence[RunRecord]] | None = None
    vms: dict[str, VmFact] = field(default_factory=dict)
    evidence: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    settled: dict[str, ActionResult | SecondsiteError] = field(default_factory=dict)
    tell: Callable[[JournalEvent], Awaitable[None]] = _not_yet
    whereabouts: dict[str, Any] = field(default_factory=dict)
    contested_names: asyncio.Lock = field(default_factory=asyncio.Lock)
    _given_up: set[str] = field(default_factory=set)
    _patience: Patience = field(init=False)
    _earlier: Sequence[RunRecord] | None = None
    _known: Sequence[RunRecord] | None = None
    _prepared: Mapping[Key, Preparation] | None = None
    _wanted_ttls: Mapping[Key, int] | None = None
    _left: Mapping[str, Leftover] | None = None
    _steps_of: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A site that may be gone is not waited for as others are."""
        self._patience = Patience(self.estate.limits.source_site_timeout.total_seconds())
        if self.operation is Operation.UNPLANNED:
            site = self.estate.sites[self.source_site_name]
            self.sites.be_brief_with(server.name for server in site.servers)
            self.sites.absent.expect(
                self.estate,
                site=self.source_site_name,
                asks_nothing=self.options.primary_side is PrimarySide.SKIP,
            )
        if self.operation is Operation.CANCEL:
            self.sites.be_brief_with(host.name for host in self.target_site.hosts)
        if self.cancels_alone:
            self.sites.absent.expect(self.estate, site=self.target_site_name, asks_nothing=False)

    @property
    def protection(self) -> Protection:
        """The pairing that the plan belongs to."""
        return protection_of(self.plan, self.estate)

    @property
    def target_site_name(self) -> str:
        """Name of the site in which the VMs come up."""
        return self.protection.site_names(self.direction)[1]

    @property
    def target_site(self) -> Site:
        """The site in which the VMs come up."""
        return self.estate.sites[self.target_site_name]

    @property
    def source_site_name(self) -> str:
        """Name of the site that the VMs leave."""
        return self.protection.site_names(self.direction)[0]

    @property
    def running_site_name(self) -> str:
        """Name of the site in which the VMs run when this run is over."""
        if self.operation is Operation.CANCEL:
            return self.source_site_name
        return self.target_site_name

    @property
    def is_test(self) -> bool:
        """Whether the VMs of this run are test VMs."""
        return self.operation in {Operation.TEST, Operation.CLEANUP}

    def in_run(self, mapped: str | None) -> Network | None:
        """The network that an adapter gets in this run which belongs to `mapped` over there."""
        if self.is_test:
            return self.options.in_place_of(mapped, self.target_site, self.protection)
        return self.target_site.network(mapped) if mapped else None

    @property
    def cancels_alone(self) -> bool:
        """Whether VMs start again where they were without the site that they were to go to."""
        return self.operation is Operation.CANCEL and bool(self.options.other_site_is_gone.strip())

    def is_attempt(self, step: Step) -> bool:
        """Whether it is only tried: an emergency does not wait for what the other site does."""
        return step.side is Side.SOURCE and self.operation is Operation.UNPLANNED

    @property
    def asks_source(self) -> bool:
        """Whether anything is asked of the site that is left: not if it was skipped, or is silent.

        Silent is a site of whose hosts none is asked any more.
        """
        if self.operation is not Operation.UNPLANNED:
            return True
        hosts = self.estate.sites[self.source_site_name].hosts
        is_silent = all(self.is_given_up(host.name) for host in hosts)
        return self.options.primary_side is not PrimarySide.SKIP and not is_silent

    def is_given_up(self, host: str) -> bool:
        """Whether that host of the site that is left is not asked any more in this run."""
        return host in self._given_up

    def give_up(self, host: str) -> None:
        """Ask that server of the site that is left nothing more in this run."""
        self._given_up.add(host)
        self.sites.abandon(host)

    def source_limit_s(self, phase: Action) -> float:
        """Seconds that may still be waited in vain for the site that is left, in that phase."""
        return self._patience.left_s(phase)

    async def ask_source(self, host: str, question: Coroutine[Any, Any, T], *, phase: Action) -> T:
        """The answer of a host of the site that is left.

        In an unplanned failover the whole site is waited for in vain no longer than the estate's
        limit in each phase, and a host that did not answer once is never asked again.

        Raises:
            SecondsiteError: what it met, or that the host is not waited for any longer.
        """
        if self.operation is not Operation.UNPLANNED:
            return await question
        begun, limit_s = self._patience.begin(), self._patience.left_s(phase)
        if self.is_given_up(host) or not limit_s:
            question.close()
            self.give_up(host)
            raise _given_up(host, "it, or its site, did not answer before")
        try:
            async with asyncio.timeout(limit_s):
                return await question
        except (TimeoutError, NotStartedError, UnknownOutcomeError, UnreachableError) as error:
            self._patience.end_in_vain(phase, since=begun)
            self.give_up(host)
            why = f"no answer within {limit_s:.3g} s" if isinstance(error, TimeoutError) else error
            raise _given_up(host, str(why)) from error

    def earlier_runs(self) -> Sequence[RunRecord]:
        """The other runs of the plan, oldest first."""
        if self._earlier is None:
            self._earlier = tuple(each for each in self.history() if each.run_id != self.run_id)
        return self._earlier

    def prepared_names(self) -> Mapping[Key, Preparation]:
        """The DNS records whose TTLs earlier runs have lowered, and that are lowered still."""
        if self._prepared is None:
            self._prepared = preparations(self.earlier_runs())
        return self._prepared

    def wanted_ttls(self) -> Mapping[Key, int]:
        """The TTLs that the newest of the earlier failovers wants in the end."""
        if self._wanted_ttls is None:
            self._wanted_ttls = final_ttls(self.earlier_runs())
        return self._wanted_ttls

    def runs_of_vms(self) -> Sequence[RunRecord]:
        """The other runs of the plan's VMs, in whatever plan, oldest first."""
        if self._known is None:
            runs = (self.everywhere or self.history)()
            self._known = tuple(each for each in runs if each.run_id != self.run_id)
        return self._known

    def left_of(self, vm: str) -> Leftover | None:
        """What a clean-up has to undo for that VM; None if no test of ours is left."""
        if self._left is None:
            # Everything that makes something is over when the first clean-up step asks.
            self._left = leftovers(self.history())
        return self._left.get(vm)

    def dns_to_restore(self, vm: str) -> tuple[Mapping[str, Any], ...]:
        """The DNS changes of that VM that this run puts back: a test's, or those of a failover."""
        if self.is_test:
            left = self.left_of(vm)
            return left.dns if left else ()
        return dns_of_failover(self.earlier_runs(), vm)

    def networks_left(self) -> tuple[LeftNetworks, ...]:
        """The VM networks that tests of the plan may have made and nobody removed."""
        return networks_left(self.history())

    @property
    def made_networks(self) -> tuple[MadeNetwork, ...]:
        """The VM networks that this run makes for itself, as its preflight planned them."""
        planned = self.evidence.get("preflight", {}).get(MADE_NETWORKS, ())
        return tuple(MadeNetwork.from_dict(each) for each in planned)

    def noted(self, step: str, key: str) -> Any:
        """What this run has noted first under `key` for that step; None if nothing."""
        own = next((each for each in self.history() if each.run_id == self.run_id), None)
        notes = own.notes if own is not None else ()
        return next(
            (each.details[key] for each in notes if each.step == step and key in each.details), None
        )

    def evidence_of(self, *, vm: str, action: str) -> Mapping[str, Any]:
        """The evidence of that action on that VM; empty if it has not been done."""
        if not self._steps_of:
            self._steps_of = {
                (step.vm.name, step.action): step.id
                for step in self.steps.values()
                if step.vm is not None
            }
        return self.evidence.get(self._steps_of.get((vm, action), ""), {})


def _given_up(host: str, why: str) -> WrongStateError:
    return WrongStateError(
        f"{host} is given up for this run: {why}",
        host=host,
        next_step="The failover goes on without it.",
    )


def protection_of(plan: Plan, estate: Estate) -> Protection:
    """The pairing that `plan` belongs to; the loader has made sure that there is one."""
    return next(each for each in estate.protections if each.name == plan.protection)


def use_run(run: RunContext) -> None:
    """Make `run` the one that tasks of this asyncio context work on."""
    _CURRENT.set(run)


def current_run() -> RunContext:
    """The run that the calling task belongs to."""
    return _CURRENT.get()
