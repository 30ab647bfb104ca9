"""Decisions from a terminal: into the journal, where they count, then the run goes on."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from secondsite.cli.block_reading import read_block
from secondsite.cli.rescheduling import is_suspended, reschedule
from secondsite.cli.start import open_journal, requested_by
from secondsite.errors import RefusedError, UnreachableError, UsageError
from secondsite.home import home
from secondsite.plan.credentials import Secrets
from secondsite.run.ballot import Proposal, Submission
from secondsite.run.ballot_box import BallotBox
from secondsite.run.codes import CodeRule, rule_for
from secondsite.run.events import Decision, JournalEvent
from secondsite.run.following import Following
from secondsite.run.journal import Journal
from secondsite.run.model_note import model_in
from secondsite.run.record import RunRecord

__all__ = [
    "add_arguments_of_author",
    "add_arguments_of_decision",
    "cast",
    "check_name",
    "decide",
    "go_on",
    "record_of",
    "tell",
]

_TAKEN_UP_WITHIN_S = 6.0
"""A living engine listens every second; one that is just being suspended is seen to be."""


def add_arguments_of_decision(parser: argparse.ArgumentParser, *, steps: str) -> None:
    """Declare the arguments of a decision; `steps` is `1`, `+` or `*` as argparse has it."""
    parser.add_argument("run_id", metavar="RUN", help="id of the run (secondsite runs)")
    if steps == "1":
        parser.add_argument("steps", metavar="GATE", nargs=1, help="id of the gate")
    else:
        parser.add_argument(
            "steps", metavar="STEP", nargs="*", help="ids of failed steps; all of them if absent"
        )
    add_arguments_of_author(parser)
    parser.add_argument("--json", action="store_true", help="print what was decided as JSON")


def add_arguments_of_author(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that say who decides, and why."""
    parser.add_argument("--as", dest="who", metavar="NAME", help="who decides (default: you)")
    parser.add_argument(
        "--code", default="", metavar="CODE", help="one-time code, if the estate asks NAME for one"
    )
    parser.add_argument("--comment", default="", help="goes into the journal and the report")


def decide(decision: Decision, arguments: argparse.Namespace) -> int:
    """Write the decision to the journal and let the run go on; gives 0.

    Raises:
        RefusedError: it does not count; nothing was written.
    """
    who = arguments.who or requested_by()
    with open_journal() as journal:
        record = record_of(journal, arguments.run_id)
        steps = arguments.steps or [
            each.id for each in record.open_questions if each.about == "failure"
        ]
        if not steps:
            raise RefusedError(
                [f"nobody is asked about a failed step of {record.run_id}"],
                next_step="Nothing was written. See: secondsite gates",
            )
        proposals = [
            Proposal(
                step=step,
                decision=decision,
                by=who,
                via="cli",
                comment=arguments.comment,
                account=requested_by(),
            )
            for step in steps
        ]
        cast(journal, record, Submission(proposals=tuple(proposals), code=arguments.code))
        after = record_of(journal, arguments.run_id)
    _tell(after, decision, steps, who, as_json=arguments.json)
    return 0


def cast(journal: Journal, record: RunRecord, submission: Submission) -> None:
    """Write decisions to the journal, all or none, and make sure that an engine hears of them.

    Raises:
        RefusedError: something of it does not count; nothing was decided.
        UnreachableError: Prefect's server does not answer. The decision is in the journal.
    """
    box = BallotBox(journal, record.run_id, rule_for=lambda name: _rule_for(record, name))
    verdict = box.cast(submission, now=datetime.now(UTC), all_or_none=True)
    if verdict.refused:
        reasons = dict.fromkeys(reason for _, reason in verdict.refused)
        raise RefusedError(list(reasons), next_step="Nothing was decided. See: secondsite gates")
    _see_to_it(journal, record)


def _rule_for(record: RunRecord, name: str) -> CodeRule | None:
    model = model_in(record.notes)
    if model is None:
        return None
    _, estate = model
    return rule_for(estate, Secrets(estate, home=home(), block_reader=read_block), name)


def check_name(record: RunRecord, who: str) -> None:
    """Let nobody act in the name of an approver whom only a one-time code proves.

    Raises:
        RefusedError: `who` is such an approver; nothing was written.
    """
    model = model_in(record.notes)
    approver = model[1].approver(who) if model else None
    if approver is not None and approver.totp:
        raise RefusedError(
            [f"{approver.name} is known by one-time codes, and this takes none"],
            next_step="Nothing was done. Leave --as out: it is done under your own account.",
        )


def record_of(journal: Journal, run_id: str) -> RunRecord:
    """The run as the journal has it.

    Raises:
        UsageError: there is no such run.
    """
    if journal.find(run_id) != run_id:
        raise UsageError(
            f"The journal knows no run {run_id}. Nothing was done.",
            next_step="List them: secondsite runs",
        )
    return Following(journal, run_id).record


def go_on(journal: Journal, record: RunRecord, events: Sequence[JournalEvent]) -> None:
    """Append `events`, and make sure that an engine hears of them.

    Raises:
        UnreachableError: Prefect's server does not answer. The decision is in the journal.
    """
    journal.append(record.run_id, *events)
    _see_to_it(journal, record)


def _see_to_it(journal: Journal, record: RunRecord) -> None:
    try:
        _make_heard(journal, record)
    except UnreachableError as error:
        raise UnreachableError(
            f"The decision is in the journal, but nobody carries it out yet. {error.message}",
            next_step=f"secondsite up, then: secondsite resume {record.run_id}",
        ) from error


def _make_heard(journal: Journal, record: RunRecord) -> None:
    given_up_at = time.monotonic() + _TAKEN_UP_WITHIN_S
    while time.monotonic() < given_up_at:
        lease = journal.lease(record.run_id)
        is_carried = lease is not None and bool(lease.holder)
        if not is_carried or record.run_id in journal.stale_runs() or is_suspended(record):
            reschedule(record)
            return
        time.sleep(1)


def tell(words: str, facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what was done, for people or as JSON."""
    print(json.dumps(facts, indent=2) if as_json else words)


def _tell(
    record: RunRecord, decision: Decision, steps: Sequence[str], who: str, *, as_json: bool
) -> None:
    missing = {each.id: each.missing for each in record.open_questions if each.missing}
    lines = [
        f"{record.run_id}: {step}: {decision} by {who}"
        f"{f'; {missing[step]} more must approve' if step in missing else ''}"
        for step in steps
    ]
    facts = {"run_id": record.run_id, "decision": decision, "steps": list(steps), "by": who}
    tell("\n".join(lines), facts, as_json=as_json)
