"""From a plan and an operation to its run graph: which phases there are, and in which order."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from secondsite.errors import Fault, PlanError
from secondsite.graph.phases import Phases
from secondsite.graph.rungraph import RunGraph
from secondsite.graph.steps import Action, Operation, PrimarySide
from secondsite.plan.model import Direction, Plan

__all__ = ["compile_graph"]


def compile_graph(
    plan: Plan,
    *,
    operation: Operation,
    direction: Direction = Direction.FORWARD,
    primary_side: PrimarySide = PrimarySide.ATTEMPT,
    hold: bool = False,
    hold_for: timedelta | None = None,
    cleanup: bool = False,
    created_networks: bool = False,
    settles: bool = False,
) -> RunGraph:
    """The run graph of `operation` on `plan`.

    Args:
        plan: What to recover.
        operation: What to do with it.
        direction: Decides which hooks apply, and which site is the source.
        primary_side: Unplanned only: whether an orderly shutdown of the source is tried first.
        hold: Test only: ask people before going on after the last group.
        hold_for: How long they are asked; after that the run goes on without them.
        cleanup: Test only: remove the test at the end of the same run, whatever became of it.
        created_networks: Test networks are made for the run, and removed with it.
        settles: Real failovers: names are looked at once more at the end.

    Raises:
        DependencyCycleError: a VM waits for itself; `.cycle` names the steps in order.
        PlanError: the plan names a VM or group twice, or a dependency that it does not have.
    """
    _refuse_faults(plan)
    phases = Phases(plan=plan, operation=operation, direction=direction)
    start = phases.preflight()
    match operation:
        case Operation.TEST:
            ready = phases.make_networks(after=start) if created_networks else start
            up = phases.verify(after=phases.boot(after=phases.fail_over(after=ready)))
            if hold:
                up = phases.hold(after=up, floor=start, limit=hold_for)
            if cleanup:
                # With a hold people agree to it; without one, a failed test is cleaned up as well.
                phases.clean_up(after=up, floor=up if hold else start, networks=created_networks)
        case Operation.PLANNED:
            down = phases.shut_down(after=phases.grant(after=start))
            phases.prepare(after=down)
            up = phases.boot(after=phases.fail_over(after=down))
            if settles:
                phases.settle(after=up, floor=down)
            reversed_ = phases.each_vm(Action.REVERSE, after=up)
            phases.raise_ttls(after=phases.each_vm(Action.COMMIT, after=reversed_))
        case Operation.UNPLANNED:
            if primary_side is PrimarySide.ATTEMPT:
                start = phases.shut_down(after=start)
                phases.prepare(after=start)
            up = phases.boot(after=phases.fail_over(after=start))
            if settles:
                phases.settle(after=up, floor=start)
        case Operation.CLEANUP:
            phases.clean_up(after=start, floor=start, networks=created_networks)
        case Operation.COMMIT:
            phases.raise_ttls(after=phases.each_vm(Action.COMMIT, after=start))
        case Operation.UNDO:
            phases.each_vm(Action.RESTORE_DNS, Action.UNDO, after=start)
        case Operation.REVERSE:
            phases.each_vm(Action.FENCE, Action.REVERSE, after=start)
        case Operation.CANCEL:
            up = phases.restart(after=phases.each_vm(Action.CANCEL, after=start))
            phases.restore_names(after=up)
            phases.give_back(after=up)
        case Operation.PREPARE_DNS:
            phases.each_vm(Action.PREPARE_DNS, after=start)
        case Operation.ROLLBACK_DNS:
            phases.each_vm(Action.ROLLBACK_DNS, after=start)
    return phases.draft.finish()


def _refuse_faults(plan: Plan) -> None:
    """The loader finds these with their lines; here they guard plans made by programs."""
    vms = Counter(vm.name.casefold() for vm in plan.vms)
    groups = Counter(group.name for group in plan.groups)
    messages = [f'VM "{name}" is in the plan twice' for name, count in vms.items() if count > 1]
    messages += [f'two groups are named "{name}"' for name, count in groups.items() if count > 1]
    messages += [
        f'VM "{vm.name}" depends on "{other}", which is not in the plan'
        for vm in plan.vms
        for other in vm.depends_on
        if other.casefold() not in vms
    ]
    if messages:
        raise PlanError([Fault(file=plan.name, line=0, message=message) for message in messages])
