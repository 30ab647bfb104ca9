"""`secondsite watch`: looks after runs that nobody carries, and tells people what happens to runs.

`secondsite up` starts it in the background. It decides nothing: an engine that takes the run up
does what the plan says. Two of them on one journal do no harm.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime

from secondsite.cli.deciding import record_of
from secondsite.cli.liveness import show_that_watch_lives
from secondsite.cli.notifying import Notifier
from secondsite.cli.rescheduling import reschedule
from secondsite.cli.services import api_url
from secondsite.cli.start import open_journal
from secondsite.errors import SecondsiteError
from secondsite.home import plans_folder
from secondsite.plan.estate import Estate
from secondsite.plan.loader import load_estate
from secondsite.run.attention import (
    CANCELLED,
    INTERRUPTED,
    RESUMED,
    TAKING_UP,
    is_being_taken_up,
    is_overdue,
    may_resume_by_itself,
    noted_since_engine,
)
from secondsite.run.deadlines import reminders_due
from secondsite.run.events import Noted
from secondsite.run.history import REHEARSAL
from secondsite.run.holder import this_process
from secondsite.run.journal import Journal, RunSummary
from secondsite.run.proof import CHECK

__all__ = ["add_arguments", "claim_taking_up", "look_after", "run"]

_EVERY_S = 5.0
_MOST_RUNS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--once", action="store_true", help="look once and return")


def run(arguments: argparse.Namespace) -> int:
    """Look after the runs until ended; gives 0."""
    said = ""
    notifier = Notifier(open_journal, say=_say)
    estate: Estate | None = None
    while True:
        if not arguments.once:
            show_that_watch_lives()
        try:
            try:
                estate = load_estate(plans_folder())
            finally:
                if estate is not None:  # one that is being edited: the last one that was right
                    _look(notifier, estate)
        except SecondsiteError as error:
            if error.message != said:  # what lasts for hours is said once
                said = error.message
                _say(said)
        if arguments.once:
            notifier.wait()
            return 0
        time.sleep(_EVERY_S)


def _look(notifier: Notifier, estate: Estate) -> None:
    """One look. Telling people goes before what may fail for lack of Prefect's server."""
    with open_journal() as journal:
        notifier.look(journal, estate)
        look_after(journal, resumes=estate.resume_by_itself)
        notifier.look(journal, estate)  # what was noticed just now


def _say(what: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {what}", flush=True)


def look_after(journal: Journal, *, resumes: bool) -> None:
    """One look at every run that is not over.

    Args:
        journal: Of the runs.
        resumes: Whether interrupted runs are taken up without being asked.

    Raises:
        SecondsiteError: one of them could not be taken up (Prefect's server does not answer, its
            journal cannot be read); the others were looked at, and the next look tries again.
    """
    now = datetime.now(UTC)
    failures: list[SecondsiteError] = []
    for summary in journal.runs(without=(CHECK,), only_open=True, limit=_MOST_RUNS):
        try:
            _look_at(journal, summary, now=now, resumes=resumes)
        except SecondsiteError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _look_at(journal: Journal, summary: RunSummary, *, now: datetime, resumes: bool) -> None:
    if summary.is_interrupted:
        _notice(journal, summary.run_id, now=now, resumes=resumes)
        return
    record = record_of(journal, summary.run_id)
    if reminders_due(record.open_questions, now=now):
        journal.decide(summary.run_id, lambda here, _: reminders_due(here.open_questions, now=now))
    lease = journal.lease(summary.run_id)
    if lease is None or lease.holder:
        return
    if is_overdue(record, now=now) and not noted_since_engine(record, RESUMED):
        _take_up(journal, summary.run_id, "Nobody has answered in time.", now=now)


def _notice(journal: Journal, run_id: str, *, now: datetime, resumes: bool) -> None:
    record = record_of(journal, run_id)
    if not any(noted_since_engine(record, key) for key in (CANCELLED, INTERRUPTED)):
        note = Noted(
            at=now,
            text="Interrupted: the engine that carried this run is gone. Nothing more is done "
            f"until it is taken up: secondsite resume {run_id}",
            level="warning",
            details={INTERRUPTED: record.attachments[-1].holder if record.attachments else ""},
        )
        journal.append(run_id, note)
    if noted_since_engine(record, RESUMED):
        return
    if record.kind == REHEARSAL:
        # Nobody need be there, and what its tests have made is to be cleaned up in any case.
        if may_resume_by_itself(record, is_wanted=True, also_cancelled=True):
            _take_up(journal, run_id, "Taken up again, to be cleaned up at least.", now=now)
    elif may_resume_by_itself(record, is_wanted=resumes):
        _take_up(journal, run_id, "Taken up again by itself, as the estate says.", now=now)


def claim_taking_up(journal: Journal, run_id: str, *, now: datetime) -> bool:
    """Whether this watch, of all that look after the run, is the one to take it up."""
    begun = Noted(at=now, text="A watch takes the run up.", details={TAKING_UP: this_process()})
    return bool(
        journal.decide(
            run_id,
            lambda record, _: [] if is_being_taken_up(record, now=now) else [begun],
        )
    )


def _take_up(journal: Journal, run_id: str, why: str, *, now: datetime) -> None:
    api_url()  # without a server nothing is begun
    if not claim_taking_up(journal, run_id, now=now):
        return
    reschedule(record_of(journal, run_id))
    journal.append(run_id, Noted(at=now, text=why, details={RESUMED: True}))
