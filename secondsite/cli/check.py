"""`secondsite check PLAN`: whether it could be carried out now, asked of both sites, read-only."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import textwrap
from typing import TYPE_CHECKING, Any

from secondsite.cli.services import is_healthy, prefect_environment, services
from secondsite.cli.start import open_journal, requested_by

if TYPE_CHECKING:
    from flows.looking import Outlook

__all__ = ["add_arguments", "run"]

_UNREACHABLE = frozenset({"servers", "dns"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("plan", metavar="PLAN", help="a plan's name, or the path of its file")
    parser.add_argument(
        "--kind",
        choices=["test", "planned", "unplanned"],
        default="test",
        help="the kind of failover whose readiness is in question (default: test)",
    )
    parser.add_argument("--direction", choices=["forward", "back"], default="forward")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; 0 if the plan is ready, 1 if not, 5 if a server cannot be reached."""
    url = os.environ.get("PREFECT_API_URL") or services().api_url
    os.environ.update(prefect_environment(url))
    from flows.looking import CheckRequest, look_at_plan
    from flows.workers import no_server, worker_findings
    from secondsite.graph import Operation
    from secondsite.plan.model import Direction

    request = CheckRequest(
        plan=arguments.plan,
        operation=Operation(arguments.kind),
        direction=Direction(arguments.direction),
        requested_by=requested_by(),
    )
    # Without a server Prefect would start one of its own to be asked.
    workers = worker_findings if url and is_healthy(url) else no_server
    with open_journal() as journal:
        outlook = asyncio.run(look_at_plan(request, journal, workers=workers))
    if arguments.json:
        print(json.dumps(_facts(outlook), indent=2))
    else:
        _print(outlook)
    if outlook.is_ready:
        return 0
    graver = [each for each in outlook.findings if each.severity != "warning"]
    return 5 if all(each.area in _UNREACHABLE for each in graver) else 1


def _facts(outlook: Outlook) -> dict[str, Any]:
    return {
        "run_id": outlook.run_id,
        "plan": outlook.plan,
        "kind": outlook.kind,
        "direction": outlook.direction,
        "ready": outlook.is_ready,
        "verdict": outlook.words,
        "sites": outlook.sites,
        "findings": [each.as_dict() for each in outlook.findings],
        "standing": outlook.proof.as_dict(),
    }


def _print(outlook: Outlook) -> None:
    print(f"{outlook.plan}, {outlook.kind} {outlook.direction}: {outlook.words}\n")
    for each in outlook.findings:
        print(f"{str(each.severity).upper():<8} {each.area}")
        print(textwrap.indent(f"{each.sentence}.".replace("..", "."), "  "))
        if each.remedy:
            print(textwrap.indent(f"→ {each.remedy}", "  "))
    print(f"\nStanding: {outlook.proof.state}. {'; '.join(outlook.proof.reasons)}")
    print(f"In the journal: {outlook.run_id}")
