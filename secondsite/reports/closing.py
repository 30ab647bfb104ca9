"""The words with which a run ends: what its last event, its log and Prefect's state say. Pure."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Literal

from secondsite.reports.facts import run_facts
from secondsite.run.record import RunRecord

__all__ = ["closing_words"]


def closing_words(
    record: RunRecord, *, state: Literal["done", "failed", "aborted"], at: datetime
) -> str:
    """The headline of a run that is about to end as `state`.

    Its record, which has no end yet, would still say "running".
    """
    ended = dataclasses.replace(record, state=state, ended_at=at)
    return run_facts(ended, reported_at=at)["headline"]
