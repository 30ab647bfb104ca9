"""`secondsite hold RUN`: nothing new starts until `secondsite release RUN`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from secondsite.cli.deciding import check_name, record_of, tell
from secondsite.cli.start import open_journal, requested_by
from secondsite.errors import RefusedError
from secondsite.run.events import RunHeld

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run_id", metavar="RUN", help="id of the run (secondsite runs)")
    parser.add_argument("--as", dest="who", metavar="NAME", help="who holds it (default: you)")
    parser.add_argument("--comment", default="", help="goes into the journal and the report")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Hold the run: what is under way finishes. Gives 0.

    Raises:
        RefusedError: it is over, held already, or the name is one that needs a code.
    """
    who = arguments.who or requested_by()
    with open_journal() as journal:
        record = record_of(journal, arguments.run_id)
        check_name(record, who)
        if record.ended_at is not None:
            raise RefusedError(
                [f"{record.run_id} is over: {record.summary}"],
                next_step=f"Nothing was done. See: secondsite status {record.plan}",
            )
        if record.held_by:
            raise RefusedError(
                [f"{record.run_id} is held already, by {record.held_by}"],
                next_step=f"Let it go on with: secondsite release {record.run_id}",
            )
        held = RunHeld(
            at=datetime.now(UTC), by=who, comment=arguments.comment, account=requested_by()
        )
        journal.append(record.run_id, held)
    tell(
        f"{record.run_id} is held by {who}. Let it go on with: secondsite release {record.run_id}",
        {"run_id": record.run_id, "held_by": who},
        as_json=arguments.json,
    )
    return 0
