"""`secondsite abort RUN`: ends a run where it stands; what was done stays done."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from secondsite.cli.deciding import go_on, record_of
from secondsite.cli.start import open_journal, requested_by
from secondsite.errors import RefusedError
from secondsite.run.ballot import Proposal, refusal
from secondsite.run.events import Decision

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run_id", metavar="RUN", help="id of the run (secondsite runs)")
    parser.add_argument("--as", dest="who", metavar="NAME", help="who decides (default: you)")
    parser.add_argument("--comment", default="", help="goes into the journal and the report")


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
    )
    with open_journal() as journal:
        record = record_of(journal, arguments.run_id)
        now = datetime.now(UTC)
        if reason := refusal(record, proposal, now=now):
            raise RefusedError([reason], next_step=f"See: secondsite status {record.plan}")
        go_on(journal, record, [proposal.as_event(at=now)])
    print(f"{record.run_id} is ended by {proposal.by}. Next: secondsite status {record.plan}")
    return 0
