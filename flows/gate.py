"""A gate as Prefect shows it: the flow run is suspended, and *Resume* opens this form.

The decision of record is the one in the journal; Prefect's state is how people see it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Literal

from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from secondsite.run.events import Decided, Decision
from secondsite.run.record import QuestionRecord

__all__ = ["GateForm", "ask_people"]


class GateForm(RunInput):
    """What a person fills in to let a run go on, or to stop it here."""

    decision: Literal["approve", "reject"] = Field(
        description="approve: the run goes on. reject: what waits for this gate is not done."
    )
    approver: str = Field(min_length=1, description="Your name; it goes into the journal.")
    comment: str = Field(default="", description="What you looked at, or why not.")


async def ask_people(question: QuestionRecord, *, run_id: str) -> Decided:
    """The decision about an open gate.

    Until there is one, the flow run is suspended and its process ends. When people have answered,
    Prefect starts the flow again from the top, and this gives the answer.
    """
    form = await _answered(question, run_id=run_id)
    return Decided(
        at=datetime.now(UTC),
        step=question.id,
        decision=Decision(form.decision),
        by=form.approver,
        via="ui",
        comment=form.comment,
    )


async def _answered(question: QuestionRecord, *, run_id: str) -> GateForm:
    now = datetime.now(UTC)
    left_s = (question.deadline_at - now).total_seconds() if question.deadline_at else None
    form = GateForm.with_initial_data(description=_description(question, run_id))
    for times_asked in count():
        try:
            return await asuspend_flow_run(
                wait_for_input=form,
                timeout=int(max(left_s, 1)) if left_s is not None else None,
                key=_key(question, times_asked),
            )
        except ObjectNotFound:
            # Prefect suspends once per key. Somebody has started the flow again (*Retry*) without
            # an answer: nothing is decided, so ask again.
            continue
    raise AssertionError("unreachable")


def _key(question: QuestionRecord, times_asked: int) -> str:
    """Keys hold lower-case letters, digits and dashes only; the digest keeps step ids apart."""
    words = re.sub(r"[^a-z0-9]+", "-", question.id.lower()).strip("-")
    digest = sha256(question.id.encode()).hexdigest()[:8]
    return f"{words}-{digest}-{len(question.decisions)}-{times_asked}"


def _description(question: QuestionRecord, run_id: str) -> str:
    lines = [
        f"# {question.title}",
        "",
        question.shown,
        "",
        f"Run `{run_id}`, step `{question.id}`.",
        "",
    ]
    if question.approvers:
        lines.append(f"May decide: {', '.join(question.approvers)}.")
    if question.deadline_at:
        lines.append(f"Until {question.deadline_at:%Y-%m-%d %H:%M} UTC.")
    return "\n".join(lines)
