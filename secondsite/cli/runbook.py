"""`secondsite runbook PLAN`: the plan as a document for people, to print and keep in a safe."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from secondsite.plan.hooks import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from secondsite.plan.model import Plan

__all__ = ["add_arguments", "run"]

_PAST_RUNS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("plan", metavar="PLAN", help="the plan's name or file")
    parser.add_argument(
        "--direction",
        choices=[each.value for each in Direction],
        default=Direction.FORWARD.value,
        help="which site takes over (default: forward, the recovery site)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--html", metavar="F", help="write a page for A4 to F (`-`: stdout)")
    form.add_argument("--md", metavar="F", help="write Markdown to F; default: Markdown to stdout")


def run(arguments: argparse.Namespace) -> int:
    """Write the runbook; gives 0. Contacts no site."""
    from secondsite.cli.writing import write_document
    from secondsite.home import plans_folder
    from secondsite.plan.digest import plan_digest
    from secondsite.plan.loader import find_plan, load_estate, load_plan
    from secondsite.reports.runbook import write_runbook
    from secondsite.reports.runbook_pages import runbook_html, runbook_markdown

    file = find_plan(arguments.plan, folder=plans_folder())
    estate = load_estate(file.parent)
    plan = load_plan(file, estate)
    book = write_runbook(
        plan,
        estate,
        digest=plan_digest(file),
        printed_at=datetime.now(UTC),
        direction=Direction(arguments.direction),
        hosts=_hosts(plan.name),
        scripts=_scripts(plan, file.parent),
    )
    if arguments.html:
        write_document(runbook_html(book), arguments.html)
    else:
        write_document(runbook_markdown(book), arguments.md or "-")
    return 0


def _hosts(plan: str) -> Mapping[str, str]:
    """Per VM the host on which a run of the plan last found its replica."""
    from secondsite.home import journal_url
    from secondsite.run.journal import Journal
    from secondsite.run.replay import replay

    if not Journal.exists(journal_url()):
        return {}
    with Journal.open(journal_url()) as journal:
        for each in journal.runs(plan=plan, limit=_PAST_RUNS):
            record = replay(entry.event for entry in journal.read(each.run_id))
            found = {vm.name.casefold(): vm.host for vm in record.vms if vm.host}
            if found:
                return found
    return {}


def _scripts(plan: Plan, folder: Path) -> Mapping[str, str]:
    from secondsite.plan.hook_places import hook_places
    from secondsite.plan.hooks import ScriptHook

    paths = dict.fromkeys(
        place.hook.script for place in hook_places(plan) if isinstance(place.hook, ScriptHook)
    )
    return {path: (folder / path).read_text("utf-8", errors="replace") for path in paths}
