"""People decide: the flow run is suspended, and *Resume* in Prefect's UI opens a form.

The decision of record is the one in the journal; Prefect's state is how people see it. A form that
does not count (somebody else's gate, too late, a wrong code) is noted, and comes again with the
reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Any, Literal, TypeVar, cast

from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from pydantic import Field, ValidationError, create_model

from secondsite.run.ballot import REFUSED, Proposal, Submission
from secondsite.run.events import Decision, Noted, RunReleased
from secondsite.run.record import QuestionRecord, RunRecord

__all__ = ["FailureForm", "GateForm", "ReleaseForm", "ask_people", "digest_of"]

FormT = TypeVar("FormT", bound=RunInput)

_FOR_EVER_S = 10 * 365 * 24 * 3600
"""The time limit of a gate is the journal's: Prefect's would leave a run that cannot be resumed."""
_MOST_STEPS = 25
_LEAVE = "leave it"
_CODE = "code"


class GateForm(RunInput):
    """What a person fills in to let a run go on, or to stop it here."""

    decision: Literal["approve", "reject"] = Field(
        description="approve: the run goes on. reject: what waits for this gate is not done."
    )
    approver: str = Field(min_length=1, description="Your name; it goes into the journal.")
    comment: str = Field(default="", description="What you looked at, or why not.")


class FailureForm(RunInput):
    """What a person decides about failed steps."""

    who: str = Field(min_length=1, description="Your name; it goes into the journal.")
    comment: str = Field(default="", description="What you found, or what you did by hand.")


class ReleaseForm(RunInput):
    """What a person fills in to let a held run go on."""

    who: str = Field(min_length=1, description="Your name; it goes into the journal.")
    comment: str = ""


async def ask_people(record: RunRecord) -> Submission | RunReleased | None:
    """What people answer about one open gate, or else about the failed steps, or the hold.

    Until they have, the flow run is suspended and its process ends. When they have answered,
    Prefect starts the flow again from the top, and this gives the answer, which is not judged yet;
    None if it decides nothing.
    """
    questions = record.open_questions
    gate = next((each for each in questions if each.about == "gate"), None)
    if gate is not None:
        return await _ask_about_gate(record, gate)
    if questions:
        return await _ask_about_failures(record, questions[:_MOST_STEPS])
    form = await _answered(
        ReleaseForm,
        f"# Held by {record.held_by}\n\nNothing new starts in `{record.run_id}`. Submit to go on.",
        key=f"release-{len(record.notes)}-{len(record.decisions)}",
    )
    return RunReleased(at=datetime.now(UTC), by=form.who, via="ui", comment=form.comment)


async def _ask_about_gate(record: RunRecord, gate: QuestionRecord) -> Submission:
    form = await _answered(
        _gate_form(gate),
        _about_gate(record, gate),
        key=_key(gate.id, *_how_far(record, gate)),
    )
    proposal = Proposal(
        step=gate.id,
        decision=Decision(form.decision),
        by=form.approver,
        via="ui",
        comment=form.comment,
    )
    return Submission(proposals=(proposal,), code=getattr(form, _CODE, ""))


async def _ask_about_failures(
    record: RunRecord, questions: Sequence[QuestionRecord]
) -> Submission | None:
    asked = len([each for each in record.questions if each.about == "failure"])
    ids = "/".join(each.id for each in questions)
    form = await _answered(
        _failure_form(questions),
        _about_failures(record, questions),
        key=_key(ids, asked, len(record.decisions)),
    )
    chosen = [
        (question.id, str(getattr(form, f"step_{number}")))
        for number, question in enumerate(questions, start=1)
    ]
    proposals = tuple(
        Proposal(
            # Aborting one step's wait ends the run: there is nothing else to end.
            step="" if choice == Decision.ABORT else step,
            decision=Decision(choice),
            by=form.who,
            via="ui",
            comment=form.comment,
        )
        for step, choice in chosen
        if choice != _LEAVE
    )
    return Submission(proposals=proposals, code=getattr(form, _CODE, "")) if proposals else None


async def _answered(form: type[FormT], description: str, *, key: str) -> FormT:
    filled = form.with_initial_data(description=description)
    for times_asked in count():
        try:
            return await asuspend_flow_run(
                wait_for_input=filled, timeout=_FOR_EVER_S, key=f"{key}-{times_asked}"
            )
        except (ObjectNotFound, ValidationError):
            # Prefect suspends once per key. Somebody has started the flow again (*Retry*, resume)
            # without an answer, or with an empty one: nothing is decided, so ask again.
            continue
    raise AssertionError("unreachable")


def _gate_form(gate: QuestionRecord) -> type[GateForm]:
    fields = _code_field([gate])
    if gate.approvers:
        # Not a Literal: of one name it would be a constant, for which Prefect has no drop-down.
        named = Field(description="Who you are.", json_schema_extra={"enum": list(gate.approvers)})
        fields["approver"] = (str, named)
    return cast("type[GateForm]", create_model("GateForm", __base__=GateForm, **fields))


def _code_field(questions: Sequence[QuestionRecord]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for each in questions for name in each.with_code))
    if not names:
        return {}
    who = ", ".join(names)
    asked = f"The one-time code that your authenticator app shows now. Needed of: {who}."
    return {_CODE: (str, Field(default="", description=asked))}


def _failure_form(questions: Sequence[QuestionRecord]) -> type[FailureForm]:
    choices = Literal["leave it", "retry", "skip", "mark-done", "abort"]
    fields = _code_field(questions) | {
        f"step_{number}": (choices, Field(default=_LEAVE, title=question.id))
        for number, question in enumerate(questions, start=1)
    }
    return cast("type[FailureForm]", create_model("FailureForm", __base__=FailureForm, **fields))


def _how_far(record: RunRecord, gate: QuestionRecord) -> tuple[int, ...]:
    """What makes the form a new one: an approval, an answer that did not count, others asked."""
    return len(gate.decisions), len(_refusals(record, gate.id)) + len(gate.escalations)


def _about_gate(record: RunRecord, gate: QuestionRecord) -> str:
    lines = [f"# {gate.title}", ""]
    for note in _refusals(record, gate.id)[-1:]:
        lines += [f"**{note.text}**", ""]
    lines += [gate.shown, "", f"Run `{record.run_id}`, step `{gate.id}`.", ""]
    if gate.approvers:
        lines.append(f"May decide: {', '.join(gate.approvers)}.")
    lines += [
        f"Nobody had answered by {each.at:%Y-%m-%d %H:%M} UTC: since then "
        f"{', '.join(each.approvers)} may decide, too."
        for each in gate.escalations
    ]
    if gate.separate_from:
        lines.append(
            f"Not by whoever started the run: {record.requested_by or gate.separate_from[0]}."
        )
    if gate.required > 1:
        names = ", ".join(each.by for each in gate.decisions) or "nobody yet"
        lines.append(f"{gate.required} different people must approve. So far: {names}.")
    if gate.deadline_at:
        lines.append(f"Until {gate.deadline_at:%Y-%m-%d %H:%M} UTC.")
    return "\n".join(lines)


def _about_failures(record: RunRecord, questions: Sequence[QuestionRecord]) -> str:
    lines = [f"# {len(questions)} steps failed" if len(questions) > 1 else "# A step failed", ""]
    for note in _refusals(record, *(each.id for each in questions))[-1:]:
        lines += [f"**{note.text}**", ""]
    for question in questions:
        lines += [f"- `{question.id}`: {question.shown}"]
    lines += [
        "",
        "retry: it is tried again, after a look at what is already done. skip: what waits for it "
        "goes on without. mark-done: you did it by hand. abort: the run ends here.",
        "",
        f"Run `{record.run_id}`.",
    ]
    return "\n".join(lines)


def _refusals(record: RunRecord, *steps: str) -> list[Noted]:
    return [note for note in record.notes if note.details.get(REFUSED) in steps]


def _key(name: str, *counts: int) -> str:
    """Keys hold lower-case letters, digits and dashes only; the digest keeps step ids apart."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    return "-".join([words, digest_of(name), *map(str, counts)])


def digest_of(name: str) -> str:
    """What stands for a step's id in the key of its form."""
    return sha256(name.encode()).hexdigest()[:8]
