"""`secondsite status RUN`: what a run is doing, what it waits for, and what is behind that."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from secondsite.reports.phrasing import count_of, plain_text, say_duration
from secondsite.run.blocking import Blocking, Cause, blocking
from secondsite.run.following import Following
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord

__all__ = ["show_run"]

_MOST_SHOWN = 4


def show_run(journal: Journal, run_id: str, *, as_json: bool) -> int:
    """Print how the run stands; gives 0.

    Raises:
        JournalError: there is no such run.
    """
    following = Following(journal, run_id)
    record = following.record
    found = blocking(record, following.scheduler)
    lease = journal.lease(run_id)
    is_interrupted = any(
        each.run_id == run_id and each.is_interrupted for each in journal.runs(plan=record.plan)
    )
    facts = _facts(record, found, now=datetime.now(UTC))
    facts["interrupted"] = is_interrupted
    facts["carried_by"] = lease.holder if lease and not is_interrupted else ""
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        _print(facts)
    return 0


def _facts(record: RunRecord, found: Blocking, *, now: datetime) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "plan": record.plan,
        "kind": record.kind,
        "direction": record.direction,
        "state": record.state,
        "summary": record.summary,
        "requested_by": record.requested_by,
        "held_by": record.held_by,
        "running": [_cause(each, now=now) for each in found.running],
        "waiting": [_asked(each, now=now) for each in found.people],
        "failed": [_cause(each, now=now) for each in found.failed],
        "ready": list(found.ready),
    }


def _cause(cause: Cause, *, now: datetime) -> dict[str, Any]:
    lasted_s = cause.for_s(now)
    return {
        "step": cause.step.id,
        "host": cause.step.host,
        "since": cause.since.isoformat() if cause.since else None,
        "for_s": None if lasted_s is None else round(lasted_s, 1),
        "behind": list(cause.behind),
        "error": cause.step.error.message if cause.step.error else None,
        "next": cause.step.error.next if cause.step.error else None,
    }


def _asked(cause: Cause, *, now: datetime) -> dict[str, Any]:
    question = cause.question
    assert question is not None  # noqa: S101 - those are the causes that people are asked about
    return _cause(cause, now=now) | {
        "about": question.about,
        "title": question.title,
        "approvers": list(question.approvers),
        "required": question.required,
        "approved_by": [each.by for each in question.decisions],
        "not_by": list(question.separate_from),
        "until": question.deadline_at.isoformat() if question.deadline_at else None,
        "escalated_to": [name for each in question.escalations for name in each.approvers],
        "reminders": len(question.reminders),
    }


def _print(facts: dict[str, Any]) -> None:
    by = f", started by {facts['requested_by']}" if facts["requested_by"] else ""
    print(plain_text(f"{facts['run_id']}: {_state(facts)}{by}"))
    for each in facts["running"]:
        lasted = f" for {say_duration(each['for_s'])}" if each["for_s"] is not None else ""
        host = f" on {each['host']}" if each["host"] else ""
        print(plain_text(f"  runs{lasted}: {each['step']}{host}{_behind(each)}"))
    for each in facts["waiting"]:
        _print_waiting(facts["run_id"], each)
    for each in facts["failed"]:
        print(plain_text(f"  failed: {each['step']}: {each['error'] or ''}{_behind(each)}"))
        if each["next"]:
            print(plain_text(f"    {each['next']}"))
    if facts["ready"] and not facts["running"]:
        print(f"  could start: {_some(facts['ready'])}")
    if facts["held_by"]:
        print(f"  held by {facts['held_by']}: secondsite release {facts['run_id']}")
    if facts["interrupted"]:
        print(f"  nobody carries it: secondsite resume {facts['run_id']}")


def _print_waiting(run_id: str, each: dict[str, Any]) -> None:
    who = ", ".join(each["approvers"]) or "anybody"
    until = f", until {each['until'][:19]}Z" if each["until"] else ""
    since = (each["since"] or "")[:19]
    print(plain_text(f"  waits for {who}: {each['title']} ({each['step']}){_behind(each)}"))
    print(f"    since {since}Z ({say_duration(each['for_s'])}){until}")
    if each["required"] > 1:
        so_far = ", ".join(each["approved_by"]) or "nobody yet"
        print(plain_text(f"    {each['required']} must approve; so far: {so_far}"))
    if each["not_by"]:
        print(plain_text(f"    not by whoever started the run: {', '.join(each['not_by'])}"))
    if each["escalated_to"]:
        print(plain_text(f"    escalated to {', '.join(each['escalated_to'])}"))
    if each["about"] == "gate":
        who = " --as NAME" if each["approvers"] else ""
        print(f"    secondsite approve {run_id} {each['step']}{who}  (or: reject)")
    else:
        print(plain_text(f"    {each['error'] or ''}"))
        print(f"    secondsite retry {run_id} {each['step']}  (or: skip, mark-done, abort RUN)")


def _state(facts: dict[str, Any]) -> str:
    words = {"waiting": "waits for people", "pending": "has not started yet", "running": "goes on"}
    if facts["interrupted"]:
        return "interrupted"
    if facts["state"] in words:
        return words[facts["state"]]
    return f"{facts['state']}. {facts['summary']}".strip()


def _behind(each: dict[str, Any]) -> str:
    steps = each["behind"]
    return f"; {count_of(len(steps), 'step')} behind it: {_some(steps)}" if steps else ""


def _some(steps: list[str]) -> str:
    more = f", … ({len(steps)} in all)" if len(steps) > _MOST_SHOWN else ""
    return ", ".join(steps[:_MOST_SHOWN]) + more
