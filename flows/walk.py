"""Walking a run graph: start what may start, journal before and after, until nothing can go on.

The rules are the scheduler's (`secondsite.run.scheduler`); this is only its hands.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from prefect import get_run_logger

from flows.gate_opening import questions_at
from secondsite.connectors.base import ActionResult
from secondsite.errors import JournalError, RunConflictError, SecondsiteError
from secondsite.graph import Action
from secondsite.run.ballot import Submission
from secondsite.run.deadlines import has_lapsed
from secondsite.run.events import ErrorFact, JournalEvent, StepIntent, StepOutcome
from secondsite.run.replay import Replay
from tasks.action import StepTask
from tasks.context import RunContext

__all__ = ["Walk"]

_LISTEN_EVERY_S = 1.0
_GRACE_S = 15.0
"""For what is under way when the run is halted; Prefect's worker kills the process after 30 s."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """The progress of one run through its graph.

    Attributes:
        replay: The run as its journal has it; every event goes there after it is durable.
        tasks: The task that carries out each action.
        write: Writes events to the journal, together; returns when they are durable.
        news: Gives what people have decided since it was last asked, and what silence has led to.
        lapse: Lets the journal have what the plan makes of gates that nobody answered in time.
        submit: Puts an answer to the vote: what counts of it is in the journal then.
        is_halted: Nothing new starts in this process any more; see `halt`.
    """

    run: RunContext
    replay: Replay
    tasks: Mapping[Action, StepTask]
    write: Callable[..., Awaitable[None]]
    news: Callable[[], Awaitable[Sequence[JournalEvent]]]
    lapse: Callable[[], Awaitable[object]]
    submit: Callable[[Submission], Awaitable[object]]
    is_halted: bool = False
    _launched: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _progress: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Let tasks write to the journal too: what they must not lose before they act."""
        self.run.tell = self.tell

    async def go_on(self) -> None:
        """Carry out steps until the scheduler is idle: all is over, or only people can go on.

        Or until `halt` was called, and what was under way has finished or was left.

        Every step has its intent in the journal before it starts, and its outcome before anything
        that waits for it starts.

        Raises:
            JournalError: the journal cannot be written. Nothing new was started since.
            RunConflictError: another process carries the run. Nothing new was started since.
        """
        await self.catch_up()
        try:
            async with asyncio.TaskGroup() as group:
                listener = group.create_task(self._listen())
                while True:
                    for step_id in self._startable():
                        self._launched[step_id] = group.create_task(
                            self._carry_out(step_id), name=step_id
                        )
                    if not self._launched:
                        listener.cancel()
                        return
                    await self._progress.wait()
                    self._progress.clear()
        except* (JournalError, RunConflictError) as errors:
            raise errors.exceptions[0] from None

    def halt(self) -> None:
        """Start nothing new. What is under way may finish, but is not waited for very long."""
        if not self.is_halted:
            self.is_halted = True
            self._progress.set()
            asyncio.get_running_loop().call_later(_GRACE_S, self._leave_the_rest)

    async def catch_up(self) -> bool:
        """Let what people decided take effect; tells whether there was anything."""
        events = await self.news()
        for event in events:
            self.replay.apply(event)
        if events:
            self._progress.set()
        return bool(events)

    @property
    def is_overdue(self) -> bool:
        """Whether a gate has not been answered in time, and the plan has not had its say yet."""
        now = self.run.now()
        return any(has_lapsed(each, now=now) for each in self.replay.open_questions())

    async def heed_limits(self) -> None:
        """Let silence have the consequences that the plan says; an answer in time comes first."""
        if self.is_overdue:
            await self.lapse()
        await self.catch_up()

    def _startable(self) -> Sequence[str]:
        if self.is_halted:
            return []
        return [each for each in self.replay.scheduler.ready() if each not in self._launched]

    def _leave_the_rest(self) -> None:
        for task in self._launched.values():
            task.cancel()

    async def _listen(self) -> None:
        while True:
            await asyncio.sleep(_LISTEN_EVERY_S)
            await self.heed_limits()

    async def tell(self, *events: JournalEvent) -> None:
        """Make `events` durable, all or none, then let them take effect."""
        await self.write(*events)
        for event in events:
            self.replay.apply(event)

    async def _carry_out(self, step_id: str) -> None:
        try:
            if self.run.steps[step_id].action is Action.GATE:
                await self.tell(*questions_at(self.run, step_id, record=self.replay.record()))
            else:
                await self._act(step_id)
        finally:
            del self._launched[step_id]
            self._progress.set()

    async def _act(self, step_id: str) -> None:
        await self.tell(StepIntent(at=self.run.now(), step=step_id))
        # The task tells in `settled` how it ended; what it raises besides is a fault of ours, and
        # must end this step without ending those of other VMs.
        with contextlib.suppress(Exception):
            await self.tasks[self.run.steps[step_id].action](step_id)
        if self.is_halted and step_id not in self.run.settled:
            return  # left in the middle: whoever takes the run up looks at what came of it
        outcome = self._outcome(step_id)
        if outcome.state == "done":
            self.run.evidence[step_id] = outcome.evidence
        await self.tell(outcome)
        self._log(outcome)

    def _outcome(self, step_id: str) -> StepOutcome:
        at = self.run.now()
        match self.run.settled.pop(step_id, None):
            case ActionResult(changed=changed, evidence=evidence):
                return StepOutcome(
                    at=at, step=step_id, state="done", changed=changed, evidence=evidence
                )
            case SecondsiteError() as error:
                return StepOutcome(
                    at=at,
                    step=step_id,
                    state="failed",
                    evidence=getattr(error, "evidence", {}),
                    error=ErrorFact(**error.as_dict()),
                )
            case _:
                return StepOutcome(
                    at=at, step=step_id, state="failed", error=_fault_of_ours(step_id)
                )

    def _log(self, outcome: StepOutcome) -> None:
        logger = get_run_logger()
        if outcome.error is None:
            what = "done" if outcome.changed else "done, nothing changed"
            logger.info("%s: %s", outcome.step, what)
        else:
            logger.error("%s: %s Next: %s", outcome.step, outcome.error.message, outcome.error.next)


def _fault_of_ours(step_id: str) -> ErrorFact:
    return ErrorFact(
        kind="internal",
        message=(
            f"{step_id} ended with a fault in Secondsite itself; it may or may not have happened."
        ),
        next=(
            "The log of this step's task run in Prefect's UI has the details: report it. "
            "Retrying looks at the real state first."
        ),
    )
