"""Following a run in the journal while another process carries it: only what is new is read."""

from __future__ import annotations

from secondsite.errors import JournalError
from secondsite.run.events import RunCreated
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord
from secondsite.run.replay import Replay
from secondsite.run.scheduler import Scheduler

__all__ = ["Following"]


class Following:
    """One run, as its journal has it at the last `refresh`."""

    def __init__(self, journal: Journal, run_id: str) -> None:
        """Reads the run as it is now.

        Raises:
            JournalError: there is no such run.
        """
        entries = journal.read(run_id)
        if not entries or not isinstance(entries[0].event, RunCreated):
            raise JournalError(
                f"The journal knows no run {run_id}.", next_step="List them: secondsite runs"
            )
        self._journal = journal
        self._run_id = run_id
        self._replay = Replay(entries[0].event)
        self._seen = 1
        for entry in entries[1:]:
            self._replay.apply(entry.event)
            self._seen = entry.run_seq
        self.record: RunRecord = self._replay.record()

    @property
    def scheduler(self) -> Scheduler:
        """What may start now, and what waits for what."""
        return self._replay.scheduler

    def refresh(self) -> bool:
        """Read what is new; tells whether there was anything."""
        entries = self._journal.read(self._run_id, after=self._seen)
        for entry in entries:
            self._replay.apply(entry.event)
            self._seen = entry.run_seq
        if entries:
            self.record = self._replay.record()
        return bool(entries)
