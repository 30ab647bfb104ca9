"""Which operations a plan's standing allows, and why not the others. A table. Pure."""

from __future__ import annotations

from secondsite.connectors.standing import PlanStanding, SideView, Standing, VmStanding
from secondsite.graph import Operation
from secondsite.plan.estate import Protection
from secondsite.plan.model import Direction

__all__ = ["already", "command", "instead", "offered", "possible", "reasons_against"]

_ACTS: dict[Operation, frozenset[Standing]] = {
    Operation.TEST: frozenset({Standing.PROTECTED}),
    Operation.PLANNED: frozenset(
        {Standing.PROTECTED, Standing.PREPARED, Standing.COMMIT_PENDING, Standing.REVERSING}
    ),
    Operation.UNPLANNED: frozenset(
        {Standing.PROTECTED, Standing.PREPARED, Standing.COMMIT_PENDING}
    ),
    Operation.COMMIT: frozenset({Standing.COMMIT_PENDING}),
    Operation.UNDO: frozenset({Standing.COMMIT_PENDING}),
    Operation.REVERSE: frozenset({Standing.UNPROTECTED, Standing.REVERSING}),
    Operation.CANCEL: frozenset({Standing.PREPARED, Standing.PROTECTED}),
    Operation.CLEANUP: frozenset({Standing.TEST_RUNNING}),
}
"""In which standings, in the direction of the operation, a VM takes part in it."""

_BEGINS: dict[Operation, frozenset[Standing]] = {
    Operation.UNPLANNED: frozenset({Standing.PROTECTED, Standing.PREPARED}),
    Operation.CANCEL: frozenset({Standing.PREPARED}),
}
"""In which of them it is worth offering, where that is fewer."""

_OVER: dict[Operation, frozenset[Standing]] = {
    Operation.PLANNED: frozenset({Standing.UNPROTECTED}),
    Operation.UNPLANNED: frozenset({Standing.UNPROTECTED, Standing.REVERSING}),
    Operation.COMMIT: frozenset({Standing.UNPROTECTED, Standing.REVERSING}),
    Operation.UNDO: frozenset({Standing.PROTECTED, Standing.PREPARED}),
}
"""In which standings it is over already: the VM is skipped, and that is said."""

_NEEDS_SOURCE = frozenset({Operation.PLANNED, Operation.REVERSE, Operation.CANCEL})
"""Operations that do something to the VM in the site that is left."""

_REVERSES = frozenset({Operation.PLANNED, Operation.REVERSE})

_ENDS_A_SPLIT = frozenset({Operation.COMMIT, Operation.UNDO, Operation.REVERSE})
"""What people do when a site that was thought gone comes back with its VMs running."""

_OVER_TURNED = frozenset(
    {Operation.PLANNED, Operation.UNPLANNED, Operation.COMMIT, Operation.REVERSE}
)
"""Operations that are over for a VM which is protected in the other direction already."""


def already(vm: VmStanding, operation: Operation, direction: Direction) -> str:
    """Why `operation` has nothing to do for `vm`; empty if it has."""
    is_turned = vm.direction is not direction
    if is_turned and vm.state is Standing.PROTECTED and operation in _OVER_TURNED:
        return f"it runs in {vm.where} and replicates back already"
    if is_turned and vm.state is Standing.UNKNOWN and operation is Operation.COMMIT:
        return f"it is the primary already, in {vm.where}"  # only the site it came to was asked
    if not is_turned and vm.state in _OVER.get(operation, ()):
        return f"it is {vm.state}, in {vm.where}"
    return ""


def reasons_against(
    standing: PlanStanding, operation: Operation, direction: Direction, protection: Protection
) -> list[str]:
    """Every VM that forbids `operation`, and why; empty if it may start."""
    source, target = protection.site_names(direction)
    reasons = [
        reason
        for vm in standing.vms.values()
        if (reason := _against(vm, operation, direction, source))
    ]
    takes_part = [vm for vm in standing.vms.values() if _takes_part(vm, operation, direction)]
    if not reasons and not takes_part:
        is_known = any(vm.state is not Standing.UNKNOWN for vm in standing.vms.values())
        words = standing.state if is_known else f"the primary in {target} already"
        reasons.append(f"nothing is left to do: every VM is {words}")
    if (
        not reasons
        and operation is Operation.CANCEL
        and all(_is_as_before(vm, source) for vm in standing.vms.values())
    ):
        is_known = all(vm.state is Standing.PROTECTED for vm in standing.vms.values())
        rest = " and is protected" if is_known else ""
        reasons.append(f"there is nothing to cancel: every VM runs in {source}{rest}")
    return reasons


def offered(
    standing: PlanStanding, protection: Protection
) -> tuple[tuple[Operation, Direction], ...]:
    """The operations that may start now, each with its direction."""
    return tuple(
        (operation, direction)
        for direction in Direction
        for operation in Operation
        if operation in _ACTS
        and any(
            vm.direction is direction and _is_worth_it(vm, operation, direction, protection)
            for vm in standing.vms.values()
        )
        and not reasons_against(standing, operation, direction, protection)
    )


def _is_worth_it(
    vm: VmStanding, operation: Operation, direction: Direction, protection: Protection
) -> bool:
    source, _ = protection.site_names(direction)
    return (
        vm.state in _BEGINS.get(operation, _ACTS[operation])
        or _gives_back(vm, operation, direction)
        or (_is_left_behind(vm, operation, source) and vm.side(source).is_prepared)
    )


def command(plan: str, operation: Operation, direction: Direction) -> str:
    """What to type for it."""
    if operation.failover_kind is None:
        return f"secondsite {operation} {plan}"
    back = " --direction back" if direction is Direction.BACK else ""
    return f"secondsite run {plan} --kind {operation}{back}"


def possible(plan: str, standing: PlanStanding, protection: Protection) -> list[str]:
    """What may be typed now."""
    return [command(plan, operation, way) for operation, way in offered(standing, protection)]


def instead(plan: str, standing: PlanStanding, protection: Protection) -> str:
    """What may be done now, for whoever was refused something else; empty if nothing may."""
    commands = possible(plan, standing, protection)
    return f"Possible now: {'; '.join(commands)}." if commands else ""


def _takes_part(vm: VmStanding, operation: Operation, direction: Direction) -> bool:
    return not already(vm, operation, direction) or _gives_back(vm, operation, direction)


def _gives_back(vm: VmStanding, operation: Operation, direction: Direction) -> bool:
    """Whether undo has something to give back for a VM to which the failover did not come."""
    return (
        operation is Operation.UNDO
        and vm.direction is direction
        and vm.state is Standing.PROTECTED
        and bool(vm.holding)
    )


def _against(vm: VmStanding, operation: Operation, direction: Direction, source: str) -> str:
    if vm.is_split and operation not in _ENDS_A_SPLIT:
        return (
            f"{vm.name} runs in both sites ({vm.state}): decide which one is right; undo turns "
            "off the one that was failed over, commit and reverse the other one"
        )
    if already(vm, operation, direction):
        return ""
    if vm.direction is not direction:
        return f"{vm.name} is {vm.state} in the other direction: its primary is not in {source}"
    if vm.state not in _ACTS[operation] and not _is_left_behind(vm, operation, source):
        return f"{vm.name} is {vm.state}, in {vm.where}"
    side = vm.side(source)
    if operation in _NEEDS_SOURCE and side.survey is None and not side.is_known:
        return f"{vm.name} was not found in {source}, and not every host there answers"
    if operation in _REVERSES and (reason := _against_reversal(vm, source)):
        return reason
    if operation is Operation.PLANNED:
        return _against_planned(vm, side)
    return ""


def _against_reversal(vm: VmStanding, source: str) -> str:
    """What Hyper-V cannot turn round (extended replication, reference §3.6)."""
    target = vm.away if vm.home.site == source else vm.home
    if not target.is_extended:
        return ""
    return (
        f"{vm.name} in {target.site} is itself replicated on to a third server: Hyper-V cannot "
        f"reverse it to {source} until that extended replication is removed "
        "(Remove-VMReplication -ReplicationRelationshipType Extended)"
    )


def _against_planned(vm: VmStanding, source: SideView) -> str:
    """A planned failover goes on from where an earlier one stopped, not from an unplanned one."""
    if vm.state is Standing.COMMIT_PENDING and not source.is_prepared:
        return f"{vm.name} was failed over unplanned: commit or undo that first"
    return ""


def _is_left_behind(vm: VmStanding, operation: Operation, source: str) -> bool:
    """Whether cancel can start it where it was, although the site that it was to go to is silent.

    Nobody but people knows then whether it was failed over and runs there.
    """
    relation = vm.side(source).relation
    return (
        operation is Operation.CANCEL
        and vm.state is Standing.UNKNOWN
        and relation is not None
        and relation.mode == "Primary"
    )


def _is_as_before(vm: VmStanding, source: str) -> bool:
    is_at_home = vm.state in {Standing.PROTECTED, Standing.UNKNOWN}
    return is_at_home and vm.side(source).is_running and not vm.holding
