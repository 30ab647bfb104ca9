"""`secondsite report RUN`: what happened in a run, on screen, as a page, as Markdown or as JSON."""

from __future__ import annotations

import argparse
import json
import sys

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "run",
        nargs="?",
        default="latest",
        metavar="RUN",
        help="a run's id or the beginning of it, a plan (its newest run), or `latest` (default)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--html", metavar="F", help="write a self-contained page to F (`-`: stdout)")
    form.add_argument("--md", metavar="F", help="write Markdown to F (`-`: stdout)")
    form.add_argument("--json", action="store_true", help="print the one object of all facts")


def run(arguments: argparse.Namespace) -> int:
    """Report on one run; gives 0 whatever its outcome was."""
    from secondsite.cli.start import open_journal
    from secondsite.cli.which_run import find_run
    from secondsite.cli.writing import write_document
    from secondsite.reports import print_summary, report_html, report_markdown
    from secondsite.reports.proven import proven_facts

    with open_journal() as journal:
        facts = proven_facts(journal, find_run(journal, arguments.run))
    if arguments.json:
        print(json.dumps(facts, indent=2))
    elif arguments.html:
        write_document(report_html(facts), arguments.html)
    elif arguments.md:
        write_document(report_markdown(facts), arguments.md)
    else:
        print_summary(facts, sys.stdout)
        print(f"The whole report: secondsite report {facts['run_id']} --html report.html")
    return 0
