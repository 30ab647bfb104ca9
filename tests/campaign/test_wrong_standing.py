"""A test failover where a real one has been: refused, with what is possible instead."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from secondsite.run.journal import Journal
from secondsite.run.replay import replay
from tests.campaign.world import Case, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def test_a_test_of_what_was_failed_over_is_refused_with_what_is_possible(tmp_path: Path) -> None:
    with a_world(tmp_path / "world", Case(operation="unplanned")) as world:
        before = world.state()

        outcome = world.carry_out(Case(operation="test"))

        assert outcome.state == "FAILED", outcome.message
        with closing(Journal.open(f"sqlite:///{world.home / 'journal.db'}")) as journal:
            run_id = journal.runs(operations=["test"], limit=1)[0].run_id
            record = replay(entry.event for entry in journal.read(run_id))
        error = record.by_id["preflight"].error
        assert error is not None
        assert "pay01 on hv-osaka-2 was failed over" in error.message
        assert "commit or undo that first" in error.message
        assert "Possible now: " in error.next
        assert "secondsite commit payroll; secondsite undo payroll." in error.next
        assert world.state() == before
