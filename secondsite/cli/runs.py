"""`secondsite runs`: past and present runs; verifies, exports, takes in and prunes the journal."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secondsite.errors import UsageError

if TYPE_CHECKING:
    from secondsite.run.journal import Journal, RunSummary, Verification

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "verb",
        nargs="?",
        choices=["list", "verify", "export", "import", "prune"],
        default="list",
        help="list the runs (default); verify the hash chain of one run or of all; export runs "
        "with all their events into a file, import such a file; prune: remove what is older than "
        "the estate's retention",
    )
    parser.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help="for verify and export: an id, its beginning, a plan, `latest`; for import: the file",
    )
    parser.add_argument("--plan", metavar="P", help="list, export: only the runs of this plan")
    parser.add_argument("--to", metavar="FILE", help="export: the file (packed, if it ends in .gz)")
    parser.add_argument(
        "--older-than",
        metavar="AGE",
        help="prune: since their end, like 800d; the estate's retention if absent, never less",
    )
    parser.add_argument("--yes", action="store_true", help="prune: really remove what it lists")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many (default 20)")
    parser.add_argument("--checks", action="store_true", help="list: checks of readiness, too")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """List runs, or do what the verb says; verify gives 1 when the journal is not as written."""
    from secondsite.cli.runs_archive import export_runs, import_runs, prune_runs
    from secondsite.cli.start import open_journal
    from secondsite.run.proof import CHECK

    if arguments.verb == "list" and arguments.run:
        raise UsageError(
            f"`runs list` takes no run ({arguments.run!r}).",
            next_step=f"One run: secondsite report {arguments.run}",
        )
    with open_journal() as journal:
        match arguments.verb:
            case "verify":
                return _verify(journal, arguments.run, as_json=arguments.json)
            case "export":
                return export_runs(journal, arguments)
            case "import":
                return import_runs(journal, arguments)
            case "prune":
                return prune_runs(journal, arguments)
        without = () if arguments.checks else (CHECK,)
        runs = journal.runs(plan=arguments.plan, without=without, limit=arguments.limit)
    if arguments.json:
        print(json.dumps([_facts(each) for each in runs], indent=2))
    elif runs:
        _print_table(runs)
    else:
        of_plan = f" of plan {arguments.plan!r}" if arguments.plan else ""
        print(f"The journal has no runs{of_plan} yet.")
    return 0


def _facts(summary: RunSummary) -> dict[str, Any]:
    ended_at = summary.ended_at
    return {
        "run_id": summary.run_id,
        "plan": summary.plan,
        "kind": summary.operation,
        "direction": summary.direction,
        "state": summary.state,
        "interrupted": summary.is_interrupted,
        "cancelled": summary.is_cancelled,
        "created_at": summary.created_at.isoformat().replace("+00:00", "Z"),
        "ended_at": ended_at.isoformat().replace("+00:00", "Z") if ended_at else None,
        "duration_s": (ended_at - summary.created_at).total_seconds() if ended_at else None,
    }


def _print_table(runs: Sequence[RunSummary]) -> None:
    from rich import box
    from rich.table import Table

    from secondsite.reports.console import console_for
    from secondsite.reports.phrasing import say_duration, say_moment, say_state

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("run", "plan", "kind", "state", "began", "took"):
        table.add_column(column, no_wrap=column == "run")
    for each in runs:
        facts = _facts(each)
        kind = facts["kind"] if facts["direction"] == "forward" else f"{facts['kind']} (back)"
        state = say_state(facts["state"])
        table.add_row(
            facts["run_id"],
            facts["plan"],
            kind,
            f"{state}, {_interruption(each)}" if each.is_interrupted else state,
            say_moment(facts["created_at"]),
            say_duration(facts["duration_s"]),
        )
    console_for(sys.stdout, pipe_width=160).print(table)
    for each in runs:
        if each.is_interrupted:
            print(
                f"{each.run_id} was {_interruption(each)}: secondsite report {each.run_id} tells "
                f"how far, secondsite resume {each.run_id} lets it go on."
            )


def _interruption(summary: RunSummary) -> str:
    return "cancelled" if summary.is_cancelled else "interrupted"


def _verify(journal: Journal, wanted: str | None, *, as_json: bool) -> int:
    from secondsite.cli.which_run import find_run
    from secondsite.reports.phrasing import count_of

    proof = journal.verify(find_run(journal, wanted) if wanted else None)
    if as_json:
        print(json.dumps(_proof(proof), indent=2))
        return 0 if proof.is_whole else 1
    if proof.is_whole:
        print(
            f"Every event is as it was written: {count_of(proof.run_count, 'run')}, "
            f"{count_of(proof.event_count, 'event')}{f', head {proof.head}' if proof.head else ''}."
        )
        if gone := journal.removals():
            print(
                f"{count_of(len(gone), 'run')} {'was' if len(gone) == 1 else 'were'} removed after "
                f"the retention, last by {gone[-1].removed_by}."
            )
        return 0
    for fault in proof.faults:
        print(f"NOT as it was written: {fault}", file=sys.stderr)
    print(
        "Next: keep a copy of the journal as it is, compare it with a backup, and find out who "
        "can write to its database. Reports of these runs prove nothing.",
        file=sys.stderr,
    )
    return 1


def _proof(proof: Verification) -> dict[str, Any]:
    return {
        "verified": proof.is_whole,
        "runs": proof.run_count,
        "events": proof.event_count,
        "head": proof.head,
        "faults": [
            {"run_id": f.run_id, "event": f.run_seq, "row": f.seq, "what": f.what}
            for f in proof.faults
        ],
    }
