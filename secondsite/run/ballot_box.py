"""Where decisions are cast: judged against the journal, and written, in one transaction.

Two answers at once, through any doors and of any processes, are therefore one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from secondsite.run.ballot import Submission, Verdict, judge
from secondsite.run.codes import CodeRule
from secondsite.run.events import CodeGiven, JournalEvent
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord

__all__ = ["BallotBox"]


class BallotBox:
    """The ballot box of one run."""

    def __init__(
        self, journal: Journal, run_id: str, *, rule_for: Callable[[str], CodeRule | None]
    ) -> None:
        """`rule_for` gives what somebody must prove who decides under a name."""
        self._journal = journal
        self._run_id = run_id
        self._rule_for = rule_for

    def cast(self, submission: Submission, *, now: datetime, all_or_none: bool = False) -> Verdict:
        """Write what counts, and what the journal is to keep of the rest; gives the verdict.

        Args:
            submission: What somebody wants to decide.
            now: Time of the decision.
            all_or_none: If anything of it does not count, nothing is written but a wrong code.

        Raises:
            JournalError: there is no such run, or nothing could be written.
        """
        rule = self._rule_for(submission.by)  # may ask a server: not while the doors are closed
        verdicts: list[Verdict] = []

        def choose(record: RunRecord, codes: Sequence[CodeGiven]) -> Sequence[JournalEvent]:
            verdict = judge(record, submission, rule=rule, earlier=codes, now=now)
            verdicts.append(verdict)
            if all_or_none and verdict.refused:
                return verdict.wrong_code
            return verdict.events if all_or_none else (*verdict.events, *verdict.notes)

        self._journal.decide(self._run_id, choose)
        return verdicts[-1]
