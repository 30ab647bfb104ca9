"""`secondsite report`: a run, the history of a plan, or where all plans stand.

On screen, as a page, as Markdown or as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from secondsite.errors import UsageError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help="a run's id or the beginning of it, a plan (its newest run), or `latest` (default)",
    )
    about = parser.add_mutually_exclusive_group()
    about.add_argument(
        "--history",
        action="store_true",
        help="of the plan RUN: all its runs, how the objectives went, what to speed up first",
    )
    about.add_argument(
        "--estate", action="store_true", help="all plans: how well each is proved, and since when"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--html", metavar="F", help="write a self-contained page to F (`-`: stdout)")
    form.add_argument("--md", metavar="F", help="write Markdown to F (`-`: stdout)")
    form.add_argument("--json", action="store_true", help="print the one object of all facts")


def run(arguments: argparse.Namespace) -> int:
    """Report; gives 0 whatever there is to report."""
    if arguments.estate:
        return _estate(arguments)
    if arguments.history:
        return _history(arguments)
    return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    from secondsite.cli.start import open_journal
    from secondsite.cli.which_run import find_run
    from secondsite.reports import print_summary, report_html, report_markdown
    from secondsite.reports.proven import proven_facts

    with open_journal() as journal:
        facts = proven_facts(journal, find_run(journal, arguments.run or "latest"))
    if not _written(
        arguments, facts, html=partial(report_html, facts), md=partial(report_markdown, facts)
    ):
        print_summary(facts, sys.stdout)
        print(f"The whole report: secondsite report {facts['run_id']} --html report.html")
    return 0


def _history(arguments: argparse.Namespace) -> int:
    from secondsite.cli.histories import history_of
    from secondsite.cli.start import open_journal
    from secondsite.home import plans_folder
    from secondsite.plan.loader import find_plan, load_estate, load_plan
    from secondsite.reports.history_pages import history_html, history_markdown

    if not arguments.run:
        raise UsageError(
            "--history needs a plan.", next_step="secondsite report PLAN --history, or --estate."
        )
    path = find_plan(arguments.run, folder=plans_folder())
    estate = load_estate(path.parent)
    plan = load_plan(path, estate)
    with open_journal() as journal:
        facts = history_of(journal, plan, estate, folder=path.parent, now=datetime.now(UTC))
    if not _written(
        arguments, facts, html=partial(history_html, facts), md=partial(history_markdown, facts)
    ):
        print(history_markdown(facts), end="")
    return 0


def _estate(arguments: argparse.Namespace) -> int:
    from secondsite.cli.histories import histories_of
    from secondsite.cli.start import open_journal
    from secondsite.home import plans_folder
    from secondsite.plan.loader import load_folder
    from secondsite.reports.history_pages import estate_html, estate_markdown

    if arguments.run:
        raise UsageError(
            f"--estate is about all plans, not about {arguments.run!r}.",
            next_step=f"One plan: secondsite report {arguments.run} --history",
        )
    loaded = load_folder(plans_folder())
    plans = list(loaded.plans.values())
    with open_journal() as journal:
        facts = histories_of(
            journal, plans, loaded.estate, folder=plans_folder(), now=datetime.now(UTC)
        )
    if not _written(
        arguments, facts, html=partial(estate_html, facts), md=partial(estate_markdown, facts)
    ):
        print(estate_markdown(facts), end="")
    return 0


def _written(
    arguments: argparse.Namespace,
    facts: Any,
    *,
    html: Callable[[], str],
    md: Callable[[], str],
) -> bool:
    """Write the form that was asked for; False if none was."""
    from secondsite.cli.writing import write_document

    if arguments.json:
        print(json.dumps(facts, indent=2))
    elif arguments.html:
        write_document(html(), arguments.html)
    elif arguments.md:
        write_document(md(), arguments.md)
    else:
        return False
    return True
