"""A run's record → the one object that reports show (`secondsite.reports.shape`). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from secondsite.reports.dns_names import dns_facts
from secondsite.reports.messages import untold_words
from secondsite.reports.objectives import measure_objectives
from secondsite.reports.phrasing import iso_text
from secondsite.reports.plan_facts import plan_facts
from secondsite.reports.proof import proof_of
from secondsite.reports.recovery_times import waited_for_people
from secondsite.reports.redaction import withhold, withhold_in_text
from secondsite.reports.shape import (
    FORMAT,
    DecisionFacts,
    EngineFacts,
    ErrorFacts,
    GateFacts,
    JournalFacts,
    NoteFacts,
    PlanOfRunFacts,
    RunFacts,
    StepFacts,
    VmFacts,
)
from secondsite.reports.verdict import headline
from secondsite.run.events import Decided
from secondsite.run.record import QuestionRecord, RunRecord, StepRecord, VmRecord, critical_path
from secondsite.run.states import StepState

__all__ = ["Reportable", "as_facts", "run_facts"]

Reportable = RunRecord | RunFacts
"""What every report can be made of."""

_UNCHECKED: JournalFacts = {"events": None, "verified": None, "head": "", "problem": ""}


def as_facts(source: Reportable) -> RunFacts:
    """`source` as the object that reports show."""
    return run_facts(source) if isinstance(source, RunRecord) else source


def run_facts(
    record: RunRecord,
    *,
    reported_at: datetime | None = None,
    journal: JournalFacts | None = None,
    plans: Sequence[PlanOfRunFacts] | None = None,
) -> RunFacts:
    """The one object of a run.

    Args:
        record: The run, as its events tell it.
        reported_at: Now, for a run under way; its last event if not given.
        journal: What was found when the journal's hash chain was checked.
        plans: Its plans in the light of their other runs; if not given, of this one alone.
    """
    now = max(reported_at or record.last_event_at, record.last_event_at)
    path, path_s = critical_path(record)
    critical = frozenset(path)
    facts: RunFacts = {
        "format": FORMAT,
        "run_id": record.run_id,
        "plan": record.plan,
        "plan_digest": record.plan_digest,
        "kind": record.kind,
        "direction": record.direction,
        "state": record.state,
        "headline": "",
        "summary": withhold_in_text(record.summary),
        "parameters": withhold(_plain(record.parameters)),
        "requested_by": record.requested_by,
        "held_by": record.held_by,
        "created_at": iso_text(record.created_at),
        "started_at": _iso(record.started_at),
        "ended_at": _iso(record.ended_at),
        "reported_at": iso_text(now),
        "duration_s": _rounded(_seconds(record.started_at, record.ended_at or now)),
        "people_s": round(sum(end - start for start, end in waited_for_people(record, now=now)), 3),
        "critical_path": list(path),
        "critical_path_s": round(path_s, 3),
        "objectives": measure_objectives(record, now=now),
        "plans": list(plans) if plans is not None else [plan_facts(record, now=now)],
        "steps": [_step(step, is_critical=step.id in critical) for step in record.steps],
        "vms": _vms(record),
        "gates": [_gate(question) for question in record.questions],
        "approvals": [_decision(made) for made in record.decisions],
        "notes": _notes(record),
        "engines": _engines(record),
        "versions": dict(record.versions),
        "journal": journal or _UNCHECKED,
    }
    facts["headline"] = headline(facts)
    return facts


def _step(step: StepRecord, *, is_critical: bool) -> StepFacts:
    return {
        "id": step.id,
        "action": step.action,
        "title": step.title,
        "group": step.group,
        "vm": step.vm,
        "site": step.site,
        "host": step.host,
        "state": step.state.value,
        "waits_for": list(step.waits_for),
        "attempts": step.attempts,
        "changed": step.changed,
        "started_at": _iso(step.started_at),
        "ended_at": _iso(step.ended_at),
        "duration_s": _rounded(step.duration_s),
        "critical": is_critical,
        "tolerated": step.is_tolerated,
        "unsettled": step.is_unsettled,
        "stuck": step.is_stuck,
        "by_hand": step.done_by_hand,
        "evidence": withhold(_plain(step.evidence)),
        "error": _error(step),
    }


def _error(step: StepRecord) -> ErrorFacts | None:
    if step.error is None:
        return None
    return {
        "kind": step.error.kind,
        "message": withhold_in_text(step.error.message),
        "next": withhold_in_text(step.error.next),
    }


def _vms(record: RunRecord) -> list[VmFacts]:
    by_vm: dict[str, dict[str, StepRecord]] = {}
    for step in record.steps:
        if step.vm:
            by_vm.setdefault(step.vm.casefold(), {})[step.action] = step
    is_over = record.ended_at is not None
    return [_vm(vm, by_vm.get(vm.name.casefold(), {}), is_over=is_over) for vm in record.vms]


def _vm(vm: VmRecord, steps: Mapping[str, StepRecord], *, is_over: bool) -> VmFacts:
    cleanup = steps.get("cleanup")
    # Some of its steps are done and nobody will go on: it waits for steps that never came.
    is_left = is_over and vm.state is StepState.RUNNING
    return {
        "name": vm.name,
        "id": vm.id,
        "group": vm.group,
        "site": vm.site,
        "host": vm.host,
        "source_host": vm.source_host,
        "network": vm.network,
        "test_vm": vm.test_vm,
        "state": "pending" if is_left else vm.state.value,
        "addresses": list(vm.addresses),
        "dns": dns_facts(vm, restore=steps.get("restore-dns")),
        "recovery_point_at": _iso(vm.recovery_point_at),
        "started_at": _iso(vm.start_requested_at),
        "ready_at": _iso(vm.ready_at),
        "in_service_at": _iso(vm.in_service_at),
        "boot_s": _rounded(_seconds(vm.start_requested_at, vm.in_service_at)),
        "proof": [withhold_in_text(line) for line in proof_of(steps)],
        "cleaned_up": None if cleanup is None else cleanup.state.value == "done",
    }


def _gate(question: QuestionRecord) -> GateFacts:
    return {
        "id": question.id,
        "about": question.about,
        "name": question.title or question.id,
        "instructions": withhold_in_text(question.shown),
        "approvers": list(question.approvers),
        "required": question.required,
        "asked_at": _iso(question.asked_at),
        "deadline_at": _iso(question.deadline_at),
        "decision": question.decision.value if question.decision else None,
        "by": question.by,
        "at": _iso(question.at),
        "comment": withhold_in_text(question.comment),
        "waited_s": _rounded(_seconds(question.asked_at, question.at)),
        "via": question.via,
        "with_code": list(question.with_code),
        "separate_from": list(question.separate_from),
        "escalations": [
            {
                "at": iso_text(each.at),
                "to": list(each.approvers),
                "deadline_at": iso_text(each.deadline_at),
            }
            for each in question.escalations
        ],
        "reminders": [iso_text(each.at) for each in question.reminders],
    }


def _decision(made: Decided) -> DecisionFacts:
    return {
        "step": made.step,
        "decision": made.decision.value,
        "by": made.by,
        "via": made.via,
        "at": iso_text(made.at),
        "comment": withhold_in_text(made.comment),
        "with_code": made.with_code,
        "account": made.account,
    }


def _notes(record: RunRecord) -> list[NoteFacts]:
    notes: list[NoteFacts] = [
        {
            "at": iso_text(note.at),
            "step": note.step,
            "level": note.level,
            "text": withhold_in_text(note.text),
        }
        for note in record.notes
    ]
    notes += [
        {"at": iso_text(each.at), "step": "", "level": "warning", "text": untold_words(each)}
        for each in record.notifications
        if each.state in {"failed", "unknown"}
    ]
    return sorted(notes, key=lambda note: note["at"])


def _engines(record: RunRecord) -> list[EngineFacts]:
    return [
        {"at": iso_text(each.at), "holder": each.holder, "flow_run": each.flow_run}
        for each in record.attachments
    ]


def _plain(value: Any) -> Any:
    """`value` as plain JSON: mappings to dicts, moments to text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return _iso(value)
    return value


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso_text(moment)


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds()


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
