"""What the sites show of a plan: where each VM is, and what speaks against a run. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from secondsite.connectors.base import (
    HostSurvey,
    Inventory,
    RecoveryPoint,
    Replication,
    VmSurvey,
)
from secondsite.plan.estate import Network, Site
from secondsite.plan.model import Plan, PlannedVm
from secondsite.run.finding import Finding, Severity

__all__ = ["Placement", "against_memory", "against_replication", "judge_test", "place"]

_FAILOVER_STATES = frozenset({"Replicating"})
"""A replica in another state refuses a test failover (Hyper-V Replica, allowed operations)."""
_AFTER_FAILOVER = {
    "FailedOverWaitingCompletion": "commit or undo that first",
    "FailedOver": "reverse it first",
}
"""What goes before a test where a real failover has been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a VM of the plan stands in the site in which it will come up."""

    vm: str
    id: str
    host: str
    survey: VmSurvey

    @property
    def newest_recovery_point(self) -> RecoveryPoint | None:
        """The newest checkpoint of the replica; None if it keeps none."""
        return max(
            self.survey.recovery_points,
            key=lambda point: datetime.fromisoformat(point.created_at),
            default=None,
        )


def place(plan: Plan, surveys: Iterable[HostSurvey]) -> tuple[dict[str, Placement], list[Finding]]:
    """The placement of every VM of `plan` that was found, and a finding for each that was not.

    Names are compared without case, as Hyper-V does; test VMs are not taken for replicas.
    """
    found: dict[str, list[Placement]] = defaultdict(list)
    hosts = []
    for survey in surveys:
        hosts.append(survey.host)
        for vm in survey.vms:
            if any(relation.mode == "TestReplica" for relation in vm.replication):
                continue
            placement = Placement(vm=vm.name, id=vm.id, host=survey.host, survey=vm)
            found[vm.name.casefold()].append(placement)
    answered = ", ".join(hosts) or "none"
    placements: dict[str, Placement] = {}
    findings: list[Finding] = []
    for planned in plan.vms:
        candidates = _replicas(found.get(planned.name.casefold(), []))
        if len(candidates) == 1:
            placements[planned.name] = candidates[0]
        elif not candidates:
            findings.append(
                _blocker(
                    "replication",
                    f"{planned.name} is on none of the hosts that answered ({answered})",
                    "set up its replication, or take it out of the plan",
                    vm=planned.name,
                )
            )
        else:
            where = ", ".join(sorted(each.host for each in candidates))
            findings.append(
                _blocker(
                    "replication",
                    f"{planned.name} is on several hosts ({where})",
                    "remove the copy that is not the replica, or rename it",
                    vm=planned.name,
                )
            )
    return placements, findings


def _blocker(area: str, sentence: str, remedy: str, *, vm: str = "", host: str = "") -> Finding:
    return Finding(
        severity=Severity.BLOCKER, area=area, sentence=sentence, remedy=remedy, vm=vm, host=host
    )


def _replicas(candidates: Sequence[Placement]) -> Sequence[Placement]:
    """The replicas among VMs of one name; all of them if none is a replica."""
    replicas = [
        each
        for each in candidates
        if any(
            relation.mode in {"Replica", "ExtendedReplica"} for relation in each.survey.replication
        )
    ]
    return replicas or candidates


def judge_test(
    plan: Plan,
    *,
    site: Site,
    networks: Sequence[Network],
    placements: Mapping[str, Placement],
    surveys: Sequence[HostSurvey],
    inventory: Inventory | None,
) -> list[Finding]:
    """Everything against a test failover of `plan`; empty when it may start.

    `networks` are those of the estate that test VMs are to be connected to, if any. What is against
    single adapters, `secondsite.connectors.adapter_fitness` tells.
    """
    findings: list[Finding] = []
    known_ids = {vm.id.casefold() for vm in inventory.vms} if inventory else None
    for planned in plan.vms:
        placement = placements.get(planned.name)
        if placement is not None:
            findings += _against_vm(planned, placement, known_ids, site)
    for network in networks:
        findings += _against_network(network)
        findings += _against_masquerade(plan, network, site)
    findings += against_memory(placements, surveys)
    return findings


def _against_vm(
    planned: PlannedVm, placement: Placement, known_ids: set[str] | None, site: Site
) -> list[Finding]:
    name, host = planned.name, placement.host
    findings = []
    if known_ids is not None and placement.id.casefold() not in known_ids:
        findings.append(
            _blocker(
                "inventory",
                f"{name} on {host} is not in the inventory of {site.vmm.name}",
                "refresh the host in VMM, or check that it manages the host",
                vm=name,
                host=host,
            )
        )
    findings += against_replication(name, placement)
    if placement.survey.test_vm:
        findings.append(
            _blocker(
                "test",
                f"{name} on {host} already has the test VM {placement.survey.test_vm!r}",
                "end that test first (secondsite cleanup, or Stop-VMFailover if somebody else "
                "made it)",
                vm=name,
                host=host,
            )
        )
    return findings


def against_replication(name: str, placement: Placement) -> list[Finding]:
    """What keeps a replica from being failed over."""
    host = placement.host
    relations = [
        relation
        for relation in placement.survey.replication
        if relation.mode in {"Replica", "ExtendedReplica"}
    ]
    if any(each.mode == "Primary" for each in placement.survey.replication) and not relations:
        return [
            _blocker(
                "replication",
                f"{name} on {host} is the primary: it is in this site already",
                "choose the other direction; secondsite status tells where the plan stands",
                vm=name,
                host=host,
            )
        ]
    if not relations:
        return [
            _blocker(
                "replication",
                f"{name} on {host} is not a replica",
                "enable its replication first",
                vm=name,
                host=host,
            )
        ]
    return [
        _against_state(name, host, relation)
        for relation in relations
        if relation.state not in _FAILOVER_STATES
    ]


def _against_state(name: str, host: str, relation: Replication) -> Finding:
    """A replica that was failed over must not be resynchronized: it is the one that counts."""
    if remedy := _AFTER_FAILOVER.get(relation.state, ""):
        sentence = f"{name} on {host} was failed over (state {relation.state})"
    else:
        sentence = (
            f"{name} on {host} does not replicate: its state is {relation.state} "
            f"(health {relation.health})"
        )
        remedy = "resume or resynchronize its replication"
    return _blocker("replication", sentence, remedy, vm=name, host=host)


def _against_network(network: Network) -> list[Finding]:
    if network.purpose == "test":
        return []
    return [
        _blocker(
            "network",
            f"{network.name} is a production network, which test VMs never get",
            "choose a network whose purpose is `test`",
        )
    ]


def _against_masquerade(plan: Plan, network: Network, site: Site) -> list[Finding]:
    """A bubble with production's addresses and no translation: a probe would ask production."""
    probed = [vm.name for vm in plan.vms if any(not isinstance(each, str) for each in vm.ready)]
    if network.masquerade or not probed:
        return []
    return [
        _blocker(
            "network",
            f"{network.name} has the addresses of {other.name} and no `masquerade`: the tcp and "
            f"http probes of {', '.join(probed)} would ask production machines",
            "write the network's `masquerade` in the estate, or choose `none`, where only "
            "heartbeats count",
        )
        for other in site.networks
        if other.purpose == "production"
        and any(
            mine.version == theirs.version and mine.overlaps(theirs)
            for mine in network.subnets
            for theirs in other.subnets
        )
    ]


def against_memory(
    placements: Mapping[str, Placement], surveys: Sequence[HostSurvey]
) -> list[Finding]:
    """A finding for each host whose free memory does not hold the VMs placed on it, all at once."""
    needed_mib: dict[str, int] = defaultdict(int)
    for placement in placements.values():
        needed_mib[placement.host] += placement.survey.memory_mib
    return [
        _blocker(
            "memory",
            f"{survey.host} has {survey.free_memory_mib} MiB of memory free, but the plan's VMs "
            f"there need {needed_mib[survey.host]} MiB",
            "free some, or move replicas to another host",
            host=survey.host,
        )
        for survey in surveys
        if needed_mib.get(survey.host, 0) > survey.free_memory_mib
    ]
