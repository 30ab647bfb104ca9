"""`secondsite gates`: what waits for whom, since when, and until when."""

from __future__ import annotations

import argparse
import json
from typing import Any

from secondsite.cli.deciding import record_of
from secondsite.cli.start import open_journal
from secondsite.reports.phrasing import plain_text
from secondsite.run.record import QuestionRecord, RunRecord

__all__ = ["add_arguments", "run"]

_MOST_RUNS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """List them; gives 0."""
    with open_journal() as journal:
        active = journal.runs(only_open=True, limit=_MOST_RUNS)
        records = [record_of(journal, run.run_id) for run in active]
    waiting = [_facts(record, question) for record in records for question in record.open_questions]
    held = [{"run_id": record.run_id, "by": record.held_by} for record in records if record.held_by]
    if arguments.json:
        print(json.dumps({"waiting": waiting, "held": held}, indent=2))
    else:
        _print(waiting, held)
    return 0


def _facts(record: RunRecord, question: QuestionRecord) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "step": question.id,
        "about": question.about,
        "title": question.title,
        "shown": question.shown,
        "approvers": list(question.approvers),
        "required": question.required,
        "approved_by": [each.by for each in question.decisions],
        "with_code": list(question.with_code),
        "not_by": list(question.separate_from),
        "escalated": [
            {"at": each.at.isoformat(), "to": list(each.approvers)} for each in question.escalations
        ],
        "reminders": len(question.reminders),
        "since": question.asked_at.isoformat() if question.asked_at else None,
        "until": question.deadline_at.isoformat() if question.deadline_at else None,
    }


def _print(waiting: list[dict[str, Any]], held: list[dict[str, Any]]) -> None:
    if not waiting and not held:
        print("Nothing waits for people.")
    for each in waiting:
        who = ", ".join(each["approvers"]) or "anybody"
        until = f", until {each['until'][:19]}Z" if each["until"] else ""
        print(f"{each['run_id']}  {each['step']}")
        print(f"  {each['title']}: waits for {who} since {(each['since'] or '')[:19]}Z{until}")
        if each["required"] > 1:
            so_far = ", ".join(each["approved_by"]) or "nobody yet"
            print(f"  {each['required']} different people must approve; so far: {so_far}")
        if each["not_by"]:
            print(f"  not by whoever started the run: {', '.join(each['not_by'])}")
        for escalated in each["escalated"]:
            print(f"  escalated to {', '.join(escalated['to'])} at {escalated['at'][:19]}Z")
        if each["reminders"]:
            print(f"  reminders so far: {each['reminders']}")
        if each["with_code"]:
            print(f"  with a one-time code (--code): {', '.join(each['with_code'])}")
        if each["shown"]:
            for line in each["shown"].strip().splitlines():
                print(f"  | {plain_text(line)}".rstrip())
        is_gate = each["about"] == "gate"
        verb, others = ("approve", "reject") if is_gate else ("retry", "skip, mark-done, abort RUN")
        who = " --as NAME" if each["approvers"] else ""
        code = " --code CODE" if who and each["with_code"] else ""
        print(f"  secondsite {verb} {each['run_id']} {each['step']}{who}{code}  (or: {others})")
    for each in held:
        print(f"{each['run_id']}  held by {each['by']}: secondsite release {each['run_id']}")
