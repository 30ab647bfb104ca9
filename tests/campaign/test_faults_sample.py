"""A few strikes of the fault campaign (`make fault-test` has them all)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.faults import FAMILIES, Quiet, Strike, quiet, strike, strikes

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Quiet:
    return quiet(tmp_path_factory.mktemp("quiet") / "world")


@pytest.mark.parametrize(
    ("name", "action", "nth"),
    [
        ("host-refuses", "connection", 3),
        ("half-body", "Receive", 15),
        ("lose-reply", "Receive", 22),
        ("duplicate-input", "Send", 20),
        ("kill-process-after", "Receive", 18),
        ("drop-shell", "Send", 24),
    ],
)
def test_a_planned_failover_under_a_fault_ends_as_one_without(
    base: Quiet, name: str, action: str, nth: int, tmp_path: Path
) -> None:
    kind = next(each for each in FAMILIES if each.fault == name)

    result = strike(Strike(kind=kind, action=action, nth=nth), base, tmp_path / "world")

    assert result.struck
    assert result.ended in {"done", "retried"}  # by itself, or after a person said `retry` once
    assert result.difference == ""


def test_the_campaign_strikes_every_message_with_every_family(base: Quiet) -> None:
    everything = strikes(base)

    assert {each.kind.family for each in everything} == {1, 2, 4, 5, 6, 8}
    assert {(each.action, each.nth) for each in everything} >= {
        (action, number) for action, most in base.messages.items() for number in range(1, most + 1)
    }
