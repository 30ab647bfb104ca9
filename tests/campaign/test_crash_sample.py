"""A few kill points of the crash campaign (`make crash-test` has them all)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.crash import STORIES, Kill, Story, baseline, kill

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]


def story(name: str) -> Story:
    return next(each for each in STORIES if each.case.name == name)


@pytest.mark.parametrize(
    ("name", "instants"),
    [
        ("planned", ["after-write:9", "after-request:60", "mid-request:75"]),
        ("unplanned skip", ["after-write:12", "after-request:40"]),
        ("undo", ["before-write:6"]),
    ],
)
def test_a_run_killed_at_any_instant_ends_as_one_that_never_was(
    name: str, instants: list[str], tmp_path: Path
) -> None:
    base = baseline(story(name), tmp_path / "base")

    results = [
        kill(Kill(story=base.story, instant=instant), base, tmp_path / str(number))
        for number, instant in enumerate(instants)
    ]

    assert all(each.was_killed for each in results)
    assert {each.kill.instant: each.difference for each in results if each.difference} == {}
