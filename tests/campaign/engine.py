"""An engine that can be killed at a chosen instant: the flow of one operation, in one process.

Everything is real (take-up, journal, walk, tasks, connectors, the wire) but for Prefect's server,
which would take seconds a run: the flow's body is called without one. What is added here only
counts instants, and ends the process at one of them as `kill -9` does.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import dns.message
from prefect.logging import disable_run_logger

import flows.carry_on
import flows.conduct
import tasks.connections
from flows.conduct import conduct
from flows.take_up import Request
from secondsite.connectors.winrm import LaneLimits
from secondsite.graph import Operation
from secondsite.home import journal_url
from secondsite.plan.model import Direction
from secondsite.run.ballot import Proposal, refusal
from secondsite.run.events import Decision, JournalEvent
from secondsite.run.following import Following
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord
from tasks.catalogue import TASKS
from tasks.options import RunOptions
from tests.campaign.instants import Instants

__all__ = ["Errand", "carry_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One start of an engine.

    Attributes:
        home: The machine's home; its lab is up.
        plans: The plans folder.
        operation: Of which plan: see `parameters`.
        parameters: Direction and options of the run.
        flow_run: The same for every start of one run: that is how it is taken up again.
        instant: At which the process is killed (see `instants`); empty lets it live.
        answers: Somebody has said `retry` about every failed step that the run waits for, and
            approved every gate.
        limits: Of its lanes, where they differ from those of real servers.
        verdict: File for what became of the run, and how many passed each door until then.
        journal: URL of the journal; empty for the one of the home.
        ahead_s: By how much the clock of its machine is ahead.
        signs_ahead_s: By how much the time is ahead that it signs DNS messages with.
    """

    home: Path
    plans: Path
    plan: str
    operation: str
    direction: str
    options: dict[str, Any]
    flow_run: str
    instant: str
    answers: bool
    limits: Mapping[str, Any]
    verdict: Path
    journal: str = ""
    ahead_s: float = 0.0
    signs_ahead_s: float = 0.0


def carry_out(errand: Errand) -> None:
    """Be the engine, in a process of its own, until the run is over or the instant has come."""
    os.environ |= {
        "SECONDSITE_HOME": str(errand.home),
        "SECONDSITE_PLANS": str(errand.plans),
        "PREFECT__RUNTIME__FLOW_RUN__ID": errand.flow_run,
    }
    if errand.journal:
        os.environ["SECONDSITE_JOURNAL"] = errand.journal
    else:
        os.environ.pop("SECONDSITE_JOURNAL", None)
    instants = Instants(errand.instant, last_words=lambda: tell("killed"))
    instants.watch()

    def tell(state: str, message: str = "") -> None:
        facts = {"state": state, "message": message, "passed": instants.passed}
        errand.verdict.write_text(json.dumps(facts))

    request = Request(
        plan=errand.plan,
        operation=Operation(errand.operation),
        direction=Direction(errand.direction),
        options=RunOptions.model_validate({"unattended": True, **errand.options}),
        requested_by="campaign",
    )
    shortened: Any = partial(LaneLimits, **errand.limits)
    tasks.connections.LaneLimits = shortened  # type: ignore[attr-defined]
    flows.carry_on.ask_people = _leave  # type: ignore[attr-defined,assignment]
    ahead = timedelta(seconds=errand.ahead_s)
    flows.conduct._now = lambda: datetime.now(UTC) + ahead
    if errand.signs_ahead_s:
        _sign_ahead(errand.signs_ahead_s)
    if errand.answers:
        _answer(errand.flow_run)
    plain = {action: task.fn for action, task in TASKS.items()}  # type: ignore[attr-defined]
    with disable_run_logger():
        try:
            state = asyncio.run(conduct(request, plain))
            tell(state.type.value, state.message or "")
        except _WaitsForPeople as waits:
            tell("waiting", str(waits))
    os._exit(0)


def _sign_ahead(seconds: float) -> None:
    """Let what signs DNS messages take its time from the machine's clock, which is ahead."""
    module: Any = dns.message
    module.time = SimpleNamespace(time=lambda: time.time() + seconds)


class _WaitsForPeople(BaseException):
    """The run is suspended: an engine leaves by an exception then, as Prefect's own does."""


async def _leave(record: RunRecord) -> Sequence[JournalEvent]:
    """What asks people through Prefect; here they are found at a terminal (`_answer`)."""
    raise _WaitsForPeople("; ".join(f"{each.id}: {each.shown}" for each in record.open_questions))


def _answer(flow_run: str) -> None:
    """Write to the journal what `secondsite retry RUN` and `approve RUN` write."""
    with closing(Journal.open(journal_url())) as journal:
        run_id = journal.find(UUID(flow_run).hex[:8])
        if run_id is None:  # it was killed before anybody could hear of it
            return
        record = Following(journal, run_id).record
        for question in record.open_questions:
            proposal = Proposal(
                step=question.id,
                decision=Decision.APPROVE if question.about == "gate" else Decision.RETRY,
                by="the campaign",
                via="cli",
            )
            now = datetime.now(UTC)
            assert not refusal(record, proposal, now=now)
            journal.append(run_id, proposal.as_event(at=now))
