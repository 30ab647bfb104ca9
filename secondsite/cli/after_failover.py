"""What commands that follow a failover share: direction from the sites, confirmation, start."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from secondsite.cli.confirming import confirm
from secondsite.cli.plan_status import ask_sites
from secondsite.cli.run import follow_to_the_end, tell_started
from secondsite.cli.start import requested_by, start
from secondsite.connectors.offers import instead, offered, reasons_against
from secondsite.errors import RefusedError
from secondsite.graph import Operation
from secondsite.plan.model import Direction
from tasks.context import protection_of

__all__ = ["add_arguments_of_verb", "carry_out"]


def add_arguments_of_verb(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of a verb that follows a failover."""
    parser.add_argument("plan", help="name of a plan of the plans folder, or its file")
    parser.add_argument(
        "--direction",
        choices=["forward", "back"],
        help="that of the failover (default: what the sites show)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--unattended", action="store_true", help="failed steps end the run")
    parser.add_argument("--detach", action="store_true", help="start it and return")
    parser.add_argument("--json", action="store_true", help="print the run's facts as JSON")


def carry_out(
    operation: Operation,
    arguments: argparse.Namespace,
    *,
    means: str,
    more: Mapping[str, str] | None = None,
) -> int:
    """Start the operation where the sites allow it, and follow it; gives the exit code.

    Args:
        operation: What to do.
        arguments: As `add_arguments_of_verb` declares them.
        means: What it means for the VMs, in a sentence.
        more: Parameters of its flow beside those that all verbs have.

    Raises:
        RefusedError: the plan does not stand where this is possible; nothing was started.
    """
    asked = ask_sites(arguments.plan)
    plan, protection = asked.plan, protection_of(asked.plan, asked.estate)
    direction = Direction(arguments.direction) if arguments.direction else None
    if direction is None:
        possible = [way for each, way in offered(asked.standing, protection) if each is operation]
        direction = possible[0] if possible else asked.standing.direction
    reasons = reasons_against(asked.standing, operation, direction, protection)
    if reasons:
        others = instead(plan.name, asked.standing, protection) or "Nothing is offered now."
        raise RefusedError(
            reasons,
            next_step=f"Nothing was started. {others} See: secondsite status {plan.name}",
        )
    count = len(asked.standing.vms)
    confirm(
        plan.name,
        what=[f"{operation} of {plan.name} ({count} VMs, {asked.standing.state}). {means}"],
        is_sure=arguments.yes,
    )
    parameters = {
        "confirm": plan.name,
        "direction": str(direction),
        "requested_by": requested_by(),
        "unattended": arguments.unattended,
        **(more or {}),
    }
    flow_run = start(f"{operation}/{plan.name}", parameters)
    if arguments.detach:
        tell_started(flow_run, as_json=arguments.json)
        return 0
    return follow_to_the_end(flow_run, as_json=arguments.json)
