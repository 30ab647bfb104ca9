"""How times, durations and states are said to a person. Pure text; knows no run."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from secondsite.run.doors import say_door

__all__ = [
    "ACTION_WORDS",
    "KIND_WORDS",
    "STATE_GLYPHS",
    "STATE_WORDS",
    "clock_time",
    "count_of",
    "iso_text",
    "plain_lines",
    "plain_text",
    "say_action",
    "say_duration",
    "say_how",
    "say_moment",
    "say_standing",
    "say_state",
]

KIND_WORDS = {
    "test": "Test failover",
    "planned": "Planned failover",
    "unplanned": "Unplanned failover",
    "cleanup": "Clean-up",
    "commit": "Commit",
    "undo": "Undo",
    "reverse": "Reverse replication",
    "cancel": "Cancel",
    "prepare-dns": "DNS prepared",
    "rollback-dns": "DNS rolled back",
    "check": "Check",
    "rehearse": "Rehearsal",
}

STATE_WORDS = {
    "pending": "not started",
    "running": "running",
    "waiting": "waiting for people",
    "done": "done",
    "failed": "failed",
    "skipped": "skipped",
    "aborted": "aborted",
}

# Every state has its own glyph, so that nobody has to tell colours apart. All are in the fonts of
# a plain terminal.
STATE_GLYPHS = {
    "pending": "·",
    "running": "▶",
    "waiting": "?",
    "done": "✓",
    "failed": "✗",
    "skipped": "»",
    "aborted": "■",
}

_STANDING_GLYPHS = {"verified": "✓", "stale": "!", "failing": "✗", "draft": "·"}

ACTION_WORDS = {
    "preflight": "check before start",
    "barrier": "all of it",
    "gate": "gate",
    "script": "script",
    "shutdown": "shut down",
    "prepare": "send last changes",
    "make-networks": "make test networks",
    "grant": "take address from pool",
    "failover": "fail over",
    "connect": "connect network",
    "start": "start",
    "ready": "wait until ready",
    "address": "find address",
    "dns": "update DNS",
    "verify": "verify",
    "settle": "look at DNS once more",
    "reverse": "reverse replication",
    "commit": "commit",
    "restore-dns": "put DNS back",
    "restore-ttl": "raise TTLs again",
    "prepare-dns": "lower TTLs",
    "rollback-dns": "put DNS back",
    "give-back": "give address back to pool",
    "cleanup": "clean up",
    "check": "check",
    "test": "test failover",
    "clean-up": "clean up",
    "networks": "remove test networks",
}


# C0 and C1 controls, line separators, the marks that reorder text, lone surrogates, non-characters:
# a VM's name could carry them, and a terminal or a page would obey, or choke.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069"
    r"\ud800-\udfff\ufffe\uffff]"
)


def say_duration(duration_s: float | None) -> str:
    """`3 min 12 s`, at most two units; `0.4 s` under ten seconds; `-` when not known."""
    if duration_s is None:
        return "-"
    if duration_s < 0:
        return f"-{say_duration(-duration_s)}"
    if duration_s < 9.95:
        return f"{duration_s:.1f} s"
    seconds = round(duration_s)
    days, seconds = divmod(seconds, 86400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def iso_text(moment: datetime) -> str:
    """`2026-11-20T13:40:05.000Z`: how facts tell a moment."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def say_moment(moment: str | None) -> str:
    """`2026-11-20 13:40:05 UTC` from ISO 8601; `-` when not known."""
    if not moment:
        return "-"
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock_time(moment: str | None) -> str:
    """`13:40:05` (UTC) from ISO 8601; `-` when not known."""
    if not moment:
        return "-"
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%H:%M:%S")


def say_standing(state: str) -> str:
    """Glyph and word of a plan's standing."""
    return f"{_STANDING_GLYPHS.get(state, ' ')} {state or 'not known'}".strip()


def say_action(action: str) -> str:
    """The operator's words for an action; an unknown one is shown as it is."""
    return ACTION_WORDS.get(action, action)


def say_state(state: str) -> str:
    """Glyph and word, so that neither colour nor font is needed."""
    return f"{STATE_GLYPHS.get(state, ' ')} {STATE_WORDS.get(state, state)}"


def say_how(via: str, *, with_code: bool, account: str) -> str:
    """How a decision was made: `at a terminal (mona@dr-engine-1), with a code`."""
    where = say_door(via)
    where = f"{where} ({account})" if account else where
    return f"{where}, with a code" if with_code else where


def count_of(count: int, noun: str) -> str:
    """`1 step`, `3 steps`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def plain_lines(text: str) -> str:
    """Like `plain_text`, with line breaks kept."""
    return "\n".join(map(plain_text, text.splitlines()))


def plain_text(text: str) -> str:
    """`text` on one line without anything that a terminal or a page would obey."""
    return _UNSAFE.sub(" ", text)
