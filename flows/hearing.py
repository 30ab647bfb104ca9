"""What people decide at terminals while an engine walks: it comes by way of the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from secondsite.run.events import Decided, JournalEvent, RunHeld, RunReleased
from secondsite.run.journal import Journal

__all__ = ["Hearing"]

_FROM_TERMINALS = "cli"


class Hearing:
    """Reads what others have appended to the journal of one run."""

    def __init__(self, journal: Journal, run_id: str, *, after: int) -> None:
        """Events up to the number `after` are known already."""
        self._journal = journal
        self._run_id = run_id
        self._after = after

    async def news(self) -> Sequence[JournalEvent]:
        """The decisions of others since the last call; the engine's own events are left out."""
        entries = await asyncio.to_thread(self._journal.read, self._run_id, after=self._after)
        if entries:
            self._after = entries[-1].run_seq
        return [entry.event for entry in entries if _is_of_others(entry.event)]


def _is_of_others(event: JournalEvent) -> bool:
    match event:
        case Decided(via=via):
            return via == _FROM_TERMINALS
        case RunHeld():
            return True
        case RunReleased(via=via):
            return via == _FROM_TERMINALS
        case _:
            return False
