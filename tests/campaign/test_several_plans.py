"""A VM that is in several plans: the later one skips what is over already, and says so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from secondsite.reports.facts import run_facts
from secondsite.reports.markdown import report_markdown
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

_OFFICE = """\
name: office
description: Personnel, and the database that payroll has, too.
protection: tokyo-osaka
groups:
  - name: office
    vms:
      - pay01
      - name: hr01
        depends_on: [pay01]
        ready: [heartbeat]
        address: {ipv4: 10.2.0.51/24, gateway: 10.2.0.1}
"""


def last_run(world: World, plan: str) -> RunRecord:
    with closing(Journal.open(f"sqlite:///{world.home / 'journal.db'}")) as journal:
        run_id = journal.runs(plan=plan, limit=1)[0].run_id
        return replay(entry.event for entry in journal.read(run_id))


@pytest.mark.parametrize("operation", ["planned", "unplanned"])
def test_a_later_plan_skips_a_vm_that_is_over_already_and_says_so(
    operation: str, tmp_path: Path
) -> None:
    with a_world(tmp_path / "world", Case(operation="planned")) as world:
        (world.plans / "office.yaml").write_text(_OFFICE)
        moved = world.done()

        outcome = world.carry_out(Case(operation=operation, plan="office"))

        assert outcome.state == "COMPLETED", outcome.message
        again = {vm for (_, _, vm) in world.done() - moved}
        assert again == {"hr01"}, "what was over already was done again"
        record = last_run(world, "office")
        said = "pay01 is skipped: it runs in osaka and replicates back already."
        assert said in [note.text for note in record.notes]
        steps = {step.id: step for step in record.steps}
        assert "replicates back already" in steps["office/pay01/failover"].evidence["skipped"]
        assert "pay01 is skipped" in report_markdown(run_facts(record))
