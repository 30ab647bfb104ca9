"""Where a plan stands, derived from what both sites show, and what can be done from there. Pure.

Source of the states: the project's Hyper-V reference, sections 3.4-3.8.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from secondsite.connectors.base import HostSurvey, Replication, VmSurvey
from secondsite.plan.estate import Protection
from secondsite.plan.model import Direction, Plan

__all__ = ["PlanStanding", "SideView", "Standing", "VmStanding", "stand"]

_COPYING = frozenset(
    {
        "ReadyForInitialReplication",
        "InitialReplicationInProgress",
        "WaitingForInitialReplication",
        "WaitingForStartResynchronize",
        "Resynchronizing",
        "ResynchronizeSuspended",
        "WaitingForUpdateCompletion",
    }
)


class Standing(StrEnum):
    """Where one VM stands."""

    PROTECTED = "protected"
    TEST_RUNNING = "test running"
    PREPARED = "prepared for failover"
    COMMIT_PENDING = "failed over, commit pending"
    UNPROTECTED = "failed over, unprotected"
    REVERSING = "reversing"
    NOT_PROTECTED = "not protected"
    UNKNOWN = "unknown"


_NOT_OVER = frozenset({Standing.PROTECTED, Standing.TEST_RUNNING, Standing.PREPARED})


@dataclass(frozen=True, slots=True, kw_only=True)
class SideView:
    """A VM in one site.

    Attributes:
        survey: What its host showed; None when no host that answered has it.
        is_known: Whether every host of the site answered: absence means absence only then.
    """

    site: str
    host: str = ""
    survey: VmSurvey | None = None
    is_known: bool = True

    @property
    def relation(self) -> Replication | None:
        """Its own replication; an extended one is about a third site."""
        relations = self.survey.replication if self.survey else ()
        return next((each for each in relations if each.relationship != "Extended"), None)

    @property
    def is_prepared(self) -> bool:
        """Whether it waits, off, for its planned failover."""
        return self.relation is not None and self.relation.state == "PreparedForFailover"

    @property
    def is_extended(self) -> bool:
        """Whether it is replicated on, to a third site."""
        return self.survey is not None and any(
            each.relationship == "Extended" for each in self.survey.replication
        )

    @property
    def is_running(self) -> bool:
        """Whether it is anything but off."""
        return self.survey is not None and self.survey.state != "Off"

    @property
    def power(self) -> str:
        """Its state as Hyper-V names it, or `unknown`."""
        return self.survey.state if self.survey else "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class VmStanding:
    """One VM of the plan.

    Attributes:
        direction: Of the failover that it stands before or in: away from where its primary is.
        home: In the primary site of the protection.
        away: In the recovery site.
        holding: The site in which addresses are taken for a failover that did not come to it;
            empty: none are.
    """

    name: str
    state: Standing
    direction: Direction
    home: SideView
    away: SideView
    holding: str = ""

    @property
    def is_split(self) -> bool:
        """Whether it runs in both sites: two truths are being written."""
        return self.home.is_running and self.away.is_running

    @property
    def is_away(self) -> bool:
        """Whether the recovery site shows that it was failed over to it, or is its primary."""
        relation = self.away.relation
        return _is_over(self.away) or (relation is not None and relation.mode == "Primary")

    def side(self, site: str) -> SideView:
        """The VM in that site."""
        return self.home if self.home.site == site else self.away

    @property
    def where(self) -> str:
        """The sites in which it runs, for people."""
        sites = [each.site for each in (self.home, self.away) if each.is_running]
        unknown = [each.site for each in (self.home, self.away) if not each.is_known]
        words = " and ".join(sites) or "nowhere"
        return f"{words} ({', '.join(unknown)} unknown)" if unknown else words


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStanding:
    """Every VM of the plan, and the plan as a whole."""

    vms: Mapping[str, VmStanding]

    @property
    def state(self) -> str:
        """The plan's state in words."""
        split = [vm.name for vm in self.vms.values() if vm.is_split]
        if split:
            verb = "runs" if len(split) == 1 else "run"
            return f"split: {', '.join(split)} {verb} in both sites"
        states = {(vm.state, vm.direction) for vm in self.vms.values()}
        if len(states) != 1:
            words = "mixed: " + ", ".join(sorted({_words(*state) for state in states}))
        else:
            words = _words(*states.pop())
        return "; ".join([words, *self._addresses_held()])

    def _addresses_held(self) -> Iterator[str]:
        for site in sorted({vm.holding for vm in self.vms.values() if vm.holding}):
            names = [vm.name for vm in self.vms.values() if vm.holding == site]
            yield f"addresses in {site} are still taken for {', '.join(names)}"

    @property
    def away(self) -> tuple[str, ...]:
        """The VMs that are in the recovery site; none as long as one of the plan runs in both."""
        if any(vm.is_split for vm in self.vms.values()):
            return ()
        return tuple(vm.name for vm in self.vms.values() if vm.is_away)

    @property
    def direction(self) -> Direction:
        """Of the failover that most VMs stand before or in."""
        back = sum(vm.direction is Direction.BACK for vm in self.vms.values())
        return Direction.BACK if back * 2 > len(self.vms) else Direction.FORWARD


def stand(
    plan: Plan,
    protection: Protection,
    *,
    surveys: Mapping[str, Sequence[HostSurvey]],
    silent: Mapping[str, Sequence[str]],
    holders: Mapping[str, Collection[str]] | None = None,
) -> PlanStanding:
    """Where every VM of `plan` stands.

    Args:
        plan: Names the VMs; they are compared without case, as Hyper-V does.
        protection: Says which site is home.
        surveys: Of the hosts that answered, by site.
        silent: Hosts that did not answer, by site.
        holders: VMs for which failovers have taken addresses that nobody gave back, by site.
    """
    home = _find(surveys.get(protection.primary, ()))
    away = _find(surveys.get(protection.recovery, ()))

    def view(site: str, found: Mapping[str, tuple[str, VmSurvey]], name: str) -> SideView:
        host, survey = found.get(name.casefold(), ("", None))
        return SideView(site=site, host=host, survey=survey, is_known=not silent.get(site))

    return PlanStanding(
        vms={
            vm.name: _judge(
                vm.name,
                home=view(protection.primary, home, vm.name),
                away=view(protection.recovery, away, vm.name),
                holders=holders or {},
            )
            for vm in plan.vms
        }
    )


def _find(surveys: Iterable[HostSurvey]) -> dict[str, tuple[str, VmSurvey]]:
    """(host, VM) by name; of several, the one that replicates. Test VMs are not meant."""
    found: dict[str, tuple[str, VmSurvey]] = {}
    for survey in surveys:
        for vm in survey.vms:
            if any(relation.mode == "TestReplica" for relation in vm.replication):
                continue
            if vm.name.casefold() not in found or vm.replication:
                found[vm.name.casefold()] = (survey.host, vm)
    return found


def _judge(
    name: str, *, home: SideView, away: SideView, holders: Mapping[str, Collection[str]]
) -> VmStanding:
    direction = _direction(home, away)
    is_forward = direction is Direction.FORWARD
    source, target = (home, away) if is_forward else (away, home)
    state = _state(source, target)
    # One that is over, or on its way home, has those addresses for good reason.
    is_left = state in _NOT_OVER and name in holders.get(target.site, ())
    return VmStanding(
        name=name,
        state=state,
        direction=direction,
        home=home,
        away=away,
        holding=target.site if is_left else "",
    )


def _direction(home: SideView, away: SideView) -> Direction:
    """A replica that was failed over tells it; else the primary does, wherever it is."""
    if _is_over(away):
        return Direction.FORWARD
    if _is_over(home):
        return Direction.BACK
    if away.relation is not None and away.relation.mode == "Primary":
        # Still on its way to be protected there: the failover that it belongs to led there.
        return Direction.FORWARD if away.relation.state in _COPYING else Direction.BACK
    if away.relation is None and home.relation is not None and home.relation.mode == "Replica":
        return Direction.BACK
    return Direction.FORWARD


def _is_over(side: SideView) -> bool:
    relation = side.relation
    return relation is not None and relation.state in {"FailedOverWaitingCompletion", "FailedOver"}


def _state(source: SideView, target: SideView) -> Standing:
    there, here = target.relation, source.relation
    if there is None:
        return Standing.NOT_PROTECTED if target.is_known else Standing.UNKNOWN
    if there.state == "FailedOverWaitingCompletion":
        return Standing.COMMIT_PENDING
    if there.state == "FailedOver":
        is_waiting = here is not None and here.mode == "Replica"
        return Standing.REVERSING if is_waiting else Standing.UNPROTECTED
    if there.mode == "Primary":
        return Standing.REVERSING
    if target.survey is not None and target.survey.test_vm:
        return Standing.TEST_RUNNING
    if source.is_prepared:
        return Standing.PREPARED
    if there.state == "Replicating":
        return Standing.PROTECTED
    return Standing.NOT_PROTECTED


def _words(state: Standing, direction: Direction) -> str:
    if state is Standing.PROTECTED and direction is Direction.BACK:
        return "protected, reversed"
    return str(state)
