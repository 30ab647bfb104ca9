"""Through which door a person, or nobody, has acted on a run, in words. Pure."""

from __future__ import annotations

__all__ = ["say_door"]

_DOORS = {
    "ui": "in Prefect's UI",
    "cli": "at a terminal",
    "plan": "by the plan",
    "time-out": "time limit",
}


def say_door(via: str) -> str:
    """`at a terminal`; one that is not known is shown as it is."""
    return _DOORS.get(via, via)
