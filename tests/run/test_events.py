from __future__ import annotations

import json
import typing
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondsite.errors import JournalError
from secondsite.run.events import (
    EVENT_VERSION,
    Asked,
    CodeGiven,
    Decided,
    Decision,
    ErrorFact,
    Escalated,
    InventoryTaken,
    JournalEvent,
    Noted,
    Notified,
    Objectives,
    Reminded,
    RunAttached,
    RunEnded,
    RunHeld,
    RunReleased,
    StepIntent,
    StepOutcome,
    VmFact,
    from_json,
    to_json,
)
from tests.run.story import BEGIN, created

ERROR = ErrorFact(kind="not-ready", message="sql01 is not ready: „NoContact“", next="Look.")
SAMPLES: tuple[JournalEvent, ...] = (
    created(objectives=Objectives(rto_s=2700.0), parameters={"point": None, "n": [1, 2.5]}),
    RunAttached(at=BEGIN, holder="engine:1@2", flow_run="f"),
    RunEnded(at=BEGIN, state="failed", summary="one failed"),
    RunHeld(at=BEGIN, by="ada"),
    RunReleased(at=BEGIN, by="ada", comment="go"),
    InventoryTaken(
        at=BEGIN, vms=(VmFact(name="sql01", id="1", recovery_point_at=BEGIN, facts={"a": 1}),)
    ),
    StepIntent(at=BEGIN, step="s", host="hv"),
    StepOutcome(at=BEGIN, step="s", state="failed", evidence={"seen": ["x"]}, error=ERROR),
    Asked(at=BEGIN, step="s", approvers=("ada",), deadline_at=BEGIN + timedelta(hours=4)),
    Escalated(at=BEGIN, step="s", approvers=("bo",), deadline_at=BEGIN + timedelta(hours=5)),
    Reminded(at=BEGIN, step="s", number=2, approvers=("ada", "bo")),
    Decided(at=BEGIN, step="s", decision=Decision.MARK_DONE, by="ada", via="ui"),
    CodeGiven(at=BEGIN, by="ada", via="ui", step="s", locked_until=BEGIN + timedelta(minutes=15)),
    Noted(at=BEGIN, text="t", level="warning", details={"b": {"c": True}}),
    Notified(at=BEGIN, target="mail", topic="gate", about=(4, 5), state="failed", why="refused"),
)


def test_there_is_a_sample_of_every_kind() -> None:
    assert {type(event) for event in SAMPLES} == set(typing.get_args(JournalEvent))


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_an_event_comes_back_as_it_was(event: JournalEvent) -> None:
    assert from_json(to_json(event)) == event


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_the_text_of_an_event_is_canonical(event: JournalEvent) -> None:
    text = to_json(event)

    assert to_json(from_json(text)) == text
    assert "\n" not in text
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert json.loads(text)["v"] == EVENT_VERSION


TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # halves of characters, too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_any_evidence_survives(evidence: dict[str, object]) -> None:
    event = StepOutcome(at=BEGIN, step="s", state="done", evidence=evidence)

    to_json(event).encode()
    assert from_json(to_json(event)) == event


def test_a_newer_event_is_refused_not_guessed_at() -> None:
    text = to_json(SAMPLES[1]).replace(f'"v":{EVENT_VERSION}', f'"v":{EVENT_VERSION + 1}')

    with pytest.raises(JournalError, match="newer") as caught:
        from_json(text)

    assert "newer engine" in caught.value.next_step


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"v":1}', '{"v":1,"type":"moon"}', "null"])
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(JournalError):
        from_json(text)


def test_an_event_that_was_written_before_plans_said_how_old_a_rehearsal_may_be_is_read() -> None:
    written = json.loads(to_json(SAMPLES[0]))
    del written["objectives"]["rehearse_within_s"]

    event = from_json(json.dumps(written))

    assert event == SAMPLES[0]
