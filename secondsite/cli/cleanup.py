"""`secondsite cleanup PLAN`: ends the plan's test failover, also one whose run died half-way."""

from __future__ import annotations

import argparse

from secondsite.cli.plans import named_plan
from secondsite.cli.run import follow_to_the_end
from secondsite.cli.start import requested_by, start

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("plan", help="name of a plan of the plans folder, or its file")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print the run's facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """DNS back to what it was, test VMs removed; nothing that the test did not make is touched."""
    plan = named_plan(arguments.plan)
    flow_run = start(f"clean-up/{plan.name}", {"requested_by": requested_by()})
    return follow_to_the_end(flow_run, as_json=arguments.json)
