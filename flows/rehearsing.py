"""The walk of a rehearsal: check, test and clean-up of each plan, one run after the other.

Each test and clean-up is a run of its own, carried by whichever worker takes it; this only starts
them, waits, and keeps in the journal what came of them. When its process dies, whoever takes the
rehearsal up finds the run that was under way by its key, and starts nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from flows.looking import CheckRequest, Outlook
from flows.skipping import reason_to_skip
from secondsite.errors import SecondsiteError
from secondsite.plan.model import Plan
from secondsite.reports.objectives import measure_objectives
from secondsite.run.attention import CANCELLED, is_left
from secondsite.run.events import (
    Decided,
    Decision,
    ErrorFact,
    JournalEvent,
    StepIntent,
    StepOutcome,
)
from secondsite.run.finding import Finding, reasons
from secondsite.run.following import Following
from secondsite.run.history import records_of
from secondsite.run.journal import Journal
from secondsite.run.leases import Lease
from secondsite.run.leftovers import leftovers
from secondsite.run.proof import Proof
from secondsite.run.record import RunRecord
from secondsite.run.rehearsal import Errand, errands
from secondsite.run.replay import Replay
from secondsite.run.states import FINAL, StepState
from tasks.options import rehearsal_options

__all__ = ["Rehearsal", "Surroundings", "TakenDown"]

_POLL_S = 1.0
_TAKEN_UP_WITHIN_S = 900.0
"""From the start of a flow run until some worker has begun it."""
_RESUMED_WITHIN_S = 120.0
_ENDS_WITHIN_S = 900.0
"""From the wish that a test may end until it has."""
_CLEAN_UPS = 2


class TakenDown(Exception):  # noqa: N818 - no error: the process was told to end
    """The process that carries the rehearsal was told to end; it is not over."""


class Surroundings(Protocol):
    """What a rehearsal asks of whatever runs flows: Prefect."""

    async def start(self, deployment: str, parameters: Mapping[str, Any], *, key: str) -> UUID:
        """Start a run, once for `key`; gives its flow run."""

    async def ended_before_it_began(self, flow_run: UUID) -> str:
        """Why it is over although the journal knows nothing of it; empty if it is not."""

    async def was_cancelled(self, flow_run: UUID) -> bool:
        """Whether somebody has cancelled that flow run."""

    async def workers(self, deployment: str) -> Sequence[Finding]:
        """What speaks against a run of that deployment being carried out."""

    async def show_standing(self, plan: str, proof: Proof) -> None:
        """Show people how well the plan is proved now."""


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """One rehearsal, of a plan or of a suite.

    Attributes:
        plans: In their order.
        holder: This process.
        replay: The rehearsal as the journal has it.
        around: Starts tests and clean-ups.
        look: Looks at a plan, and lets the journal keep it.
        tell: Told after each step, with the plan: its standing may have changed.
        resumes: Whether runs whose engine died are taken up by themselves.
        is_halted: The process was told to end; see `halt`.
    """

    run_id: str
    plans: Sequence[Plan]
    clean_up_at_end: bool
    stops_at_failure: bool
    requested_by: str
    holder: str
    journal: Journal
    replay: Replay
    around: Surroundings
    look: Callable[[CheckRequest], Awaitable[Outlook]]
    tell: Callable[[Plan], Awaitable[None]]
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    resumes: bool = False
    is_halted: bool = False
    _stopped: bool = field(default=False)

    def halt(self) -> None:
        """Start nothing new, and wait for nobody any more."""
        self.is_halted = True

    @property
    def is_ending(self) -> bool:
        """Whether somebody has cancelled it: nothing is tested any more, all is cleaned up."""
        return any(CANCELLED in note.details for note in self.replay.record().notes)

    async def carry_on(self) -> None:
        """Carry out what is left of the rehearsal.

        Raises:
            TakenDown: the process was told to end.
            JournalError: the journal cannot be written.
        """
        by_name = {plan.name: plan for plan in self.plans}
        names = [plan.name for plan in self.plans]
        for errand in errands(names, clean_up_at_end=self.clean_up_at_end):
            state = self.replay.scheduler.states[errand.id]
            if state in FINAL or state is StepState.FAILED:
                continue
            if self.is_halted:
                raise TakenDown
            plan = by_name[errand.plan]
            await self._write(StepIntent(at=self.now(), step=errand.id))
            try:
                outcome = await self._step(plan, errand)
            except SecondsiteError as error:
                outcome = self._failed(errand, error.message, error.next_step, kind=error.kind)
            await self._write(outcome)
            await self.tell(plan)

    async def _step(self, plan: Plan, errand: Errand) -> StepOutcome:
        match errand.part:
            case "check":
                return await self._check(plan, errand)
            case "test":
                return await self._test(plan, errand)
            case "clean-up":
                return await self._clean_up(plan, errand)

    async def _check(self, plan: Plan, errand: Errand) -> StepOutcome:
        if self.is_ending:
            return self._skipped(errand, "the rehearsal was cancelled")
        if self.stops_at_failure and self.replay.record().failures:
            return self._skipped(errand, "a plan before it failed, and the suite stops there")
        if why := await reason_to_skip(plan, self.journal, at=self.now()):
            return self._skipped(errand, why)
        request = CheckRequest(
            plan=plan.name, requested_by=self.requested_by, rehearsal=self.run_id
        )
        outlook = await self.look(request)
        evidence = {
            "run_id": outlook.run_id,
            "verdict": outlook.words,
            "findings": [each.as_dict() for each in outlook.findings],
        }
        blockers = reasons(outlook.findings)
        if blockers:
            next_step = "Nothing was touched. Mend these, then rehearse the plan again."
            return self._failed(errand, "; ".join(blockers), next_step, evidence=evidence)
        return self._done(errand, evidence)

    async def _test(self, plan: Plan, errand: Errand) -> StepOutcome:
        checked = self.replay.scheduler.states[Errand(plan=plan.name, part="check").id]
        if checked is not StepState.DONE:
            return self._skipped(errand, "its check has failed, or was skipped")
        if self.is_ending and not await self._has_begun(errand):
            return self._skipped(errand, "the rehearsal was cancelled")
        options = rehearsal_options(plan, rehearsal=self.run_id, clean_up=not self.clean_up_at_end)
        parameters = {
            "network": options.network.value,
            "network_name": options.network_name,
            "hold": options.hold,
            "hold_for_s": options.hold_for_s,
            "clean_up": options.clean_up,
            "rehearsal": self.run_id,
            "requested_by": self.requested_by,
        }
        record = await self._carried_out(plan, "test-failover", parameters, key=self._key(errand))
        facts = measure_objectives(record, now=self.now())
        evidence = {"run_id": record.run_id, "summary": record.summary, "objectives": dict(facts)}
        if record.state == "done":
            return self._done(errand, evidence, changed=True)
        first = next((step for step in record.failures if step.error), None)
        message = f"{first.id}: {first.error.message}" if first and first.error else record.summary
        return self._failed(
            errand,
            message or f"{record.run_id} was not carried to its end ({record.state}).",
            f"secondsite report {record.run_id}",
            evidence=evidence,
        )

    async def _clean_up(self, plan: Plan, errand: Errand) -> StepOutcome:
        """End the plan's test whatever became of it; what nobody of ours made is left alone."""
        evidence: dict[str, Any] = {}
        for attempt in range(1, _CLEAN_UPS + 1):
            if not await asyncio.to_thread(self._is_left, plan.name):
                return self._done(
                    errand, evidence or {"nothing_left": True}, changed=bool(evidence)
                )
            record = await self._carried_out(
                plan,
                "clean-up",
                {"requested_by": self.requested_by},
                key=f"{self._key(errand)}/{attempt}",
            )
            evidence = {"run_id": record.run_id, "summary": record.summary}
        if not await asyncio.to_thread(self._is_left, plan.name):
            return self._done(errand, evidence, changed=True)
        return self._failed(
            errand,
            f"The test of {plan.name} could not be cleaned up: {evidence.get('summary', '')}",
            f"secondsite report {evidence.get('run_id', 'latest')}, then: "
            f"secondsite cleanup {plan.name}",
            evidence=evidence,
        )

    async def _carried_out(
        self, plan: Plan, flow: str, parameters: Mapping[str, Any], *, key: str
    ) -> RunRecord:
        """Start a run, and wait until it is over or nobody carries it any more."""
        flow_run = await self.around.start(f"{flow}/{plan.name}", parameters, key=key)
        give_up_at = self.now() + timedelta(seconds=_TAKEN_UP_WITHIN_S)
        while (run_id := await self._found(flow_run)) is None:
            if why := await self.around.ended_before_it_began(flow_run):
                # It may have written its first event between the two questions.
                if (run_id := await self._found(flow_run)) is not None:
                    break
                raise SecondsiteError(
                    f"The {flow} of {plan.name} ended before it began: {why}",
                    next_step="Nothing was touched by it.",
                )
            if self.now() > give_up_at:
                raise SecondsiteError(
                    f"No worker has taken up the {flow} of {plan.name} within "
                    f"{_TAKEN_UP_WITHIN_S / 60:g} min; it stays scheduled.",
                    next_step="See whether the worker lives: secondsite status",
                )
            await self._pause()
        return await self._over(run_id)

    async def _over(self, run_id: str) -> RunRecord:
        following = await asyncio.to_thread(Following, self.journal, run_id)
        left_since: datetime | None = None
        told_to_end_at: datetime | None = None
        while following.record.ended_at is None:
            if self.is_ending and following.record.kind == "test" and told_to_end_at is None:
                told_to_end_at = self.now()
                await asyncio.to_thread(self.journal.append, run_id, _abort(told_to_end_at))
            if told_to_end_at and self._passed(told_to_end_at, _ENDS_WITHIN_S):
                break
            lease = await asyncio.to_thread(self.journal.lease, run_id)
            if self.is_ending and (lease is None or not lease.holder):
                break  # it waits for people: the clean-up ends it
            if await asyncio.to_thread(self._is_left_alone, following.record, lease):
                left_since = left_since or self.now()
                limit_s = _RESUMED_WITHIN_S if self.resumes and not self.is_ending else 0.0
                if self._passed(left_since, limit_s):
                    break
            else:
                left_since = None
            await self._pause()
            await asyncio.to_thread(following.refresh)
        return following.record

    def _passed(self, since: datetime, seconds: float) -> bool:
        return self.now() - since >= timedelta(seconds=seconds)

    def _is_left_alone(self, record: RunRecord, lease: Lease | None) -> bool:
        """Whether nobody carries the run any more, other than to wait for people."""
        if lease is None:
            return False
        if lease.holder:
            return record.run_id in self.journal.stale_runs()
        return is_left(record, let_go_at=lease.heartbeat_at, now=self.now())

    async def _pause(self) -> None:
        if self.is_halted:
            raise TakenDown
        await self.sleep(_POLL_S)
        if self.is_halted:
            raise TakenDown

    async def _found(self, flow_run: UUID) -> str | None:
        return await asyncio.to_thread(self.journal.find, flow_run.hex[:8])

    async def _has_begun(self, errand: Errand) -> bool:
        return self.replay.record().by_id[errand.id].attempts > 1

    def _is_left(self, plan: str) -> bool:
        """Whether a test of this rehearsal is still up, or not over."""
        records = [each for each in records_of(self.journal, plan) if each.kind != "check"]
        mine = [
            each
            for each in records
            if each.kind == "test" and each.parameters.get("rehearsal") == self.run_id
        ]
        ids = {each.run_id for each in mine}
        is_up = any(left.run_id in ids for left in leftovers(records).values())
        return is_up or any(each.ended_at is None for each in mine)

    def _key(self, errand: Errand) -> str:
        return f"{self.run_id}/{errand.id}"

    async def _write(self, event: JournalEvent) -> None:
        await asyncio.to_thread(self.journal.append, self.run_id, event, holder=self.holder)
        self.replay.apply(event)

    def _done(
        self, errand: Errand, evidence: Mapping[str, Any], *, changed: bool = False
    ) -> StepOutcome:
        return StepOutcome(
            at=self.now(), step=errand.id, state="done", changed=changed, evidence=evidence
        )

    def _skipped(self, errand: Errand, why: str) -> StepOutcome:
        return StepOutcome(at=self.now(), step=errand.id, state="skipped", evidence={"why": why})

    def _failed(
        self,
        errand: Errand,
        message: str,
        next_step: str,
        *,
        kind: str = "rehearsal",
        evidence: Mapping[str, Any] | None = None,
    ) -> StepOutcome:
        return StepOutcome(
            at=self.now(),
            step=errand.id,
            state="failed",
            evidence=evidence or {},
            error=ErrorFact(kind=kind, message=message, next=next_step),
        )


def _abort(at: datetime) -> Decided:
    return Decided(
        at=at,
        step="",
        decision=Decision.ABORT,
        by="the rehearsal",
        via="policy",
        comment="The rehearsal was cancelled; its test is cleaned up.",
    )
