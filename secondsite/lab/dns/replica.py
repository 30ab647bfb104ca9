"""A secondary zone that follows its primary, a settable time behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from secondsite.lab.dns.zone import ZoneChange, ZoneStore

__all__ = ["Replica"]


class Replica:
    """Copies `primary` to `secondary`, `delay_s` after each change.

    Args:
        is_stale: Asked before each copy; while true the secondary stays as it is, and catches up
            after.
        retry_s: How soon a stale secondary is asked again.
    """

    def __init__(
        self,
        *,
        primary: ZoneStore,
        secondary: ZoneStore,
        delay_s: float,
        is_stale: Callable[[], bool] = lambda: False,
        retry_s: float = 0.2,
    ) -> None:
        self.primary = primary
        self.secondary = secondary
        self.delay_s = delay_s
        self._is_stale = is_stale
        self._retry_s = retry_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due: asyncio.TimerHandle | None = None
        primary.on_change(self._notice)

    def start(self) -> None:
        """Copy now, and follow from now on. Call it in the event loop."""
        self._loop = asyncio.get_running_loop()
        if not self._is_stale():
            self.secondary.copy_from(self.primary)

    def stop(self) -> None:
        """Follow no longer. Call it in the event loop."""
        self._loop = None
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _notice(self, _zone: str, _change: ZoneChange) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            # A change may come from any thread; timers belong to the loop's.
            loop.call_soon_threadsafe(self._plan, self.delay_s)

    def _plan(self, delay_s: float) -> None:
        if self._loop is not None and self._due is None:
            self._due = self._loop.call_later(delay_s, self._catch_up)

    def _catch_up(self) -> None:
        self._due = None
        if self._is_stale():
            self._plan(max(self.delay_s, self._retry_s))
            return
        self.secondary.copy_from(self.primary)
