"""The body of every flow: take the run up, hold its plan and VMs, walk it, ask people, end it.

Resuming after a gate, a crash or a restart is one and the same path: Prefect starts the flow again
from the top, and what the journal says is done is not done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from prefect import runtime
from prefect.client.schemas import State
from prefect.states import Cancelled, Completed, Crashed, Failed

from flows.blocks import read_block
from flows.carry_on import carry_on
from flows.hearing import Hearing
from flows.heartbeat import beat, beside
from flows.looking import current_proof
from flows.progress import Progress
from flows.standing_artifact import show_standing
from flows.stopping import farewell, told_to_end, was_cancelled
from flows.take_up import Request, TakenUp, catch_up, take_up
from flows.walk import Walk
from secondsite.errors import RunConflictError, SecondsiteError
from secondsite.graph import Action, Operation
from secondsite.home import home, journal_url, plans_folder
from secondsite.plan.credentials import Secrets
from secondsite.plan.hooks import GateHook
from secondsite.reports.proven import proven_facts
from secondsite.run.ballot import Submission
from secondsite.run.ballot_box import BallotBox
from secondsite.run.codes import rule_for
from secondsite.run.deadlines import lapses
from secondsite.run.events import JournalEvent, RunAttached, RunEnded
from secondsite.run.history import LOOKS, record_of, runs_of_vms
from secondsite.run.holder import this_process
from secondsite.run.journal import Journal
from secondsite.run.leftovers import dns_changes_noted
from secondsite.run.record import RunRecord
from secondsite.run.writer import JournalWriter
from tasks.action import StepTask
from tasks.connections import Sites
from tasks.context import RunContext, use_run

__all__ = ["conduct"]

_KNOWN_RUNS = 200
"""How many runs of the plan are read to find what its tests have left behind."""
_TELLS_STANDING = frozenset({Operation.TEST, Operation.CLEANUP})
"""After which the standing of the plan may be another."""
_UNDOES = {
    Operation.CLEANUP: {Operation.TEST},
    Operation.UNDO: {Operation.PLANNED, Operation.UNPLANNED},
    Operation.CANCEL: {Operation.PLANNED, Operation.UNPLANNED},
}
"""Which runs an operation may end that were not carried to their end."""


async def conduct(request: Request, tasks: Mapping[Action, StepTask]) -> State[Any]:
    """Carry the requested run out; gives the state that the flow run ends in.

    A run that waits for people leaves by Prefect's suspension, which ends the process. One that is
    cancelled, or whose process is told to end, is not over: it can be taken up again.
    """
    flow_run = UUID(str(runtime.flow_run.id))
    holder = this_process()
    try:
        with closing(Journal.open(journal_url())) as journal:
            taken = take_up(request, journal, flow_run=flow_run)
            _claim(taken, journal, holder)
            try:
                taken = catch_up(request, taken, journal)
                attached = RunAttached(at=_now(), holder=holder, flow_run=str(flow_run))
                journal.append(taken.run_id, *taken.news, attached, holder=holder)
                taken.replay.apply(attached)
                return await _carry_on(taken, journal, tasks, attached)
            finally:
                journal.detach(taken.run_id, holder=holder)
    except SecondsiteError as error:
        return Failed(message=str(error))


async def _carry_on(
    taken: TakenUp, journal: Journal, tasks: Mapping[Action, StepTask], attached: RunAttached
) -> State[Any]:
    progress = Progress(taken.replay.record)
    async with (
        _walk(taken, journal, tasks, holder=attached.holder) as walk,
        beside(beat(journal, taken.run_id, holder=attached.holder, lost=walk.halt)),
        beside(progress.follow()),
    ):
        with told_to_end(walk.halt):
            state = await carry_on(walk, progress)
            if state == "halted":
                return await _part(walk, progress, UUID(attached.flow_run))
    await progress.finish(await asyncio.to_thread(proven_facts, journal, taken.run_id))
    if taken.operation in _TELLS_STANDING:
        await _show_standing(taken, journal)
    message = f"{taken.run_id}: {_summary(taken.replay.record())}"
    return Completed(message=message) if state == "done" else Failed(message=message)


async def _show_standing(taken: TakenUp, journal: Journal) -> None:
    proof = await asyncio.to_thread(
        current_proof, taken.plan, taken.estate, journal, folder=plans_folder()
    )
    await show_standing(taken.plan.name, proof)


async def _part(walk: Walk, progress: Progress, flow_run: UUID) -> State[Any]:
    """Leave a run that is not over, with words about how it goes on."""
    is_cancelled = await was_cancelled(flow_run)
    note = farewell(walk.replay.record(), is_cancelled=is_cancelled, at=_now())
    await walk.tell(note)
    await progress.show()
    return Cancelled(message=note.text) if is_cancelled else Crashed(message=note.text)


def _claim(taken: TakenUp, journal: Journal, holder: str) -> None:
    """Hold plan and VMs for the run. What undoes a run takes them from one that nobody carries."""
    vms = [vm.name for vm in taken.plan.vms]
    try:
        journal.claim(taken.run_id, plan=taken.plan.name, vms=vms, holder=holder)
    except RunConflictError:
        if not _end_dead_runs(taken, journal):
            raise
        journal.claim(taken.run_id, plan=taken.plan.name, vms=vms, holder=holder)


def _end_dead_runs(taken: TakenUp, journal: Journal) -> bool:
    """End the runs of the plan that this one undoes and nobody carries.

    Those that were interrupted or cancelled; of tests also those at a gate. Gives whether there was
    one.
    """
    dead = [
        run.run_id
        for run in journal.runs(
            plan=taken.plan.name, without=LOOKS, only_open=True, limit=_KNOWN_RUNS
        )
        if run.operation in _UNDOES.get(taken.operation, ())
        and (
            run.is_interrupted
            or (run.operation == Operation.TEST and _waits_without_process(run.run_id, journal))
        )
    ]
    for run_id in dead:
        summary = f"It was not over; ended by the {taken.operation} {taken.run_id}."
        journal.append(run_id, RunEnded(at=_now(), state="aborted", summary=summary))
    return bool(dead)


def _waits_without_process(run_id: str, journal: Journal) -> bool:
    """Whether the run is suspended at a gate; once it is ended, resuming it is refused."""
    lease = journal.lease(run_id)
    return lease is not None and not lease.holder


@asynccontextmanager
async def _walk(
    taken: TakenUp, journal: Journal, tasks: Mapping[Action, StepTask], *, holder: str
) -> AsyncIterator[Walk]:
    """The walk of this run; its servers are connected when first used, and left at the end."""
    record = taken.replay.record()
    writer = JournalWriter(journal, taken.run_id, holder=holder)
    sites = Sites(taken.estate, home=home(), block_reader=read_block)
    walk = Walk(
        run=RunContext(
            run_id=taken.run_id,
            plan=taken.plan,
            estate=taken.estate,
            operation=taken.operation,
            direction=taken.direction,
            options=taken.options,
            steps=taken.graph.steps,
            sites=sites,
            now=_now,
            vms=taken.replay.vm_facts,
            evidence={step.id: step.evidence for step in record.steps if step.evidence},
            unsettled={step.id for step in record.unsettled},
            dns_planned=dns_changes_noted(record),
            history=lambda: [*_earlier_runs(taken, journal), taken.replay.record()],
            everywhere=lambda: runs_of_vms(
                journal, (vm.name for vm in taken.plan.vms), but=taken.run_id
            ),
        ),
        replay=taken.replay,
        tasks=tasks,
        write=writer.append,
        news=Hearing(journal, taken.run_id, after=taken.last_seq).news,
        lapse=_lapse(taken, journal),
        submit=_submit(taken, journal),
    )
    use_run(walk.run)
    try:
        yield walk
    finally:
        await sites.close()
        await writer.close()


def _submit(taken: TakenUp, journal: Journal) -> Callable[[Submission], Awaitable[object]]:
    secrets = Secrets(taken.estate, home=home(), block_reader=read_block)
    box = BallotBox(journal, taken.run_id, rule_for=partial(rule_for, taken.estate, secrets))

    async def submit(submission: Submission) -> object:
        return await asyncio.to_thread(box.cast, submission, now=_now())

    return submit


def _lapse(taken: TakenUp, journal: Journal) -> Callable[[], Awaitable[object]]:
    gates: dict[str, GateHook] = {
        step.id: step.hook for step in taken.graph.steps.values() if isinstance(step.hook, GateHook)
    }

    def choose(record: RunRecord, _codes: object) -> Sequence[JournalEvent]:
        return lapses(record.open_questions, gates, taken.estate, now=_now())

    async def lapse() -> object:
        return await asyncio.to_thread(journal.decide, taken.run_id, choose)

    return lapse


def _earlier_runs(taken: TakenUp, journal: Journal) -> list[RunRecord]:
    """The other runs of the plan, oldest first."""
    known = journal.runs(plan=taken.plan.name, without=LOOKS, limit=_KNOWN_RUNS)
    return [record_of(journal, run.run_id) for run in reversed(known) if run.run_id != taken.run_id]


def _summary(record: RunRecord) -> str:
    """The run in one paragraph: how it ended, and the first thing to look at."""
    first = next((step for step in record.failures if step.error), None)
    if first is None or first.error is None:
        return record.summary
    return f"{record.summary} {first.id}: {first.error.message} {first.error.next}".strip()


def _now() -> datetime:
    return datetime.now(UTC)
