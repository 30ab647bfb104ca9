"""What people decide while an engine walks, by whatever door: it comes by way of the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from secondsite.run.ballot import REFUSED
from secondsite.run.events import (
    CodeGiven,
    Decided,
    Escalated,
    JournalEvent,
    Noted,
    Reminded,
    RunHeld,
    RunReleased,
)
from secondsite.run.journal import Journal

__all__ = ["Hearing"]

_FROM_TERMINALS = "cli"
_OF_ENGINE = "plan"


class Hearing:
    """Reads what others have appended to the journal of one run."""

    def __init__(self, journal: Journal, run_id: str, *, after: int) -> None:
        """Events up to the number `after` are known already."""
        self._journal = journal
        self._run_id = run_id
        self._after = after

    async def news(self) -> Sequence[JournalEvent]:
        """What people decided since the last call, and what their silence has led to.

        What the engine has told itself is left out.
        """
        entries = await asyncio.to_thread(self._journal.read, self._run_id, after=self._after)
        if entries:
            self._after = entries[-1].run_seq
        return [entry.event for entry in entries if _is_news(entry.event)]


def _is_news(event: JournalEvent) -> bool:
    match event:
        case Decided(via=via):
            return via != _OF_ENGINE
        case CodeGiven() | RunHeld() | Escalated() | Reminded():
            return True
        case Noted(details=details):
            return REFUSED in details
        case RunReleased(via=via):
            return via == _FROM_TERMINALS
        case _:
            return False
