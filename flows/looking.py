"""The body of a check: look at both sites, say what was found, and let the journal keep it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.blocks import read_block
from flows.take_up import engine_versions, run_graph
from secondsite.graph import Operation
from secondsite.home import home, plans_folder
from secondsite.plan.digest import plan_digest
from secondsite.plan.estate import Estate
from secondsite.plan.fingerprint import fingerprint
from secondsite.plan.loader import find_plan, load_estate, load_plan
from secondsite.plan.model import Direction, Plan
from secondsite.run.check_events import CHECK_STEPS, check_events, verdict
from secondsite.run.events import RunCreated
from secondsite.run.finding import Finding, by_severity, is_sound
from secondsite.run.history import record_of, records_of
from secondsite.run.journal import Journal
from secondsite.run.naming import new_run_id
from secondsite.run.planned import promises_of
from secondsite.run.proof import CHECK, HARDWARE, Proof, prove
from tasks.check import Checked, check
from tasks.connections import Sites
from tasks.context import RunContext
from tasks.options import RunOptions, rehearsal_options

__all__ = ["CheckRequest", "Outlook", "current_proof", "look_at_plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What is to be looked at.

    Attributes:
        operation: The run whose readiness is in question.
        rehearsal: Id of the rehearsal that the check is a part of, if it is.
    """

    plan: str
    operation: Operation = Operation.TEST
    direction: Direction = Direction.FORWARD
    requested_by: str = ""
    rehearsal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a check found, and where the plan stands with it.

    Attributes:
        findings: The gravest first.
    """

    run_id: str
    plan: str
    kind: str
    direction: str
    findings: tuple[Finding, ...]
    proof: Proof
    sites: str

    @property
    def is_ready(self) -> bool:
        """Whether nothing graver than a warning was found."""
        return is_sound(self.findings)

    @property
    def words(self) -> str:
        """It in a sentence."""
        return verdict(self.findings)


WorkerLook = Callable[[str], Awaitable[Sequence[Finding]]]


async def look_at_plan(
    request: CheckRequest, journal: Journal, *, workers: WorkerLook | None = None
) -> Outlook:
    """Look at everything that the run would need; nothing is changed but the journal.

    Args:
        request: What is to be looked at.
        journal: Keeps what was found.
        workers: Asks whether the deployment of that name would be carried out.

    Raises:
        PlanError: plan or estate is wrong; nothing was asked.
    """
    began = datetime.now(UTC)
    path = find_plan(request.plan, folder=plans_folder())
    estate = load_estate(path.parent, resolve=True)
    plan = load_plan(path, estate)
    now = fingerprint(plan, estate, folder=path.parent)
    before = _prove(plan, journal, now)
    checked, about_workers = await asyncio.gather(
        _look(plan, estate, request, before, journal), _workers(plan, request, workers)
    )
    findings = tuple(by_severity([*checked.findings, *about_workers]))
    run_id = new_run_id(plan=plan.name, operation=CHECK, at=began)
    created = RunCreated(
        at=began,
        run_id=run_id,
        plan=plan.name,
        plan_digest=plan_digest(path),
        operation=CHECK,
        direction=str(request.direction),
        steps=CHECK_STEPS,
        objectives=promises_of(plan),
        parameters={"kind": str(request.operation), "rehearsal": request.rehearsal},
        requested_by=request.requested_by,
        versions=engine_versions(),
        fingerprint=now,
    )
    hardware = {fact.name: fact.facts[HARDWARE] for fact in checked.vms if HARDWARE in fact.facts}
    events = check_events(
        created,
        findings,
        hardware=hardware,
        lag_s=checked.lag_s,
        away=checked.standing.away if request.direction is Direction.FORWARD else (),
        ended_at=datetime.now(UTC),
    )
    await asyncio.to_thread(journal.append, run_id, *events)
    return Outlook(
        run_id=run_id,
        plan=plan.name,
        kind=str(request.operation),
        direction=str(request.direction),
        findings=findings,
        proof=_prove(plan, journal, now),
        sites=checked.standing.state,
    )


def current_proof(plan: Plan, estate: Estate, journal: Journal, *, folder: Path) -> Proof:
    """How well the plan is proved, as its files are now."""
    return _prove(plan, journal, fingerprint(plan, estate, folder=folder))


def _prove(plan: Plan, journal: Journal, now: dict[str, str]) -> Proof:
    return prove(
        plan.name,
        records_of(journal, plan.name),
        fingerprint=now,
        within=plan.rehearse_within,
        now=datetime.now(UTC),
    )


async def _look(
    plan: Plan, estate: Estate, request: CheckRequest, before: Proof, journal: Journal
) -> Checked:
    is_test = request.operation is Operation.TEST
    options = rehearsal_options(plan) if is_test else RunOptions(unattended=True)
    sites = Sites(estate, home=home(), block_reader=read_block)
    run = RunContext(
        run_id="",
        plan=plan,
        estate=estate,
        operation=request.operation,
        direction=request.direction,
        options=options,
        steps=run_graph(plan, estate, request.operation, request.direction, options).steps,
        sites=sites,
        now=lambda: datetime.now(UTC),
        everywhere=lambda: [
            record_of(journal, each.run_id) for each in reversed(journal.runs(plan=plan.name))
        ],
    )
    try:
        return await check(run, changes=before.changes)
    finally:
        await sites.close()


async def _workers(
    plan: Plan, request: CheckRequest, workers: WorkerLook | None
) -> Sequence[Finding]:
    if workers is None:
        return ()
    names = {Operation.TEST: "test-failover"}
    flow = names.get(request.operation, f"{request.operation}-failover")
    return await workers(f"{flow}/{plan.name}")
