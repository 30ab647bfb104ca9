"""From the first step to the last: walk, ask people, walk on, and end the run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from flows.gate import ask_people
from flows.gate_opening import remind_every_s
from flows.handed_in import put_away, stray_answers
from flows.progress import Progress
from flows.walk import Walk
from secondsite.graph import Action
from secondsite.reports.closing import closing_words
from secondsite.run.ballot import Submission
from secondsite.run.codes import with_code
from secondsite.run.events import Asked, RunEnded, RunReleased
from secondsite.run.record import StepRecord
from secondsite.run.states import StepState

__all__ = ["carry_on"]


async def carry_on(
    walk: Walk, progress: Progress
) -> Literal["done", "failed", "aborted", "halted"]:
    """Carry the run to its end; gives how it ended, which the journal holds then.

    `halted`: this process was told to end before that, and the run is not over.

    A run that waits for people leaves by Prefect's suspension, which ends the process.
    """
    replay = walk.replay
    await _tell_strays(walk)
    while True:
        await walk.go_on()
        if replay.scheduler.is_aborted:
            break
        if walk.is_halted and replay.scheduler.verdict() != "done":
            return "halted"
        if walk.is_overdue:
            await walk.heed_limits()
        elif events := _questions(walk):
            await walk.tell(*events)
        elif replay.record().open_questions or replay.scheduler.is_held:
            await progress.show()
            # Somebody may have decided at a terminal in this very moment.
            if not await walk.catch_up():
                await _hand_in(walk, await ask_people(replay.record()))
        else:
            break
    verdict = replay.scheduler.verdict()
    state: Literal["done", "failed", "aborted"] = (
        verdict if verdict in {"done", "aborted"} else "failed"
    )
    at = datetime.now(UTC)
    summary = closing_words(replay.record(), state=state, at=at)
    await walk.tell(RunEnded(at=at, state=state, summary=summary))
    return state


async def _tell_strays(walk: Walk) -> None:
    """Let the journal tell those whose answer came too late, or after another, that it did."""
    record = walk.replay.record()
    if len(record.attachments) > 1:
        for key, answer in (await stray_answers(record, now=walk.run.now())).items():
            await walk.submit(answer)
            await put_away(record, key)
        await walk.catch_up()


async def _hand_in(walk: Walk, answer: Submission | RunReleased | None) -> None:
    match answer:
        case Submission():
            await walk.submit(answer)
            await walk.catch_up()
            await put_away(walk.replay.record())
        case RunReleased():
            await walk.tell(answer)
        case None:
            pass


def _questions(walk: Walk) -> Sequence[Asked]:
    """A question about each failed step of an attended run that nobody has been asked about."""
    if walk.run.options.unattended:
        return []
    record = walk.replay.record()
    asked = {question.id for question in record.open_questions}
    return [
        Asked(
            at=datetime.now(UTC),
            step=step.id,
            about="failure",
            title=f"{step.id} failed",
            shown=f"{step.error.message} {step.error.next}".strip() if step.error else "",
            with_code=with_code(walk.run.estate),
            remind_every_s=remind_every_s(walk.run.estate),
        )
        for step in record.steps
        if step.state is StepState.FAILED and step.id not in asked and _is_to_be_asked(walk, step)
    ]


def _is_to_be_asked(walk: Walk, step: StepRecord) -> bool:
    """Not about what the plan has decided already, nor about what was rejected, nor a preflight.

    A preflight has touched nothing: the run ends, and is started again.
    """
    planned = walk.run.steps[step.id]
    return (
        not walk.replay.scheduler.is_satisfied(step.id)
        and planned.on_failure == "block"
        and planned.action is not Action.PREFLIGHT
    )
