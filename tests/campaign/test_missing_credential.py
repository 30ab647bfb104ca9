"""An account of the dead site that nobody can get at: the other site does not wait for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from secondsite.cli.plan_status import show_plan
from tests.campaign.world import Case, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.mark.parametrize("primary_side", ["skip", "attempt"])
def test_an_unplanned_failover_needs_no_credential_of_the_site_that_is_left(
    primary_side: str, tmp_path: Path
) -> None:
    options = {"primary_side": primary_side, "other_site_is_gone": "the test says so"}
    with a_world(tmp_path / "world") as world:
        (world.home / "lab" / "secrets" / "tokyo-operator").unlink()

        outcome = world.carry_out(Case(operation="unplanned", options=options))

        assert outcome.state == "COMPLETED", outcome.message
        assert {vm for cmdlet, _, vm in world.done() if cmdlet == "Start-VM"} == {"pay01", "pay02"}


def test_a_planned_failover_says_which_credential_it_lacks_and_touches_nothing(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world") as world:
        secret = world.home / "lab" / "secrets" / "tokyo-operator"
        secret.unlink()

        outcome = world.carry_out(Case(operation="planned"))

        assert outcome.state == "FAILED"
        assert "hv-tokyo-1 was not asked anything" in outcome.message
        assert str(secret) in outcome.message
        assert not world.done()


def test_the_state_of_a_plan_is_shown_from_the_site_that_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with a_world(tmp_path / "world") as world:
        (world.home / "lab" / "secrets" / "tokyo-operator").unlink()
        monkeypatch.setenv("SECONDSITE_HOME", str(world.home))
        monkeypatch.setenv("SECONDSITE_PLANS", str(world.plans))

        code = show_plan("payroll", as_json=False)

        shown = capsys.readouterr().out
        assert code == 0
        assert "hv-tokyo-1 was not asked anything: Cannot get the password of credential" in shown
        assert "osaka: Off, Replica Replicating" in shown
