"""`secondsite abort RUN`: ends a run where it stands; what was done stays done."""

from __future__ import annotations

import argparse

from secondsite.cli.deciding import add_arguments_of_author, cast, record_of, tell
from secondsite.cli.start import open_journal, requested_by
from secondsite.run.ballot import Proposal, Submission
from secondsite.run.events import Decision

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run_id", metavar="RUN", help="id of the run (secondsite runs)")
    add_arguments_of_author(parser)
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Nothing new starts; what is under way finishes. Gives 0.

    Raises:
        RefusedError: the run is over already.
    """
    proposal = Proposal(
        step="",
        decision=Decision.ABORT,
        by=arguments.who or requested_by(),
        via="cli",
        comment=arguments.comment,
        account=requested_by(),
    )
    with open_journal() as journal:
        record = record_of(journal, arguments.run_id)
        cast(journal, record, Submission(proposals=(proposal,), code=arguments.code))
    tell(
        f"{record.run_id} is ended by {proposal.by}. Next: secondsite status {record.plan}",
        {"run_id": record.run_id, "ended_by": proposal.by, "plan": record.plan},
        as_json=arguments.json,
    )
    return 0
