"""`secondsite run PLAN --kind K`: starts a run through the Prefect server and follows it live."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from secondsite.cli.plans import named_plan
from secondsite.cli.start import FlowRun, follow, open_journal, requested_by, start
from secondsite.errors import UsageError
from secondsite.reports.console import LiveView
from secondsite.reports.facts import run_facts
from secondsite.run.record import RunRecord

__all__ = ["EXIT_CODES", "add_arguments", "follow_to_the_end", "run"]

EXIT_CODES = {"done": 0, "failed": 1, "aborted": 1, "waiting": 4}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("plan", help="name of a plan of the plans folder, or its file")
    parser.add_argument(
        "--kind", choices=["test", "planned", "unplanned"], required=True, help="failover kind"
    )
    parser.add_argument("--direction", choices=["forward", "back"], default="forward")
    parser.add_argument(
        "--test-network",
        metavar="N",
        help="network for the test VMs, `created` or `none` (default: as the estate says)",
    )
    parser.add_argument("--clean-up", action="store_true", help="end the test as part of this run")
    parser.add_argument(
        "--hold", action="store_true", help="with --clean-up: ask people before the test is ended"
    )
    parser.add_argument(
        "--yes", action="store_true", help="for real failovers; a test asks nothing"
    )
    parser.add_argument("--detach", action="store_true", help="start it and return")
    parser.add_argument("--follow", action="store_true", help="follow it (the default)")
    parser.add_argument("--json", action="store_true", help="print the run's facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Start the run; gives 0 when it is done, 1 when it failed, 4 when it waits for people."""
    plan = named_plan(arguments.plan)
    if arguments.kind != "test":
        raise UsageError(
            f"This version carries out test failovers; {arguments.kind} ones it only shows. "
            "Nothing was started.",
            next_step=f"secondsite show {plan.name} --kind {arguments.kind}",
        )
    flow_run = start(f"test-failover/{plan.name}", parameters(arguments))
    if arguments.detach:
        _tell_started(flow_run, as_json=arguments.json)
        return 0
    return follow_to_the_end(flow_run, as_json=arguments.json)


def parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """The flow's parameters, from the command's arguments."""
    chosen: dict[str, Any] = {
        "clean_up": arguments.clean_up,
        "direction": arguments.direction,
        "hold": arguments.hold,
        "requested_by": requested_by(),
    }
    if arguments.test_network in {"none", "created"}:
        chosen["network"] = arguments.test_network
    elif arguments.test_network:
        chosen |= {"network": "existing", "network_name": arguments.test_network}
    return chosen


def follow_to_the_end(flow_run: FlowRun, *, as_json: bool) -> int:
    """Show the run until it is over or waits for people; gives the exit code."""
    if not as_json:
        print(f"Prefect's page of this run: {flow_run.url}", flush=True)
    with open_journal() as journal:
        if as_json:
            record = follow(flow_run, journal, show=_ignore)
            print(json.dumps(run_facts(record), indent=2))
        else:
            with LiveView(sys.stdout) as view:
                record = follow(flow_run, journal, show=view.show)
    return EXIT_CODES[record.state]


def _tell_started(flow_run: FlowRun, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"flow_run": str(flow_run.id), "url": flow_run.url}))
    else:
        print(f"Started: {flow_run.url}")
        print("Follow it with: secondsite runs")


def _ignore(record: RunRecord) -> None:
    """With --json nothing is shown before the end."""
