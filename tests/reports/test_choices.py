from __future__ import annotations

from typing import Any

import pytest

from secondsite.reports.choices import say_choices
from tasks.options import RunOptions


@pytest.mark.parametrize(
    ("kind", "chosen", "said"),
    [
        ("test", {}, ["test network: as the estate says", "recovery point: latest"]),
        (
            "test",
            {
                "network": "existing",
                "network_name": "lab-net",
                "hold": True,
                "hold_for_s": 90,
                "clean_up": True,
                "recovery_points": {"sql01": "2026-11-24T03:00Z"},
                "unattended": True,
            },
            [
                "test network: lab-net",
                "recovery point: latest",
                "sql01: 2026-11-24T03:00Z",
                "held for people for at most 1 min 30 s",
                "cleaned up as a part of the run",
                "nobody asked about failed steps",
            ],
        ),
        (
            "unplanned",
            {"primary_side": "skip", "other_site_is_gone": "I see the ruins"},
            [
                "nothing asked of the site that is left",
                "recovery point: latest",
                "said of the other site: “I see the ruins”",
            ],
        ),
        ("rollback-dns", {"of_run": "shop-planned-1"}, ["what shop-planned-1 changed"]),
        ("cleanup", {"unattended": True}, ["nobody asked about failed steps"]),
        ("planned", {}, []),
    ],
)
def test_a_run_tells_what_it_could_be_told_and_nothing_else(
    kind: str, chosen: dict[str, Any], said: list[str]
) -> None:
    parameters = RunOptions.model_validate(chosen).model_dump(mode="json")

    assert say_choices(kind, parameters) == said


def test_a_run_of_an_older_journal_says_nothing_that_it_does_not_know() -> None:
    assert say_choices("test", {}) == []
