"""`secondsite resume RUN`: lets an interrupted run go on, from the journal alone if need be."""

from __future__ import annotations

import argparse

from secondsite.cli.deciding import record_of
from secondsite.cli.rescheduling import is_suspended, reschedule
from secondsite.cli.run import follow_to_the_end, tell_started
from secondsite.cli.start import open_journal
from secondsite.errors import RefusedError
from secondsite.run.record import RunRecord

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run_id", metavar="RUN", help="id of the run (secondsite runs)")
    parser.add_argument("--detach", action="store_true", help="start it and return")
    parser.add_argument("--json", action="store_true", help="print the run's facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Take the run up where it stopped; gives 0 when it is done, 1 when it failed, 4 at a gate.

    One that waits for people is refused while Prefect shows their form; where it does not (its
    database was lost, the flow run was cancelled) the run is taken up, and asks them again.
    """
    with open_journal() as journal:
        record = record_of(journal, arguments.run_id)
        lease = journal.lease(arguments.run_id)
        is_held = lease is not None and bool(lease.holder)
        is_alive = is_held and arguments.run_id not in journal.stale_runs()
    _refuse(record, is_alive=is_alive)
    flow_run = reschedule(record)
    if arguments.detach:
        tell_started(flow_run, as_json=arguments.json)
        return 0
    return follow_to_the_end(flow_run, as_json=arguments.json, run_id=record.run_id)


def _refuse(record: RunRecord, *, is_alive: bool) -> None:
    if record.ended_at is not None:
        raise RefusedError(
            [f"{record.run_id} is over: {record.summary}"],
            next_step=f"Nothing was done. What is possible now: secondsite status {record.plan}",
        )
    if is_alive:
        raise RefusedError(
            [f"{record.run_id} goes on: its engine is alive"],
            next_step=f"Nothing was done. See: secondsite status {record.run_id}",
        )
    if record.state == "waiting" and is_suspended(record):
        raise RefusedError(
            [f"{record.run_id} waits for people"],
            next_step="Nothing was done. Who is asked what: secondsite gates",
        )
