"""What is asked when a run comes to a gate, and in a rehearsal what the plan answers itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from secondsite.plan.estate import Estate
from secondsite.plan.hooks import GateHook, InRehearsal
from secondsite.plan.instructions import fill_in
from secondsite.reports.gate_facts import gate_facts
from secondsite.run.codes import needing_code
from secondsite.run.events import Asked, Decided, Decision
from secondsite.run.record import RunRecord
from secondsite.run.separation import names_of_starter
from tasks.context import RunContext

__all__ = ["questions_at", "remind_every_s"]

_BY_PLAN = {InRehearsal.SKIP: Decision.SKIP, InRehearsal.APPROVE: Decision.APPROVE}


def questions_at(run: RunContext, step_id: str, *, record: RunRecord) -> Sequence[Asked | Decided]:
    """The question of the gate; with the plan's own answer, where nobody is asked in rehearsals."""
    gate = run.steps[step_id].hook
    if not isinstance(gate, GateHook):
        raise TypeError(f"{step_id} is no gate")
    answer = _BY_PLAN.get(gate.in_rehearsal) if run.options.rehearsal else None
    now = run.now()
    asked = Asked(
        at=now,
        step=step_id,
        title=gate.gate,
        shown=_instructions(run, gate, step_id, record),
        approvers=gate.approvers,
        required=gate.required,
        deadline_at=now + gate.timeout,
        with_code=needing_code(gate.approvers, run.estate),
        separate_from=(
            names_of_starter(run.estate, record.requested_by)
            if gate.is_separate(by_default=run.estate.separation)
            else ()
        ),
        remind_every_s=remind_every_s(run.estate, gate),
        is_for_record=answer is not None,
    )
    if answer is None:
        return [asked]
    comment = f"A rehearsal: the plan says in_rehearsal: {gate.in_rehearsal}."
    decided = Decided(
        at=now, step=step_id, decision=answer, by="the plan", via="plan", comment=comment
    )
    return [asked, decided]


def _instructions(run: RunContext, gate: GateHook, step_id: str, record: RunRecord) -> str:
    """The text with the facts of this moment in it; as it is written, where that cannot be had."""
    facts = gate_facts(
        record,
        step_id,
        source_site=run.source_site_name,
        target_site=run.target_site_name,
        now=run.now(),
    )
    try:
        return fill_in(gate.instructions, facts)
    except ValueError as error:  # validation has tried it; people must be asked all the same
        return f"{gate.instructions}\n\n(The facts in it could not be filled in: {error})"


def remind_every_s(estate: Estate, gate: GateHook | None = None) -> float | None:
    """How often people are reminded; None: never."""
    interval: timedelta | None = gate.remind_every if gate else None
    interval = interval if interval is not None else estate.remind_every
    return interval.total_seconds() if interval is not None else None
