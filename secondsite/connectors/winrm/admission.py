"""Whether an account may be tried on a server now: after a refusal it rests, for all lanes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Admission"]


@dataclass(slots=True)
class Admission:
    """One account on one server, shared by every lane to it.

    A directory locks an account after a few wrong passwords, and a run asks each server for
    dozens of things: the first 401 must also be the last.
    """

    clock: Callable[[], float]
    pause_s: float
    _reason: str = ""
    _until: float = 0.0

    def deny(self, reason: str) -> None:
        """The server said no."""
        self._reason, self._until = reason, self.clock() + self.pause_s

    @property
    def refusal(self) -> str:
        """Why the account must not be tried now; empty if it may be."""
        return self._reason if self._reason and self.clock() < self._until else ""
