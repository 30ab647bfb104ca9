"""The states of a step, and the one table that says how it gets from one to the next.

Everything that changes a step's state goes through `advance`; the picture in the documentation is
drawn from the same table (`python -m secondsite.run.diagram`).
"""

from __future__ import annotations

from enum import StrEnum

from secondsite.errors import IllegalTransitionError

__all__ = ["FINAL", "TRANSITIONS", "Event", "StepState", "advance"]


class StepState(StrEnum):
    """Where a step stands; reports and scripts use these words."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    ABORTED = "aborted"


class Event(StrEnum):
    """What can happen to a step."""

    START = "start"
    ASK = "ask"
    SUCCEED = "succeed"
    FAIL = "fail"
    INTERRUPT = "interrupt"
    RETRY = "retry"
    SKIP = "skip"
    MARK_DONE = "mark-done"
    ABORT = "abort"


_S, _E = StepState, Event

TRANSITIONS: dict[StepState, dict[Event, StepState]] = {
    _S.PENDING: {
        _E.START: _S.RUNNING,
        _E.ASK: _S.WAITING,  # a gate: people decide
        _E.SKIP: _S.SKIPPED,
        _E.MARK_DONE: _S.DONE,  # done by hand before we came to it
        _E.ABORT: _S.ABORTED,
    },
    _S.RUNNING: {
        _E.SUCCEED: _S.DONE,
        _E.FAIL: _S.FAILED,
        _E.SKIP: _S.SKIPPED,  # it looked, and there was nothing for it to do in this run
        _E.INTERRUPT: _S.PENDING,  # the engine died between intent and outcome: look, then go on
        _E.ABORT: _S.ABORTED,
    },
    _S.WAITING: {
        _E.SUCCEED: _S.DONE,
        _E.FAIL: _S.FAILED,
        _E.SKIP: _S.SKIPPED,
        _E.ABORT: _S.ABORTED,
    },
    _S.FAILED: {
        _E.RETRY: _S.PENDING,
        _E.SKIP: _S.SKIPPED,
        _E.MARK_DONE: _S.DONE,
        _E.ABORT: _S.ABORTED,
    },
    _S.DONE: {},
    _S.SKIPPED: {},
    _S.ABORTED: {},
}

FINAL = frozenset(state for state, row in TRANSITIONS.items() if not row)
"""States that nothing leaves. A failed step is not final: people may still decide."""


def advance(state: StepState, event: Event) -> StepState:
    """The state after `event`.

    Raises:
        IllegalTransitionError: the state does not know this event; nothing has changed.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransitionError(state=state.value, event=event.value) from None
