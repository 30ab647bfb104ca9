"""Lab time: the real time, with every duration of the simulated world shortened by one factor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["LabClock"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LabClock:
    """Tells the time and scales the world's durations.

    Args:
        scale: Factor on every duration of the world: 0.1 makes a boot of 60 s last 6 s.
        now: Tells the time; injected by tests.
    """

    def __init__(self, *, scale: float = 1.0, now: Callable[[], datetime] = _utc_now) -> None:
        self.scale = scale
        self._now = now

    def now(self) -> datetime:
        """The time, aware, UTC."""
        return self._now()

    def scaled_s(self, duration: timedelta | float) -> float:
        """How long `duration` (a timedelta, or seconds) lasts here, in real seconds."""
        seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
        return seconds * self.scale
