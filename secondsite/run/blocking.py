"""What holds a run up: what runs, what waits for whom, and which steps are behind it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from secondsite.run.record import QuestionRecord, RunRecord, StepRecord
from secondsite.run.scheduler import Scheduler
from secondsite.run.states import StepState

__all__ = ["Blocking", "Cause", "blocking"]

_BARRIER = "barrier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A step that others wait for.

    Attributes:
        since: When people were asked, the action began, or it failed; None if not known.
        question: What people are asked about it, if they are.
        behind: The steps that cannot start before people have decided about it, in the order of
            the graph.
    """

    step: StepRecord
    since: datetime | None
    question: QuestionRecord | None
    behind: tuple[str, ...]

    def for_s(self, now: datetime) -> float | None:
        """How long that has lasted."""
        return None if self.since is None else (now - self.since).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocking:
    """What a run waits for now.

    Attributes:
        people: Gates and failed steps that people are asked about.
        failed: Failed steps that nobody is asked about, and that others wait for.
        running: Steps under way; those whose engine died may or may not have happened.
        ready: Steps that wait for nothing but an engine, or for the release of a held run.
    """

    people: tuple[Cause, ...]
    failed: tuple[Cause, ...]
    running: tuple[Cause, ...]
    ready: tuple[str, ...]


def blocking(record: RunRecord, scheduler: Scheduler) -> Blocking:
    """What holds up the run that `record` and `scheduler` tell of."""
    behind = _behind(record, scheduler)
    asked = {question.id: question for question in record.open_questions}

    def cause(step: StepRecord) -> Cause:
        question = asked.get(step.id)
        since = step.ended_at if step.state is StepState.FAILED else step.started_at
        return Cause(
            step=step,
            since=question.asked_at if question else since,
            question=question,
            behind=tuple(behind.get(step.id, ())),
        )

    causes = [cause(step) for step in record.steps if step.action != _BARRIER]
    return Blocking(
        people=tuple(each for each in causes if each.question is not None),
        failed=tuple(
            each
            for each in causes
            if each.question is None and each.step.state is StepState.FAILED and each.behind
        ),
        running=tuple(each for each in causes if each.step.state is StepState.RUNNING),
        ready=scheduler.startable,
    )


def _behind(record: RunRecord, scheduler: Scheduler) -> Mapping[str, list[str]]:
    """Which pending steps each gate and each failed step holds back, itself or through others."""
    found: dict[str, list[str]] = {}
    for step, causes in scheduler.causes().items():
        if record.by_id[step].action != _BARRIER:
            for other in causes:
                if record.by_id[other].state is not StepState.RUNNING:
                    found.setdefault(other, []).append(step)
    return found
