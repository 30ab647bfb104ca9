"""What people do to a run besides deciding, in words for its report. Pure."""

from __future__ import annotations

from secondsite.run.doors import say_door
from secondsite.run.events import CodeGiven, JournalEvent, Noted, RunHeld, RunReleased

__all__ = ["remark_on"]


def remark_on(event: JournalEvent) -> Noted | None:
    """What a report tells of `event` that is told nowhere else; None of most events."""
    match event:
        case RunHeld():
            text = f"{_who(event)} holds the run: nothing new starts.{_comment(event.comment)}"
            return _warning(event, text)
        case RunReleased():
            return _warning(event, f"{_who(event)} lets the run go on.{_comment(event.comment)}")
        case CodeGiven(period=None):
            lock = (
                f" {event.by} is locked until {event.locked_until:%Y-%m-%d %H:%M:%S} UTC."
                if event.locked_until
                else ""
            )
            text = f"A wrong one-time code was given for {event.by}, {say_door(event.via)}.{lock}"
            return _warning(event, text, step=event.step)
        case _:
            return None


def _who(event: RunHeld | RunReleased) -> str:
    is_other = event.account and event.account != event.by
    where = f"{event.account}, " if is_other else ""
    return f"{event.by} ({where}{say_door(event.via)})"


def _comment(comment: str) -> str:
    return f" Comment: {comment}" if comment else ""


def _warning(event: RunHeld | RunReleased | CodeGiven, text: str, *, step: str = "") -> Noted:
    return Noted(at=event.at, step=step, text=text, level="warning")
