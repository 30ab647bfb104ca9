"""What will happen in the simulated world, and when: no thread waits for anything.

Whoever looks at the world first lets everything happen that is due.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime

__all__ = ["Timetable"]


class Timetable:
    """Events by time. The world's lock guards it."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._sequence = itertools.count()
        self.moment: datetime | None = None  # while an event happens: when it was due

    def add(self, at: datetime, event: Callable[[datetime], None]) -> None:
        """Have `event` called with the moment it is due at."""
        heapq.heappush(self._entries, (at, next(self._sequence), event))

    def settle(self, now: datetime) -> bool:
        """Let everything happen that is due by `now`, in order; whether anything did."""
        happened = False
        while self._entries and self._entries[0][0] <= now:
            at, _, event = heapq.heappop(self._entries)
            self.moment = at
            try:
                event(at)
            finally:
                self.moment = None
            happened = True
        return happened

    @property
    def next_due(self) -> datetime | None:
        """When the next event is due."""
        return self._entries[0][0] if self._entries else None

    def __len__(self) -> int:
        return len(self._entries)
