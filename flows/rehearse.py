"""Rehearse: check, test failover, probes, clean-up and report, of a plan or a suite, unattended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Cancelled, Completed, Crashed, Failed

from flows.child_runs import ended_before_it_began, start_child
from flows.heartbeat import beat, beside
from flows.looking import current_proof, look_at_plan
from flows.rehearsing import Rehearsal, Surroundings, TakenDown
from flows.schedules import requester_of
from flows.skipping import reason_to_skip
from flows.standing_artifact import show_standing
from flows.stopping import told_to_end, was_cancelled
from flows.take_up import engine_versions
from flows.workers import worker_findings
from secondsite.errors import RefusedError, RunConflictError, SecondsiteError
from secondsite.home import journal_url, plans_folder
from secondsite.plan.digest import plan_digest, suite_digest
from secondsite.plan.estate import Estate
from secondsite.plan.loader import find_plan, load_estate, load_plan
from secondsite.plan.model import Plan
from secondsite.plan.suite import Suite
from secondsite.plan.suite_loader import find_suite, load_suites
from secondsite.plan.yaml_source import read_model
from secondsite.run.attention import CANCELLED, INTERRUPTED
from secondsite.run.events import Noted, RunAttached, RunCreated, RunEnded
from secondsite.run.finding import Finding
from secondsite.run.history import REHEARSAL
from secondsite.run.holder import this_process
from secondsite.run.journal import Journal
from secondsite.run.naming import new_run_id
from secondsite.run.proof import Proof
from secondsite.run.rehearsal import rehearsal_steps, summary_of
from secondsite.run.replay import Replay

__all__ = ["Programme", "programme_of", "rehearse", "rehearse_programme"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """What is rehearsed: one plan, or the plans of a suite.

    Attributes:
        name: Of the plan or the suite.
        digest: Of everything that is rehearsed.
    """

    name: str
    plans: tuple[Plan, ...]
    estate: Estate
    clean_up_at_end: bool
    stops_at_failure: bool
    digest: str


class _Prefect:
    """Runs are flow runs of their deployments; standings are artifacts."""

    async def start(self, deployment: str, parameters: Mapping[str, Any], *, key: str) -> UUID:
        return await start_child(deployment, parameters, key=key)

    async def ended_before_it_began(self, flow_run: UUID) -> str:
        return await ended_before_it_began(flow_run)

    async def was_cancelled(self, flow_run: UUID) -> bool:
        return await was_cancelled(flow_run)

    async def workers(self, deployment: str) -> Sequence[Finding]:
        return await worker_findings(deployment)

    async def show_standing(self, plan: str, proof: Proof) -> None:
        await show_standing(plan, proof)


@flow(name="rehearse", flow_run_name="rehearsal of {plan}", persist_result=False)
async def rehearse(plan: str, requested_by: str = "", resume: str = "") -> State[Any]:
    """Rehearse a plan, or a suite of plans: nobody need be there, production is not touched.

    Check, test failover, probes, hold if the plan says so, clean-up, report. The clean-up is tried
    whatever became of the test. It is skipped on top of an unfinished one, and while the VMs are in
    the recovery site after a real failover.

    Args:
        plan: Name of the recovery plan or of the suite; leave it as it is.
        requested_by: Your name; it goes into the journal and the report.
        resume: Leave it empty. (Id of an interrupted rehearsal that is to go on.)
    """
    flow_run = UUID(str(runtime.flow_run.id))
    return await rehearse_programme(
        plan,
        requested_by=requested_by or await requester_of(flow_run),
        resume=resume,
        flow_run=flow_run,
        around=_Prefect(),
    )


def programme_of(name: str) -> Programme:
    """The plan of that name, or the plans of the suite of that name.

    Raises:
        PlanError: there is neither, or something of it is wrong.
    """
    folder = plans_folder()
    suite_path = find_suite(name, folder=folder)
    suite = read_model(suite_path, Suite).model if suite_path else None
    names = suite.plans if suite else (name,)
    paths = [find_plan(each, folder=folder) for each in names]
    estate = load_estate(paths[0].parent)
    plans = tuple(load_plan(path, estate) for path in paths)
    if suite_path is not None:
        load_suites(folder, plans=[plan.name for plan in plans])
    return Programme(
        name=suite.name if suite else plans[0].name,
        plans=plans,
        estate=estate,
        clean_up_at_end=suite is not None and suite.clean_up == "at the end",
        stops_at_failure=suite is not None and suite.on_failure == "stop",
        digest=suite_digest(suite_path, paths) if suite_path else plan_digest(paths[0]),
    )


async def rehearse_programme(
    name: str, *, requested_by: str, resume: str, flow_run: UUID, around: Surroundings
) -> State[Any]:
    """The body of the flow; `around` is what carries flows."""
    try:
        programme = programme_of(name)
        with closing(Journal.open(journal_url())) as journal:
            return await _rehearse(
                programme,
                journal,
                requested_by=requested_by,
                resume=resume,
                flow_run=flow_run,
                around=around,
            )
    except SecondsiteError as error:
        return Failed(message=str(error))


async def _rehearse(
    programme: Programme,
    journal: Journal,
    *,
    requested_by: str,
    resume: str,
    flow_run: UUID,
    around: Surroundings,
) -> State[Any]:
    known = resume or journal.find(flow_run.hex[:8])
    if known:
        replay = _again(journal, known)
        run_id = known
    else:
        if skipped := await _skip(programme, journal):
            return Completed(message=skipped)
        run_id = new_run_id(
            plan=programme.name, operation=REHEARSAL, at=_now(), token=flow_run.hex[:8]
        )
        replay = Replay(_created(programme, run_id, requested_by))
    holder = this_process()
    names = [plan.name for plan in programme.plans]
    try:
        # A rehearsal holds the right to rehearse its plans; their VMs are held by its tests.
        journal.claim(run_id, plan=_claim(programme.name), vms=map(_claim, names), holder=holder)
    except RunConflictError as error:
        return Completed(message=f"Skipped: {error}")
    attached = RunAttached(at=_now(), holder=holder, flow_run=str(flow_run))
    journal.append(run_id, *(() if known else (replay.created,)), attached)
    replay.apply(attached)
    rehearsal = Rehearsal(
        run_id=run_id,
        plans=programme.plans,
        clean_up_at_end=programme.clean_up_at_end,
        stops_at_failure=programme.stops_at_failure,
        requested_by=replay.created.requested_by,
        holder=holder,
        journal=journal,
        replay=replay,
        around=around,
        look=partial(look_at_plan, journal=journal, workers=around.workers),
        tell=partial(_tell, programme, journal, around),
        now=_now,
        resumes=programme.estate.resume_by_itself,
    )
    try:
        async with beside(beat(journal, run_id, holder=holder, lost=rehearsal.halt)):
            with told_to_end(rehearsal.halt):
                await rehearsal.carry_on()
        return _end(rehearsal, names)
    except TakenDown:
        is_cancelled = await around.was_cancelled(flow_run)
        return _part(rehearsal, is_cancelled=is_cancelled)
    finally:
        journal.detach(run_id, holder=holder)


async def _skip(programme: Programme, journal: Journal) -> str:
    """Why a rehearsal of a single plan does not begin; a suite goes on with its other plans."""
    if len(programme.plans) > 1:
        return ""
    why = await reason_to_skip(programme.plans[0], journal, at=_now())
    return f"Skipped: {why}. Nothing was started." if why else ""


def _again(journal: Journal, run_id: str) -> Replay:
    created, *later = (entry.event for entry in journal.read(run_id))
    if not isinstance(created, RunCreated) or created.operation != REHEARSAL:
        raise RefusedError([f"{run_id} is no rehearsal"], next_step="List them: secondsite runs")
    replay = Replay(created)
    for event in later:
        replay.apply(event)
    if replay.record().ended_at is not None:
        raise RefusedError(
            [f"{run_id} is over: {replay.record().summary}"], next_step="Start a new one."
        )
    return replay


def _created(programme: Programme, run_id: str, requested_by: str) -> RunCreated:
    names = [plan.name for plan in programme.plans]
    return RunCreated(
        at=_now(),
        run_id=run_id,
        plan=programme.name,
        plan_digest=programme.digest,
        operation=REHEARSAL,
        direction="forward",
        steps=rehearsal_steps(names, clean_up_at_end=programme.clean_up_at_end),
        parameters={"plans": names},
        requested_by=requested_by,
        versions=engine_versions(),
    )


async def _tell(programme: Programme, journal: Journal, around: Surroundings, plan: Plan) -> None:
    folder = plans_folder()
    proof = await asyncio.to_thread(current_proof, plan, programme.estate, journal, folder=folder)
    await around.show_standing(plan.name, proof)


def _part(rehearsal: Rehearsal, *, is_cancelled: bool) -> State[Any]:
    run_id = rehearsal.run_id
    why = "Cancelled in Prefect's UI" if is_cancelled else "The engine's process was told to end"
    what = "Nothing more is tested; what is up is cleaned up." if is_cancelled else "It goes on."
    note = Noted(
        at=_now(),
        text=f"{why}. {what} The watch takes the rehearsal up; or: secondsite resume {run_id}",
        level="warning",
        details={CANCELLED if is_cancelled else INTERRUPTED: True},
    )
    rehearsal.journal.append(run_id, note, holder=rehearsal.holder)
    rehearsal.replay.apply(note)
    return Cancelled(message=note.text) if is_cancelled else Crashed(message=note.text)


def _end(rehearsal: Rehearsal, names: Sequence[str]) -> State[Any]:
    run_id, record = rehearsal.run_id, rehearsal.replay.record()
    whole = all(step.state == "done" for step in record.steps)
    state: Literal["done", "failed"] = "done" if whole else "failed"
    words = summary_of(record, names)
    summary = f"Cancelled. {words}" if rehearsal.is_ending else words
    ended = RunEnded(at=_now(), state=state, summary=summary)
    rehearsal.journal.append(run_id, ended, holder=rehearsal.holder)
    message = f"{run_id}: {summary}"
    return Completed(message=message) if whole else Failed(message=message)


def _claim(name: str) -> str:
    return f"rehearsal of {name}"


def _now() -> datetime:
    return datetime.now(UTC)
