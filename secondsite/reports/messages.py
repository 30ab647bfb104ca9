"""What people are told of a run while it goes on: new events of its journal → short messages. Pure.

A message says in one sentence what it is about, then what to do. Nothing that is named or shaped
like a secret is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from secondsite.plan.notifications import Topic
from secondsite.reports.phrasing import KIND_WORDS, plain_lines, plain_text
from secondsite.reports.redaction import withhold_in_text
from secondsite.run.attention import CANCELLED, INTERRUPTED
from secondsite.run.doors import say_door
from secondsite.run.events import (
    Asked,
    CodeGiven,
    Decided,
    Escalated,
    Noted,
    Notified,
    Reminded,
    RunCreated,
    RunEnded,
    RunHeld,
    RunReleased,
    StepOutcome,
)
from secondsite.run.journal import Entry
from secondsite.run.proof import CHECK
from secondsite.run.record import QuestionRecord, RunRecord, StepRecord
from secondsite.run.states import StepState

__all__ = ["Message", "messages_about", "untold_words"]

_TOLD_WITHIN = timedelta(hours=1)
"""What is older is not told any more, unless people are still asked about it."""
_MOST_STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, before it is known who gets it.

    Attributes:
        about: Numbers, in the run, of the events that it tells of.
        title: A few words.
        text: A sentence, then what to do; several lines of plain text.
        approvers: For gates: who may decide; empty where anybody may. For locks: who is locked, and
            who may decide besides.
    """

    topic: Topic
    about: tuple[int, ...]
    title: str
    text: str
    mood: Literal["info", "success", "warning", "failure"] = "info"
    approvers: tuple[str, ...] = ()


def messages_about(
    record: RunRecord, entries: Iterable[Entry], *, page: str, now: datetime
) -> Sequence[Message]:
    """What is to be told of `entries`, which are events of that run, in their order.

    What does not hold any more (a gate that has been decided since) is left out. Failures are told
    of together. Of a check nothing is told but what speaks against the plan.

    Args:
        record: The run as it is now.
        entries: Its new events.
        page: Address of its page in Prefect's UI; empty if it has none.
        now: What is long past is not told any more.
    """
    told: list[Message] = []
    failures: list[tuple[int, str]] = []
    for entry in entries:
        topic = _topic(entry, record)
        is_old = now - entry.event.at > _TOLD_WITHIN
        if topic is None or (is_old and not _is_open_question(entry, record)):
            continue
        if topic == "failure":
            failures.append((entry.run_seq, cast("StepOutcome | Asked", entry.event).step))
        elif topic == "lock":
            told.append(_about_lock(entry, record, page))
        else:
            told.append(_message(topic, entry, record, page))
    if failures:
        told.append(_about_failures(record, failures, page))
    return sorted(told, key=lambda message: message.about)


def untold_words(notified: Notified) -> str:
    """A message that did not arrive, or perhaps not, as a line of a report."""
    was = "was not delivered" if notified.state == "failed" else "may not have arrived"
    why = withhold_in_text(notified.why)
    return f"The message to {notified.target} ({notified.topic}) {was}: {why}"


def _topic(entry: Entry, record: RunRecord) -> Topic | None:
    match entry.event:
        case StepOutcome(state="failed", step=step):
            return "failure" if record.by_id[step].state is StepState.FAILED else None
        case Asked():
            question = _question(entry, record)
            return None if question is None else _asked_topic(question)
        case Noted(details=details):
            return "interruption" if details.keys() & {CANCELLED, INTERRUPTED} else None
        case Reminded():
            return "reminder" if _question(entry, record) else None
        case Escalated():
            return "escalation" if _question(entry, record) else None
        case RunCreated():
            return None if record.kind == CHECK else "started"
        case RunEnded(state=state):
            return None if record.kind == CHECK and state == "done" else "ended"
        case Decided() | RunHeld() | RunReleased():
            return "decision"
        case CodeGiven(locked_until=locked_until):
            return "lock" if locked_until else None
        case _:
            return None


def _asked_topic(question: QuestionRecord) -> Topic:
    return "gate" if question.about == "gate" else "failure"


def _is_open_question(entry: Entry, record: RunRecord) -> bool:
    return isinstance(entry.event, Asked) and _question(entry, record) is not None


def _question(entry: Entry, record: RunRecord) -> QuestionRecord | None:
    """The question that the event is about, if people are still asked it."""
    step = getattr(entry.event, "step", "")
    return next((each for each in record.open_questions if each.id == step), None)


def _message(topic: Topic, entry: Entry, record: RunRecord, page: str) -> Message:
    question = _question(entry, record) if topic in {"gate", "reminder", "escalation"} else None
    if question is not None:
        return _about_gate(topic, entry.run_seq, question, record, page)
    title, sentence, mood = _in_words(entry, record)
    return Message(
        topic=topic,
        about=(entry.run_seq,),
        title=_line(f"{record.plan}: {title}"),
        text=_text(sentence, page=page),
        mood=mood,
    )


def _in_words(
    entry: Entry, record: RunRecord
) -> tuple[str, str, Literal["info", "success", "warning", "failure"]]:
    what = _what(record)
    match entry.event:
        case RunCreated(requested_by=who, direction=direction):
            asked_for = f", asked for by {who}" if who else ""
            vms = len(record.vms)
            sentence = f"{what} ({direction}, {vms} VMs) has started{asked_for}."
            return f"{_kind(record).lower()} started", sentence, "info"
        case RunEnded(state=state, summary=summary):
            ended = {"done": "succeeded", "failed": "failed", "aborted": "was ended"}[state]
            mood: Literal["success", "failure"] = "success" if state == "done" else "failure"
            return f"{_kind(record).lower()} {ended}", summary or f"{what} {ended}.", mood
        case RunHeld(by=who):
            return (
                f"held by {who}",
                f"{what} is held by {who}: nothing new starts. "
                f"Let it go on: secondsite release {record.run_id}",
                "warning",
            )
        case RunReleased(by=who):
            return f"goes on, says {who}", f"{what} is no longer held: {who} lets it go on.", "info"
        case Decided() as made:
            return _decided(made, what)
        case Noted(text=text):
            return "nobody carries the run", f"{what}: {text}", "warning"
        case event:
            return event.type, f"{what}: {event.type}.", "info"


def _decided(
    made: Decided, what: str
) -> tuple[str, str, Literal["info", "success", "warning", "failure"]]:
    place = made.step or "the run"
    comment = f' Comment: "{made.comment}"' if made.comment else ""
    sentence = f"{what}: {made.decision} for {place}, by {made.by} ({made.via}).{comment}"
    return f"{made.decision} by {made.by}", sentence, "info"


def _about_gate(
    topic: Topic, number: int, gate: QuestionRecord, record: RunRecord, page: str
) -> Message:
    since = f" since {gate.asked_at:%Y-%m-%d %H:%M} UTC" if gate.asked_at else ""
    until = f" until {gate.deadline_at:%Y-%m-%d %H:%M} UTC" if gate.deadline_at else ""
    who = ", ".join(gate.approvers) or "anybody"
    if gate.about == "failure":
        where = f"for a decision about {gate.id}, which failed"
    else:
        where = f'at the gate "{gate.title}"'
    sentence = {
        "gate": f"{_what(record)} waits {where}.",
        "reminder": f"{_what(record)} still waits {where}{since}.",
        "escalation": f'Nobody has decided in time about the gate "{gate.title}" of the '
        f"{_what(record)}: others are asked now.",
    }[topic]
    lines = [f"May decide{until}: {who}."]
    if gate.required > 1:
        names = ", ".join(each.by for each in gate.decisions) or "nobody yet"
        lines.append(f"{gate.required} different people must approve; so far: {names}.")
    if gate.separate_from:
        lines.append(f"Who started the run does not count: {', '.join(gate.separate_from)}.")
    if gate.with_code:
        lines.append(f"With a one-time code (--code): {', '.join(gate.with_code)}.")
    if gate.about == "failure":
        lines.append(withhold_in_text(gate.shown))
        lines.append(
            f"  secondsite retry {record.run_id} {gate.id} --as NAME  (or: skip, mark-done)"
        )
    else:
        lines.append(f"  secondsite approve {record.run_id} {gate.id} --as NAME")
        lines.append(f"  secondsite reject {record.run_id} {gate.id} --as NAME --comment WHY")
    words = {"gate": "waits for a decision", "reminder": "still waits for a decision"}
    return Message(
        topic=topic,
        about=(number,),
        title=_line(f"{record.plan}: {gate.title}: {words.get(topic, 'escalated')}"),
        text=_text(sentence, *lines, page=page),
        mood="warning",
        approvers=gate.approvers,
    )


def _about_lock(entry: Entry, record: RunRecord, page: str) -> Message:
    lock, question = cast("CodeGiven", entry.event), _question(entry, record)
    asked = question.approvers if question else ()
    others = [name for name in asked if name.casefold() != lock.by.casefold()]
    door = say_door(lock.via)
    lines = [
        f"No decision under that name counts until {lock.locked_until:%Y-%m-%d %H:%M:%S} UTC, in "
        "whatever run.",
        f"Was it not {lock.by}? Then somebody is guessing: find out who reaches that door, and "
        f"give {lock.by} a new secret for codes.",
    ]
    if question is not None and others:
        lines.append(f"May decide about {question.id} meanwhile: {', '.join(others)}.")
    elif question is not None and asked:
        lines.append(f"Nobody else may decide about {question.id} meanwhile.")
    return Message(
        topic="lock",
        about=(entry.run_seq,),
        title=_line(f"{record.plan}: {lock.by} is locked by wrong one-time codes"),
        text=_text(
            f"{_what(record)}: too many wrong one-time codes in a row were given for {lock.by}, "
            f"the last {door}.",
            *lines,
            page=page,
        ),
        mood="warning",
        approvers=(lock.by, *others),
    )


def _about_failures(record: RunRecord, failures: Sequence[tuple[int, str]], page: str) -> Message:
    steps = [record.by_id[step] for step in dict.fromkeys(step for _, step in failures)]
    asked = {question.id for question in record.open_questions if question.about == "failure"}
    names = ", ".join(step.id for step in steps[:_MOST_STEPS])
    rest = len(steps) - _MOST_STEPS
    sentence = f"{_what(record)}: {'a step' if len(steps) == 1 else f'{len(steps)} steps'} failed"
    lines = [_failure(step) for step in steps[:_MOST_STEPS]]
    if rest > 0:
        lines.append(f"- and {rest} more: secondsite report {record.run_id}")
    if asked & {step.id for step in steps}:
        sentence += ", and the run waits for a decision"
        lines.append(f"  secondsite retry {record.run_id} STEP --as NAME  (or: skip, mark-done)")
        lines.append(f"  secondsite abort {record.run_id} --as NAME")
    return Message(
        topic="failure",
        about=tuple(number for number, _ in failures),
        title=_line(f"{record.plan}: failed: {names}"),
        text=_text(f"{sentence}.", *lines, page=page),
        mood="failure",
    )


def _failure(step: StepRecord) -> str:
    goes_on = " The plan goes on without it." if step.is_tolerated else ""
    said = f"{step.error.message} {step.error.next}".strip() if step.error else "It failed."
    return f"- {step.id}: {said}{goes_on}"


def _text(sentence: str, *lines: str, page: str) -> str:
    parts = [sentence, *lines]
    if page:
        parts.append(f"The run's page: {page}")
    return withhold_in_text(plain_lines("\n".join(parts)))


def _line(text: str) -> str:
    return withhold_in_text(plain_text(text))


def _kind(record: RunRecord) -> str:
    return KIND_WORDS.get(record.kind, record.kind.capitalize())


def _what(record: RunRecord) -> str:
    return f"{_kind(record)} of {record.plan}"
