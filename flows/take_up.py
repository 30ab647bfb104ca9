"""Taking a run up: a new one from the plan as it is now, or an interrupted one from the journal.

Both give the same: plan, estate and graph, and the run replayed from its events.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from uuid import UUID

import secondsite
from secondsite.errors import JournalError, RefusedError
from secondsite.graph import Operation, RunGraph, compile_graph
from secondsite.home import plans_folder
from secondsite.plan.digest import plan_digest
from secondsite.plan.estate import Estate
from secondsite.plan.fingerprint import fingerprint
from secondsite.plan.hooks import GateHook, InRehearsal
from secondsite.plan.loader import find_plan, load_estate, load_plan
from secondsite.plan.model import Direction, Plan
from secondsite.run.events import JournalEvent, RunCreated
from secondsite.run.journal import Journal
from secondsite.run.model_note import model_in, model_note
from secondsite.run.naming import new_run_id
from secondsite.run.planned import planned_steps, promises_of
from secondsite.run.replay import Replay
from secondsite.run.separation import is_among, names_of_starter
from tasks.context import protection_of
from tasks.options import RunOptions, TestNetworkChoice

__all__ = ["Request", "TakenUp", "catch_up", "engine_versions", "run_graph", "take_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a flow was asked to do.

    Attributes:
        resume: Id of the run that is to go on, when Prefect no longer knows its flow run.
    """

    plan: str
    operation: Operation
    options: RunOptions
    direction: Direction = Direction.FORWARD
    requested_by: str = ""
    resume: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUp:
    """A run, ready to go on.

    Attributes:
        news: Events that the journal does not hold yet: those of a new run.
        last_seq: Number of the last event of the journal that `replay` has taken in.
    """

    run_id: str
    plan: Plan
    estate: Estate
    operation: Operation
    direction: Direction
    options: RunOptions
    graph: RunGraph
    replay: Replay
    news: Sequence[JournalEvent] = ()
    last_seq: int = 0


def take_up(request: Request, journal: Journal, *, flow_run: UUID) -> TakenUp:
    """The run of that flow run: from the journal if it is there, else a new one.

    Raises:
        PlanError: plan or estate is wrong; nothing was touched.
        JournalError: the journal cannot be read, or does not hold what it must.
        RefusedError: the run is not the one that was meant, or does not go on.
    """
    run_id = request.resume or journal.find(flow_run.hex[:8])
    taken = _again(run_id, journal) if run_id else _anew(request, flow_run)
    _refuse_if_other(request, taken)
    _refuse_if_over(request, taken)
    return taken


def catch_up(request: Request, taken: TakenUp, journal: Journal) -> TakenUp:
    """The run as it is now that it is held, with what others have written since it was read.

    Until then its former process may have gone on, or somebody may have ended it.

    Raises:
        RefusedError: it does not go on; the run is let go.
    """
    if taken.news:
        return taken
    entries = journal.read(taken.run_id, after=taken.last_seq)
    for entry in entries:
        taken.replay.apply(entry.event)
    try:
        _refuse_if_over(request, taken)
    except RefusedError:
        journal.release(taken.run_id)
        raise
    return replace(taken, last_seq=entries[-1].run_seq) if entries else taken


def _refuse_if_other(request: Request, taken: TakenUp) -> None:
    if request.resume and (taken.plan.name, taken.operation) != (request.plan, request.operation):
        raise RefusedError(
            [f"{taken.run_id} is a {taken.operation} of {taken.plan.name}"],
            next_step=f"Nothing was touched. Use: secondsite resume {taken.run_id}",
        )


def _refuse_if_over(request: Request, taken: TakenUp) -> None:
    """One that was ended for good never goes on; one that has failed, when Prefect retries it."""
    record = taken.replay.record()
    if record.state == "aborted":
        raise RefusedError(
            [f"{taken.run_id} was ended: {record.summary}"],
            next_step="Nothing was touched. Start a new run.",
        )
    if request.resume and record.ended_at is not None:
        raise RefusedError(
            [f"{taken.run_id} is over: {record.summary}"],
            next_step=f"Nothing was touched. See: secondsite status {taken.plan.name}",
        )


def _anew(request: Request, flow_run: UUID) -> TakenUp:
    now = datetime.now(UTC)
    path = find_plan(request.plan, folder=plans_folder())
    estate = load_estate(path.parent, resolve=True)
    plan = load_plan(path, estate)
    graph = run_graph(plan, estate, request.operation, request.direction, request.options)
    _refuse_vain_waiting(request, estate, graph)
    run_id = new_run_id(plan=plan.name, operation=request.operation, at=now, token=flow_run.hex[:8])
    source, target = protection_of(plan, estate).site_names(request.direction)
    created = RunCreated(
        at=now,
        run_id=run_id,
        plan=plan.name,
        plan_digest=plan_digest(path),
        fingerprint=fingerprint(plan, estate, folder=path.parent),
        operation=request.operation,
        direction=request.direction,
        steps=planned_steps(graph, source_site=source, target_site=target),
        objectives=promises_of(plan),
        parameters=request.options.model_dump(mode="json"),
        requested_by=request.requested_by,
        versions=engine_versions(),
    )
    model = model_note(plan, estate, at=now)
    replay = Replay(created)
    replay.apply(model)
    return TakenUp(
        run_id=run_id,
        plan=plan,
        estate=estate,
        operation=request.operation,
        direction=request.direction,
        options=request.options,
        graph=graph,
        replay=replay,
        news=(created, model),
    )


def _refuse_vain_waiting(request: Request, estate: Estate, graph: RunGraph) -> None:
    """Refuse a run whose gates could not be passed, because whoever starts it does not count.

    Raises:
        RefusedError: nobody said who that is, or too few others may decide.
    """
    starter = request.requested_by.strip()
    names = names_of_starter(estate, starter)
    reasons: list[str] = []
    for step in graph.steps.values():
        gate = step.hook
        if not isinstance(gate, GateHook) or not gate.is_separate(by_default=estate.separation):
            continue
        if request.options.rehearsal and gate.in_rehearsal is not InRehearsal.ASK:
            continue
        others = {each.casefold() for each in gate.may_be_asked if not is_among(each, names)}
        if not starter:
            reasons.append(f"{gate.gate}: whoever starts the run may not decide; nobody said who")
        elif gate.approvers and len(others) < gate.required:
            reasons.append(
                f"{gate.gate}: {gate.required} must approve, and without {starter}, who starts the "
                f"run, only {len(others)} may"
            )
    if reasons:
        raise RefusedError(
            reasons,
            next_step="Nothing was touched. Let somebody else start it, say who starts it "
            "(requested_by), or name more approvers in the plan.",
        )


def _again(run_id: str, journal: Journal) -> TakenUp:
    entries = journal.read(run_id)
    created, *later = (entry.event for entry in entries)
    if not isinstance(created, RunCreated):
        raise JournalError(
            f"{run_id} has no beginning in the journal.", next_step="secondsite runs verify"
        )
    replay = Replay(created)
    for event in later:
        replay.apply(event)
    model = model_in(later)
    if model is None:
        raise JournalError(
            f"{run_id} ended before its plan was in the journal; nothing was touched by it.",
            next_step="Start a new run.",
        )
    plan, estate = model
    operation, direction = Operation(created.operation), Direction(created.direction)
    options = RunOptions.model_validate(created.parameters)
    return TakenUp(
        run_id=run_id,
        plan=plan,
        estate=estate,
        operation=operation,
        direction=direction,
        options=options,
        graph=run_graph(plan, estate, operation, direction, options),
        replay=replay,
        last_seq=entries[-1].run_seq,
    )


def engine_versions() -> dict[str, str]:
    """Of the engine and what it runs on."""
    return {
        "secondsite": secondsite.__version__,
        "prefect": version("prefect"),
        "python": platform.python_version(),
    }


def run_graph(
    plan: Plan,
    estate: Estate,
    operation: Operation,
    direction: Direction,
    options: RunOptions,
) -> RunGraph:
    """The graph of a run with these choices."""
    return compile_graph(
        plan,
        operation=operation,
        direction=direction,
        primary_side=options.primary_side,
        hold=options.hold,
        hold_for=timedelta(seconds=options.hold_for_s) if options.hold_for_s else None,
        cleanup=options.clean_up,
        # A clean-up looks for them always: the test that made them had other options.
        created_networks=operation is Operation.CLEANUP
        or options.network is TestNetworkChoice.CREATED,
        settles=estate.dns_policy.settles,
    )
