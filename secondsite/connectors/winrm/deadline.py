"""An end of waiting, by an injected clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Deadline"]


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on `clock` after which nothing more is waited for."""

    clock: Callable[[], float]
    at: float

    @classmethod
    def after(cls, timeout_s: float, *, clock: Callable[[], float]) -> Deadline:
        """`timeout_s` from now."""
        return cls(clock, clock() + timeout_s)

    @property
    def remaining_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - self.clock())

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return self.remaining_s <= 0

    def at_most(self, timeout_s: float) -> Deadline:
        """The earlier of this one and `timeout_s` from now."""
        return Deadline(self.clock, min(self.at, self.clock() + timeout_s))
