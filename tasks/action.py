"""How one step of a run becomes one Prefect task: its name, its retries, its words.

An error that we foresaw ends the task run as *Failed* with the error's own message. Nothing is
raised through Prefect, whose log would show a traceback to people who need a sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from secondsite.connectors.base import ActionResult
from secondsite.errors import NotStartedError, SecondsiteError
from secondsite.graph import Step
from tasks.context import RunContext, current_run

__all__ = ["StepTask", "step_task"]

_PAUSES_S = (2.0, 5.0, 15.0)
"""Before each further try of what surely did not happen."""

StepTask = Callable[..., Awaitable[State[Any]]]
_Act = Callable[[RunContext, Step], Awaitable[ActionResult]]


def step_task(action: _Act) -> StepTask:
    """The Prefect task that carries out `action` for one step, given by its id.

    How it ended is in `RunContext.settled` afterwards.
    """

    async def carry_out(step_id: str) -> State[Any]:
        run = current_run()
        try:
            result = await _tried(action, run, run.steps[step_id])
        except SecondsiteError as error:
            run.settled[step_id] = error
            return Failed(message=str(error))
        run.settled[step_id] = result
        return Completed(message="Done." if result.changed else "Done, nothing changed.")

    carry_out.__doc__ = action.__doc__
    return task(
        name=action.__name__.replace("_", " "),
        task_run_name="{step_id}",
        cache_policy=NO_CACHE,
        persist_result=False,
    )(carry_out)


async def _tried(action: _Act, run: RunContext, step: Step) -> ActionResult:
    """The result of `action`, tried again only when it surely did not happen."""
    for pause_s in _PAUSES_S:
        try:
            return await action(run, step)
        except NotStartedError as error:
            get_run_logger().warning(
                "%s: %s Trying again in %g s.", step.id, error.message, pause_s
            )
            await asyncio.sleep(pause_s)
    return await action(run, step)
