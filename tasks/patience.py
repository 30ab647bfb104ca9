"""How long an unplanned failover waits in vain for the site that it leaves: a budget per phase.

A site that answers costs nothing of it. Once it is used up, whoever has not answered yet is given
up without being asked again; so a dead site costs each phase the estate's limit at most, however
many servers it had and in whatever order they are asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Patience"]


def _now_s() -> float:
    """By the clock that the waits themselves go by."""
    return asyncio.get_running_loop().time()


class Patience:
    """What is left of the budget of each phase. Waiting for several at once counts once."""

    def __init__(self, limit_s: float, *, clock: Callable[[], float] = _now_s) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._in_vain_s: dict[str, float] = {}
        self._counted_until: dict[str, float] = {}

    def left_s(self, phase: str) -> float:
        """Seconds that may still be waited in that phase."""
        return max(0.0, self._limit_s - self._in_vain_s.get(phase, 0.0))

    def begin(self) -> float:
        """The time at which a wait begins, for `end_in_vain`."""
        return self._clock()

    def end_in_vain(self, phase: str, *, since: float) -> None:
        """The wait that began at `since` has brought no answer."""
        now = self._clock()
        begun = max(since, self._counted_until.get(phase, since))
        self._in_vain_s[phase] = self._in_vain_s.get(phase, 0.0) + max(0.0, now - begun)
        self._counted_until[phase] = now
