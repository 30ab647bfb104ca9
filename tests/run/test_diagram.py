from __future__ import annotations

from pathlib import Path

from secondsite.run.diagram import page
from secondsite.run.states import TRANSITIONS, Event, StepState

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "step-states.md"


def test_the_page_of_the_states_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run: python -m secondsite.run.diagram docs/reference/step-states.md"
    )


def test_the_page_shows_every_transition_and_explains_every_word() -> None:
    text = page()

    for state, row in TRANSITIONS.items():
        for event, after in row.items():
            line = next(each for each in text.splitlines() if f"{state} --> {after}:" in each)
            assert event.value in line
    for word in (*StepState, *Event):
        assert f"| `{word}` |" in text
