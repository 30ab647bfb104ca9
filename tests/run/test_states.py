from __future__ import annotations

import itertools

import pytest

from secondsite.errors import IllegalTransitionError
from secondsite.run.states import FINAL, TRANSITIONS, Event, StepState, advance


def test_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(StepState)


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = {after for row in TRANSITIONS.values() for after in row.values()}

    assert reached | {StepState.PENDING} == set(StepState)


def test_every_event_means_something_somewhere() -> None:
    assert {event for row in TRANSITIONS.values() for event in row} == set(Event)


def test_what_is_over_stays_over() -> None:
    assert {StepState.DONE, StepState.SKIPPED, StepState.ABORTED} == FINAL


@pytest.mark.parametrize(("state", "event"), list(itertools.product(StepState, Event)))
def test_an_event_leads_where_the_table_says_or_is_refused(state: StepState, event: Event) -> None:
    if event in TRANSITIONS[state]:
        assert advance(state, event) is TRANSITIONS[state][event]
    else:
        with pytest.raises(IllegalTransitionError, match=event.value):
            advance(state, event)


def test_a_failed_step_is_left_to_people() -> None:
    assert set(TRANSITIONS[StepState.FAILED]) == {
        Event.RETRY,
        Event.SKIP,
        Event.MARK_DONE,
        Event.ABORT,
    }
