"""`secondsite dns prepare PLAN` and `secondsite dns rollback RUN`: DNS alone, no VM is touched."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime

from secondsite.cli.confirming import confirm
from secondsite.cli.plans import named_plan
from secondsite.cli.run import EXIT_CODES, tell_started
from secondsite.cli.start import FlowRun, follow, open_journal, requested_by, start
from secondsite.cli.which_run import find_run
from secondsite.errors import RefusedError
from secondsite.reports.console import LiveView
from secondsite.reports.dns_alone import dns_lines
from secondsite.reports.facts import run_facts
from secondsite.run.dns_ledger import changes_of
from secondsite.run.following import Following
from secondsite.run.record import RunRecord

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    prepare = verbs.add_parser("prepare", help="lower TTLs ahead of a planned failover")
    prepare.add_argument("plan", help="name of a plan of the plans folder, or its file")
    prepare.add_argument(
        "--direction",
        choices=["forward", "back"],
        default="forward",
        help="of the failover that it is for",
    )
    rollback = verbs.add_parser("rollback", help="take back what a run changed in DNS")
    rollback.add_argument("run", help="id of the run, the beginning or end of one, or `latest`")
    rollback.add_argument("--yes", action="store_true", help="do not ask for the plan's name")
    for each in (prepare, rollback):
        each.add_argument("--unattended", action="store_true", help="failed steps end the run")
        each.add_argument("--detach", action="store_true", help="start it and return")
        each.add_argument("--json", action="store_true", help="print the run's facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Start it and follow it; gives 0 when it is done, 1 when it failed, 4 when people decide."""
    flow_run = _prepare(arguments) if arguments.verb == "prepare" else _roll_back(arguments)
    if arguments.detach:
        tell_started(flow_run, as_json=arguments.json)
        return 0
    with open_journal() as journal:
        if arguments.json:
            record = follow(flow_run, journal, show=lambda _: None)
            print(json.dumps(run_facts(record), indent=2))
        else:
            print(f"Prefect's page of this run: {flow_run.url}", flush=True)
            with LiveView(sys.stdout) as view:
                record = follow(flow_run, journal, show=view.show)
            for line in (*dns_lines(record), *_outlook(record)):
                print(line)
    return EXIT_CODES.get(record.state, EXIT_CODES["aborted"])


def _prepare(arguments: argparse.Namespace) -> FlowRun:
    plan = named_plan(arguments.plan)
    parameters = {
        "direction": arguments.direction,
        "requested_by": requested_by(),
        "unattended": arguments.unattended,
    }
    return start(f"prepare-dns/{plan.name}", parameters)


def _roll_back(arguments: argparse.Namespace) -> FlowRun:
    """Take back what a run changed.

    Raises:
        RefusedError: it has changed nothing, or is not over. Nothing was started.
    """
    with open_journal() as journal:
        run_id = find_run(journal, arguments.run)
        record = Following(journal, run_id).record
    count = sum(1 for _ in changes_of(record))
    reasons = [] if count else [f"{run_id} has changed nothing in DNS"]
    reasons += [f"{run_id} is not over"] if record.is_active else []
    if reasons:
        raise RefusedError(
            reasons, next_step=f"Nothing was started. See: secondsite report {run_id}"
        )
    confirm(
        record.plan,
        what=[
            f"Up to {count} DNS records go back to what they were before {run_id}. VMs stay as "
            "they are; what somebody else has changed since stays, too."
        ],
        is_sure=arguments.yes,
    )
    parameters = {
        "run": run_id,
        "confirm": record.plan,
        "direction": record.direction,
        "requested_by": requested_by(),
        "unattended": arguments.unattended,
    }
    return start(f"rollback-dns/{record.plan}", parameters)


def _outlook(record: RunRecord) -> Iterator[str]:
    """When nobody has the old TTLs any more."""
    told = [str(step.evidence.get("old_ttl_over_at") or "") for step in record.steps]
    if any(told):
        over_at = datetime.fromisoformat(max(told))
        yield (
            f"The old TTLs have run out at {over_at:%Y-%m-%d %H:%M:%S} UTC: from then on clients "
            "follow a change within the lowered one. Start the planned failover after that."
        )
    elif record.kind == "prepare-dns" and record.state == "done":
        yield "Every TTL is as low as that already: the planned failover may start."
