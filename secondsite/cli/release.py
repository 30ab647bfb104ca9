"""`secondsite release RUN`: lets a held run go on."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from secondsite.cli.deciding import check_name, go_on, record_of, tell
from secondsite.cli.start import open_journal, requested_by
from secondsite.errors import RefusedError
from secondsite.run.events import RunReleased

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run_id", metavar="RUN", help="id of the run (secondsite runs)")
    parser.add_argument("--as", dest="who", metavar="NAME", help="who releases it (default: you)")
    parser.add_argument("--comment", default="", help="goes into the journal and the report")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Let the run go on; gives 0.

    Raises:
        RefusedError: nobody holds it, or the name is one that needs a code.
    """
    who = arguments.who or requested_by()
    with open_journal() as journal:
        record = record_of(journal, arguments.run_id)
        check_name(record, who)
        if not record.held_by:
            raise RefusedError(
                [f"nobody holds {record.run_id}"],
                next_step=f"Nothing was done. See: secondsite status {record.run_id}",
            )
        released = RunReleased(
            at=datetime.now(UTC), by=who, comment=arguments.comment, account=requested_by()
        )
        go_on(journal, record, [released])
    waiting = [each.id for each in record.open_questions]
    waits = " It still waits for people: secondsite gates" if waiting else ""
    tell(
        f"{record.run_id} is no longer held.{waits}",
        {"run_id": record.run_id, "released_by": who, "waiting": waiting},
        as_json=arguments.json,
    )
    return 0
