from __future__ import annotations

from typing import Any

import pytest

from secondsite.reports.dns_alone import dns_lines
from secondsite.run.events import PlannedStep, RunAttached, RunCreated, StepIntent, StepOutcome
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from tests.reports.story import BEGIN

ROW = {"target": "production", "zone": "corp.example", "name": "sql.corp.example", "type": "A"}


def side(value: str, ttl_s: int) -> dict[str, Any]:
    return {"name": ROW["name"], "type": "A", "ttl_s": ttl_s, "values": [value]}


def prepared(*rows: dict[str, Any]) -> RunRecord:
    step = PlannedStep(id="db/sql/prepare-dns", action="prepare-dns", group="db", vm="sql")
    return replay(
        [
            RunCreated(
                at=BEGIN,
                run_id="r",
                plan="shop",
                plan_digest="d",
                operation="prepare-dns",
                direction="forward",
                steps=(step,),
            ),
            RunAttached(at=BEGIN, holder="engine:1"),
            StepIntent(at=BEGIN, step=step.id),
            StepOutcome(
                at=BEGIN, step=step.id, state="done", changed=True, evidence={"dns": list(rows)}
            ),
        ]
    )


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (
            {"before": side("10.1.0.22", 600), "after": side("10.1.0.22", 60), "changed": True},
            "✓ sql.corp.example A (production): TTL 600 s → 60 s; it leads to 10.1.0.22 as before",
        ),
        (
            {"before": side("10.2.0.22", 60), "after": side("10.1.0.22", 600), "changed": True},
            "✓ sql.corp.example A (production): 10.2.0.22 (TTL 60 s) → 10.1.0.22 (TTL 600 s)",
        ),
        (
            {"before": side("10.2.0.22", 60), "after": None, "changed": True},
            "✓ sql.corp.example A (production): 10.2.0.22 (TTL 60 s) → no record",
        ),
        (
            {"before": None, "after": None, "changed": False, "trouble": "It is another's."},
            "✗ sql.corp.example A (production): It is another's.",
        ),
    ],
)
def test_each_record_set_is_told_in_words(row: dict[str, Any], line: str) -> None:
    assert list(dns_lines(prepared(ROW | row))) == [line]
