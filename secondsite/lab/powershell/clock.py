"""The time a simulated computer lives in, injected."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells and spends time."""

    def now(self) -> datetime:
        """The computer's time, aware, UTC."""
        ...

    def sleep(self, seconds: float, interrupt: threading.Event) -> None:
        """Wait that many real seconds, or until `interrupt` is set."""
        ...


class RealClock:
    """The clock of the machine that the lab runs on."""

    def now(self) -> datetime:
        """The time now, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float, interrupt: threading.Event) -> None:
        """Wait that long, or until `interrupt` is set."""
        interrupt.wait(seconds)
