"""Events of a small run for the tests of the journal, on a clock of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from secondsite.run.events import PlannedStep, RunCreated

__all__ = ["BEGIN", "STEPS", "Clock", "created"]

BEGIN = datetime(2026, 11, 20, 13, 40, 5, 123456, tzinfo=UTC)

STEPS = (
    PlannedStep(id="preflight", action="preflight"),
    PlannedStep(id="db/begin", action="barrier", group="db", waits_for=("preflight",)),
    PlannedStep(
        id="db/before/storage",
        action="gate",
        group="db",
        title="Storage released",
        waits_for=("db/begin",),
        on_failure="stop",
    ),
    PlannedStep(
        id="db/sql01/start",
        action="start",
        group="db",
        vm="sql01",
        site="osaka",
        waits_for=("db/before/storage",),
    ),
    PlannedStep(
        id="db/sql01/ready",
        action="ready",
        group="db",
        vm="sql01",
        site="osaka",
        waits_for=("db/sql01/start",),
    ),
    PlannedStep(
        id="db/sql01/dns",
        action="dns",
        group="db",
        vm="sql01",
        site="osaka",
        waits_for=("db/sql01/ready",),
    ),
    PlannedStep(id="db/end", action="barrier", group="db", waits_for=("db/sql01/dns",)),
)


@dataclass
class Clock:
    """A clock that moves only when told."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


def created(
    run_id: str = "shop-test-20261120-134005-ab12",
    *,
    steps: Sequence[PlannedStep] = STEPS,
    **facts: Any,
) -> RunCreated:
    """The first event of a run of the plan `shop`."""
    return RunCreated(
        **{
            "at": BEGIN,
            "run_id": run_id,
            "plan": "shop",
            "plan_digest": "sha256:1234",
            "operation": "test",
            "direction": "forward",
            "steps": tuple(steps),
            **facts,
        }
    )
