"""What people are told of a run while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from secondsite.plan.notifications import NotificationTarget, Topic
from secondsite.plan.secret_source import SecretSource
from secondsite.reports.messages import Message, messages_about, untold_words
from secondsite.run.attention import INTERRUPTED
from secondsite.run.check_events import CHECK_STEPS, check_events
from secondsite.run.events import (
    Asked,
    CodeGiven,
    Decided,
    Decision,
    ErrorFact,
    Escalated,
    JournalEvent,
    Noted,
    Notified,
    PlannedStep,
    Reminded,
    RunAttached,
    RunEnded,
    RunHeld,
    StepIntent,
    StepOutcome,
)
from secondsite.run.finding import Finding, Severity
from secondsite.run.journal import Entry
from secondsite.run.replay import replay
from tests.run.story import BEGIN, created

RUN = "shop-test-20261120-134005-ab12"
GATE = "db/before/storage"
LATER = BEGIN + timedelta(hours=3)

TO_THE_GATE: tuple[JournalEvent, ...] = (
    created(requested_by="tanaka"),
    RunAttached(at=BEGIN, holder="engine:1", flow_run="f"),
    StepIntent(at=BEGIN, step="preflight"),
    StepOutcome(at=BEGIN, step="preflight", state="done"),
    Asked(at=BEGIN, step=GATE, title="Storage released"),
)


def told(*events: JournalEvent, now: datetime = BEGIN) -> Sequence[Message]:
    entries = [
        Entry(run_id=RUN, run_seq=number, hash="", event=event)
        for number, event in enumerate(events, start=1)
    ]
    return messages_about(replay(events), entries, page="http://ui/page", now=now)


def topics(*events: JournalEvent, now: datetime = BEGIN) -> list[str]:
    return [message.topic for message in told(*events, now=now)]


def test_every_message_is_a_sentence_about_the_plan_with_the_page_of_the_run() -> None:
    note = Noted(at=BEGIN, text="Interrupted: nobody.", details={INTERRUPTED: ""})
    held = RunHeld(at=BEGIN, by="aiko")
    ended = RunEnded(at=BEGIN, state="aborted", summary="Test failover of shop: ended.")

    messages = told(*TO_THE_GATE, held, note, ended)

    assert [message.topic for message in messages] == [
        "started",
        "gate",
        "decision",
        "interruption",
        "ended",
    ]
    for message in messages:
        assert message.title.startswith("shop: ")
        assert message.text.startswith("Test failover of shop")
        assert message.text.endswith("The run's page: http://ui/page")
    assert "asked for by tanaka" in messages[0].text


def test_a_gate_that_has_been_decided_meanwhile_is_not_told_any_more() -> None:
    decided = Decided(at=BEGIN, step=GATE, decision=Decision.APPROVE, by="aiko")

    assert topics(*TO_THE_GATE) == ["started", "gate"]
    assert topics(*TO_THE_GATE, decided) == ["started", "decision"]


def test_the_code_that_locks_an_approver_is_told_and_no_other_one() -> None:
    until = BEGIN + timedelta(minutes=15)
    wrong = CodeGiven(at=BEGIN, by="aiko", via="ui", step=GATE)
    lock = CodeGiven(at=BEGIN, by="aiko", via="cli", step=GATE, locked_until=until)
    right = CodeGiven(at=BEGIN, by="ben", via="cli", step=GATE, period=5)
    asked = Asked(at=BEGIN, step=GATE, title="Storage released", approvers=("Aiko", "ben"))

    *_, told_of = told(*TO_THE_GATE[:-1], asked, wrong, wrong, lock, right)

    assert topics(*TO_THE_GATE[:-1], asked, wrong, right) == ["started", "gate"]
    assert (told_of.topic, told_of.title) == (
        "lock",
        "shop: aiko is locked by wrong one-time codes",
    )
    assert "given for aiko, the last at a terminal." in told_of.text
    assert f"counts until {until:%Y-%m-%d %H:%M:%S} UTC" in told_of.text
    assert "Was it not aiko?" in told_of.text
    assert f"May decide about {GATE} meanwhile: ben." in told_of.text
    assert told_of.approvers == ("aiko", "ben")


def test_a_lock_of_the_only_approver_says_that_nobody_else_may_decide() -> None:
    lock = CodeGiven(at=BEGIN, by="aiko", via="ui", step=GATE, locked_until=LATER)
    asked = Asked(at=BEGIN, step=GATE, title="Storage released", approvers=("aiko",))

    *_, told_of = told(*TO_THE_GATE[:-1], asked, lock)

    assert f"Nobody else may decide about {GATE} meanwhile." in told_of.text
    assert told_of.approvers == ("aiko",)


@pytest.mark.parametrize(
    ("events", "is_told"),
    [(("lock",), True), (("decision",), True), (("gate", "failure"), False)],
)
def test_a_target_that_wants_decisions_is_told_of_locks_too(
    events: tuple[Topic, ...], *, is_told: bool
) -> None:
    target = NotificationTarget(name="ops", url=SecretSource(file="x"), events=events)

    assert target.wants(topic="lock", plan="shop", kind="test") is is_told
    assert not target.wants(topic="started", plan="shop", kind="test")


def test_reminders_and_escalations_tell_who_is_asked_now_until_when() -> None:
    limit = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
    reminded = Reminded(at=BEGIN, step=GATE, number=1, approvers=("aiko",))
    escalated = Escalated(at=BEGIN, step=GATE, approvers=("boss",), deadline_at=limit)

    messages = told(*TO_THE_GATE, reminded, escalated)

    assert [message.topic for message in messages[1:]] == ["gate", "reminder", "escalation"]
    assert 'still waits at the gate "Storage released" since 2026-11-20' in messages[2].text
    assert messages[3].text.startswith("Nobody has decided in time about the gate")
    for message in messages[1:]:
        assert "May decide until 2030-01-02 03:04 UTC: boss." in message.text
        assert f"secondsite approve {RUN} {GATE} --as NAME" in message.text


def test_a_reminder_of_a_failed_step_tells_what_can_be_decided_about_it() -> None:
    start = "db/sql01/start"
    error = ErrorFact(kind="x", message="It is stuck.")

    [reminder] = [
        each
        for each in told(
            *TO_THE_GATE,
            Decided(at=BEGIN, step=GATE, decision=Decision.APPROVE, by="aiko"),
            StepIntent(at=BEGIN, step=start),
            StepOutcome(at=BEGIN, step=start, state="failed", error=error),
            Asked(at=BEGIN, step=start, about="failure", title=f"{start} failed", shown="Stuck."),
            Reminded(at=BEGIN, step=start, number=1),
        )
        if each.topic == "reminder"
    ]

    assert f"still waits for a decision about {start}, which failed since" in reminder.text
    assert "Stuck." in reminder.text
    assert f"secondsite retry {RUN} {start} --as NAME" in reminder.text
    assert "secondsite approve" not in reminder.text


def test_what_is_long_past_is_told_only_if_people_are_still_asked() -> None:
    assert topics(*TO_THE_GATE, now=LATER) == ["gate"]


def test_failures_seen_together_are_one_message_that_tells_of_each() -> None:
    steps = [f"db/vm{number:02}/start" for number in range(14)]
    planned = [
        PlannedStep(id=step, action="start", group="db", vm=step.split("/")[1]) for step in steps
    ]
    error = ErrorFact(kind="x", message="It is stuck.", next="Look.")
    failed: list[JournalEvent] = []
    for step in steps:
        failed += [
            StepIntent(at=BEGIN, step=step),
            StepOutcome(at=BEGIN, step=step, state="failed", error=error),
        ]

    [message] = [
        each
        for each in told(created(steps=planned), TO_THE_GATE[1], *failed)
        if each.topic == "failure"
    ]

    assert message.about == tuple(range(4, 4 + 2 * len(steps), 2))
    assert "14 steps failed." in message.text
    assert "- db/vm00/start: It is stuck. Look." in message.text
    assert f"- and 4 more: secondsite report {RUN}" in message.text
    assert len(message.text.splitlines()) == 13


def checked(*severities: Severity) -> tuple[JournalEvent, ...]:
    begun = created("shop-check-20261120-134005-ab12", operation="check", steps=CHECK_STEPS)
    findings = [
        Finding(severity=each, area="memory", sentence="hv1 is full", remedy="free some")
        for each in severities
    ]
    return check_events(begun, findings, hardware={}, ended_at=BEGIN)


@pytest.mark.parametrize("severities", [(), (Severity.WARNING, Severity.WARNING)])
def test_nobody_is_told_of_a_check_that_finds_nothing_against_the_plan(
    severities: tuple[Severity, ...],
) -> None:
    assert topics(*checked(*severities)) == []


@pytest.mark.parametrize("severity", [Severity.BLOCKER, Severity.ERROR])
def test_of_a_check_that_finds_something_its_end_is_told_and_never_its_start(
    severity: Severity,
) -> None:
    messages = told(*checked(Severity.WARNING, severity))

    assert {message.topic for message in messages} == {"failure", "ended"}
    for message in messages:
        assert message.mood == "failure"
        assert "hv1 is full" in message.text


def test_nothing_that_looks_like_a_secret_or_a_command_to_the_terminal_is_told() -> None:
    decided = Decided(
        at=BEGIN,
        step=GATE,
        decision=Decision.REJECT,
        by="aiko\x1b[2J",
        comment="password=hunter2 is wrong",
    )

    message = told(*TO_THE_GATE, decided)[-1]

    assert "hunter2" not in message.text
    assert "\x1b" not in message.text + message.title


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"topic": "gate", "plan": "shop", "kind": "planned"}, True),
        ({"topic": "started", "plan": "shop", "kind": "planned"}, False),
        ({"topic": "gate", "plan": "other", "kind": "planned"}, False),
        ({"topic": "gate", "plan": "shop", "kind": "test"}, False),
    ],
)
def test_a_target_is_told_only_what_it_asks_for(asked: dict[str, str], wanted: bool) -> None:
    target = NotificationTarget(
        name="t",
        url=SecretSource(env="X"),
        events=("gate",),
        plans=("shop",),
        kinds=("planned", "unplanned"),
    )

    assert target.wants(**asked) is wanted


def test_a_message_that_did_not_arrive_is_a_line_of_the_report() -> None:
    notified = Notified(
        at=BEGIN, target="mail", topic="gate", about=(5,), state="failed", why="refused"
    )

    assert untold_words(notified) == "The message to mail (gate) was not delivered: refused"
