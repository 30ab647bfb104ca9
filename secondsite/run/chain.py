"""The hash chain of a run's events: each row carries the hash of the one before it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["GENESIS", "ChainFault", "Row", "first_fault", "hash_of"]

GENESIS = "0" * 64
"""What the first event of a run has before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One event as it lies in the database."""

    seq: int
    run_id: str
    run_seq: int
    at: str
    type: str
    step: str
    body: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """The first row of a run that is not as it was written.

    Attributes:
        run_id: Empty where it is about the journal as a whole.
        run_seq: Number of the event in its run; 0 where it is about the run as a whole.
        seq: Number of the row in the table; 0 where the row is missing.
    """

    run_id: str
    run_seq: int
    seq: int
    what: str

    def __str__(self) -> str:
        """For people."""
        if not self.run_seq:
            return f"{self.run_id or 'the journal'}: {self.what}"
        row = f" (row {self.seq})" if self.seq else ""
        return f"{self.run_id}, event {self.run_seq}{row}: {self.what}"


def hash_of(
    *, prev_hash: str, run_id: str, run_seq: int, at: str, type_: str, step: str, body: str
) -> str:
    """The hash of one row, over all of its columns and the hash before it."""
    # Lengths keep the parts apart: no two different rows give the same text.
    parts = (prev_hash, run_id, str(run_seq), at, type_, step, body)
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.hexdigest()


def first_fault(
    run_id: str, rows: Iterable[Row], *, event_count: int, head: str
) -> ChainFault | None:
    """The first row that is not as written, or missing; None when the chain is whole.

    Args:
        run_id: The run whose chain it is.
        rows: Its rows in the order of `run_seq`.
        event_count: How many the run's index entry counts.
        head: The hash of the last one, as that entry has it.
    """
    before = GENESIS
    expected = 1
    last_seq = 0
    for row in rows:
        if row.run_seq != expected:
            what = f"missing: the next row is event {row.run_seq}"
            return ChainFault(run_id=run_id, run_seq=expected, seq=0, what=what)
        if row.prev_hash != before:
            what = "it does not follow the event before it"
            return ChainFault(run_id=run_id, run_seq=expected, seq=row.seq, what=what)
        if row.hash != _rehash(row):
            what = "changed after it was written"
            return ChainFault(run_id=run_id, run_seq=expected, seq=row.seq, what=what)
        if row.seq and row.seq <= last_seq:
            what = "its row was moved: it lies before that of the event before it"
            return ChainFault(run_id=run_id, run_seq=expected, seq=row.seq, what=what)
        before, last_seq = row.hash, row.seq
        expected += 1
    if expected - 1 > event_count:
        what = f"added by hand: {expected - 1} events are there, and {event_count} were written"
        return ChainFault(run_id=run_id, run_seq=event_count + 1, seq=0, what=what)
    if expected - 1 != event_count or before != head:
        what = f"missing: {expected - 1} of {event_count} events are there"
        return ChainFault(run_id=run_id, run_seq=expected, seq=0, what=what)
    return None


def _rehash(row: Row) -> str:
    return hash_of(
        prev_hash=row.prev_hash,
        run_id=row.run_id,
        run_seq=row.run_seq,
        at=row.at,
        type_=row.type,
        step=row.step,
        body=row.body,
    )
