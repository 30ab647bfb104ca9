"""`secondsite rehearse PLAN|SUITE`: check, test failover, probes, clean-up, report; unattended."""

from __future__ import annotations

import argparse

from secondsite.cli.run import follow_to_the_end, tell_started
from secondsite.cli.start import requested_by, start
from secondsite.errors import Fault, PlanError
from secondsite.home import plans_folder
from secondsite.plan.loader import load_folder
from secondsite.plan.suggestions import did_you_mean

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="PLAN|SUITE", help="name of a plan or of a suite")
    parser.add_argument("--detach", action="store_true", help="start it and return")
    parser.add_argument("--json", action="store_true", help="print the rehearsal's facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Rehearse now, as the plan or suite says; gives 0 when all of it succeeded, else 1.

    Production is not touched; what the tests make is cleaned up whatever became of them.
    """
    folder = plans_folder()
    loaded = load_folder(folder)
    known = [*loaded.plans, *loaded.suites]
    if arguments.name not in known:
        message = f'there is no plan and no suite "{arguments.name}"'
        message += did_you_mean(arguments.name, known)
        raise PlanError([Fault(file=str(folder), line=0, message=message)])
    flow_run = start(f"rehearse/{arguments.name}", {"requested_by": requested_by()})
    if arguments.detach:
        tell_started(flow_run, as_json=arguments.json)
        return 0
    return follow_to_the_end(flow_run, as_json=arguments.json)
