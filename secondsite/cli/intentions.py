"""What a real failover is about to do, in words, before it is confirmed."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from secondsite.connectors.offers import already
from secondsite.errors import SecondsiteError
from secondsite.graph import Operation
from secondsite.plan.model import Direction, Plan
from tasks.context import protection_of
from tasks.options import RunOptions
from tasks.recovery_points import choose

__all__ = ["what_will_happen"]


def what_will_happen(arguments: argparse.Namespace, plan: Plan) -> list[str]:
    """Lines for the person who decides; for an unplanned failover with the data that is lost.

    The sites are asked; one that does not answer is said, and holds nothing up for long.
    """
    from secondsite.cli.plan_status import ask_sites

    direction, operation = Direction(arguments.direction), Operation(arguments.kind)
    count = sum(1 for _ in plan.vms)
    try:
        is_skipped = operation is Operation.UNPLANNED and arguments.primary_side == "skip"
        asked = ask_sites(arguments.plan, leave_out=direction if is_skipped else None)
    except SecondsiteError as error:
        return [f"{operation} failover {direction} of {plan.name}, {count} VMs. {error.message}"]
    source, target = protection_of(plan, asked.estate).site_names(direction)
    lines = [
        f"{operation} failover of {plan.name}: {count} VMs leave {source} and come up in {target}.",
        f"It is {asked.standing.state}.",
    ]
    lines += [
        f"Nothing is asked of {side.site} (--primary-side skip)."
        if is_skipped and side.site == source
        else f"No answer from {side.site}: {', '.join(side.silent)}"
        for side in asked.sides
        if side.silent
    ]
    if operation is not Operation.UNPLANNED:
        return lines
    options = RunOptions(
        recovery_point=arguments.recovery_point,
        recovery_points=dict(each.split("=", 1) for each in arguments.recovery_point_of),
    )
    now = datetime.now(UTC)
    lines.append("Data that is lost if nothing more can be fetched from the site that is left:")
    for vm in asked.standing.vms.values():
        survey = vm.side(target).survey
        if survey is None or already(vm, operation, direction):
            continue
        chosen = choose(survey, options)
        if chosen.made_at is None:
            lines.append(f"  {vm.name}: {chosen.refusal or 'nothing tells how old its data is'}")
        else:
            minutes = (now - chosen.made_at).total_seconds() / 60
            lines.append(
                f"  {vm.name}: {minutes:.0f} min (data of {chosen.made_at:%Y-%m-%d %H:%M:%S} UTC)"
            )
    return lines
