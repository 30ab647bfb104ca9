"""`secondsite run PLAN --kind K`: starts a run through the Prefect server and follows it live."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import Any

from secondsite.cli.confirming import confirm
from secondsite.cli.intentions import what_will_happen
from secondsite.cli.network_choice import add_test_network, test_network_choice
from secondsite.cli.plans import named_plan
from secondsite.cli.run_choices import check_choices
from secondsite.cli.start import FlowRun, follow, open_journal, requested_by, start
from secondsite.errors import UsageError
from secondsite.plan.model import Plan
from secondsite.reports.console import LiveView
from secondsite.reports.proven import proven_facts
from secondsite.reports.shape import RunFacts
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord

__all__ = ["EXIT_CODES", "add_arguments", "follow_to_the_end", "run", "tell_started"]

EXIT_CODES = {"done": 0, "failed": 1, "aborted": 1, "waiting": 4}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("plan", help="name of a plan of the plans folder, or its file")
    parser.add_argument(
        "--kind", choices=["test", "planned", "unplanned"], required=True, help="failover kind"
    )
    parser.add_argument("--direction", choices=["forward", "back"], default="forward")
    add_test_network(parser)
    parser.add_argument("--clean-up", action="store_true", help="test: end it as part of this run")
    parser.add_argument(
        "--hold", action="store_true", help="with --clean-up: ask people before the test ends"
    )
    parser.add_argument(
        "--primary-side",
        choices=["attempt", "skip"],
        help="unplanned: shut down the site that is left first if it answers (attempt, the "
        "default), or ask nothing of it (skip)",
    )
    parser.add_argument(
        "--recovery-point",
        metavar="P",
        help="test, unplanned: latest (the default), latest-app-consistent, or a time "
        "(2026-11-24T03:00Z)",
    )
    parser.add_argument(
        "--recovery-point-of",
        metavar="VM=P",
        action="append",
        default=[],
        help="the same for one VM; may be repeated",
    )
    parser.add_argument(
        "--other-site-is-gone",
        metavar="TEXT",
        default="",
        help="unplanned: who says that nothing runs there any more, and how they know",
    )
    presence = parser.add_mutually_exclusive_group()
    presence.add_argument(
        "--attended",
        action="store_true",
        help="test: ask about failed steps (real failovers always do, but for --unattended)",
    )
    presence.add_argument(
        "--unattended",
        action="store_true",
        help="failed steps end the run (tests always do, but for --attended)",
    )
    parser.add_argument(
        "--yes", action="store_true", help="real failovers: do not ask for the plan's name"
    )
    following = parser.add_mutually_exclusive_group()
    following.add_argument("--detach", action="store_true", help="start it and return")
    following.add_argument("--follow", action="store_true", help="follow it (the default)")
    parser.add_argument("--json", action="store_true", help="print the run's facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Start the run; gives 0 when it is done, 1 when it failed, 4 when it waits for people.

    Raises:
        UsageError: an option would do nothing, or nobody confirms. Nothing was started.
    """
    check_choices(arguments)
    arguments.primary_side = arguments.primary_side or "attempt"
    arguments.recovery_point = arguments.recovery_point or "latest"
    plan = named_plan(arguments.plan)
    if arguments.kind == "test":
        flow_run = start(f"test-failover/{plan.name}", parameters(arguments, plan))
    else:
        chosen = real_parameters(arguments, plan)
        confirm(plan.name, what=what_will_happen(arguments, plan), is_sure=arguments.yes)
        flow_run = start(f"{arguments.kind}-failover/{plan.name}", chosen)
    if arguments.detach:
        tell_started(flow_run, as_json=arguments.json)
        return 0
    return follow_to_the_end(flow_run, as_json=arguments.json)


def parameters(arguments: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    """The flow's parameters, from the command's arguments."""
    return {
        **test_network_choice(arguments.test_network),
        "clean_up": arguments.clean_up,
        "direction": arguments.direction,
        "hold": arguments.hold,
        "attended": arguments.attended,
        "recovery_point": arguments.recovery_point,
        "recovery_points": dict(_of_vm(text, plan) for text in arguments.recovery_point_of),
        "requested_by": requested_by(),
    }


def real_parameters(arguments: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    """The parameters of a failover that moves production.

    Raises:
        UsageError: a recovery point of a VM that the plan does not have.
    """
    chosen: dict[str, Any] = {
        "confirm": plan.name,
        "direction": arguments.direction,
        "requested_by": requested_by(),
        "unattended": arguments.unattended,
    }
    if arguments.kind == "unplanned":
        chosen |= {
            "primary_side": arguments.primary_side,
            "recovery_point": arguments.recovery_point,
            "recovery_points": dict(_of_vm(text, plan) for text in arguments.recovery_point_of),
            "other_site_is_gone": arguments.other_site_is_gone,
        }
    return chosen


def _of_vm(text: str, plan: Plan) -> tuple[str, str]:
    name, equals, point = text.partition("=")
    known = {vm.name.casefold(): vm.name for vm in plan.vms}
    if not equals or name.casefold() not in known:
        raise UsageError(
            f"{text!r} names no recovery point of a VM of {plan.name}. Nothing was started.",
            next_step="Write --recovery-point-of VM=POINT.",
        )
    return known[name.casefold()], point


def follow_to_the_end(flow_run: FlowRun, *, as_json: bool, run_id: str | None = None) -> int:
    """Show the run until it is over or waits for people; gives the exit code."""
    if not as_json:
        print(f"Prefect's page of this run: {flow_run.url}", flush=True)
    with open_journal() as journal:
        if as_json:
            record = follow(flow_run, journal, show=_ignore, run_id=run_id)
            print(json.dumps(proven_facts(journal, record.run_id), indent=2))
        else:
            whole = partial(_whole_facts, journal)
            with LiveView(sys.stdout, at_the_end=whole) as view:
                record = follow(flow_run, journal, show=view.show, run_id=run_id)
    return EXIT_CODES.get(record.state, EXIT_CODES["aborted"])  # cancelled: it is not over


def _whole_facts(journal: Journal, record: RunRecord) -> RunFacts:
    """The run in the light of the others of its plan, which only the journal tells."""
    return proven_facts(journal, record.run_id)


def tell_started(flow_run: FlowRun, *, as_json: bool) -> None:
    """Say where the run that was just started can be seen."""
    if as_json:
        print(json.dumps({"flow_run": str(flow_run.id), "url": flow_run.url}))
    else:
        print(f"Started: {flow_run.url}")
        print("See: secondsite runs, and with the id of the run: secondsite status RUN")


def _ignore(record: RunRecord) -> None:
    """With --json nothing is shown before the end."""
