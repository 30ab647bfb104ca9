"""Where output, errors and warnings go: redirections and preferences of the running command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

Emit = Callable[[object], None]

STREAMS: Final[Mapping[str, str]] = {
    "error": "2",
    "warning": "3",
    "verbose": "4",
    "debug": "5",
    "information": "6",
}


def drop(value: object) -> None:
    """The sink of `>$null`."""
    del value


@dataclass(slots=True)
class Context:
    """What holds while one command runs.

    Attributes:
        redirects: Sink by stream number, where redirected.
        preferences: -ErrorAction and its kin: value by stream name, where given.
        collectors: -ErrorVariable and its kin: list by stream name, where given.
        activity: Name of the command.
    """

    redirects: Mapping[str, Emit] = field(default_factory=dict)
    preferences: Mapping[str, str] = field(default_factory=dict)
    collectors: Mapping[str, list[object]] = field(default_factory=dict)
    activity: str = ""


NO_CONTEXT: Final = Context()
