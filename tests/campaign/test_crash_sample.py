"""One life with every operation in it, each killed once, at every kind of instant between them.

`make crash-test` has very many more.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.campaign.comparison import Done, difference
from tests.campaign.instants import DOORS
from tests.campaign.plans import HOOKS
from tests.campaign.stories import STORIES
from tests.campaign.world import Case, Outcome, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_GONE = {"primary_side": "skip", "other_site_is_gone": "the sample says so"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One operation, and the instant at which its engine is killed."""

    case: Case
    instant: str
    at_start: int = 0

    @property
    def name(self) -> str:
        return f"{self.case.name} at {self.instant}"


LIFE = (
    Chapter(
        case=Case(operation="planned", plan=HOOKS, gates=1), instant="unread-request:60", at_start=1
    ),
    Chapter(case=Case(operation="planned", direction="back"), instant="mid-request:60"),
    Chapter(case=Case(operation="test"), instant="after-dns:12"),
    Chapter(case=Case(operation="cleanup"), instant="unread-dns:3"),
    Chapter(case=Case(operation="unplanned"), instant="after-request:50"),
    Chapter(case=Case(operation="undo"), instant="before-dns:3"),
    Chapter(case=Case(operation="cancel"), instant="before-request:30"),
    Chapter(case=Case(operation="unplanned", options=_GONE), instant="after-write:20"),
    Chapter(case=Case(operation="commit"), instant="mid-write:3"),
    Chapter(case=Case(operation="reverse"), instant="before-write:7"),
    Chapter(case=Case(operation="unplanned", direction="back"), instant="after-write:25"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The world after one chapter."""

    outcomes: Sequence[Outcome]
    state: Any
    done: Done


def told(folder: Path, *, killing: bool) -> list[Page]:
    pages = []
    with a_world(folder) as world:
        for chapter in LIFE:
            outcomes = world.carry_on(
                chapter.case,
                flow_run=str(uuid4()),
                instant=chapter.instant if killing else "",
                at_start=chapter.at_start,
            )
            pages.append(Page(outcomes=outcomes, state=world.state(), done=world.done()))
    return pages


def test_a_life_of_killed_runs_is_the_life_of_runs_that_never_were(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as workers:
        quiet = workers.submit(told, tmp_path / "quiet", killing=False)
        killed = workers.submit(told, tmp_path / "killed", killing=True)
        pages = list(zip(LIFE, quiet.result(), killed.result(), strict=True))

    ended = {chapter.name: base.outcomes[-1].state for chapter, base, _ in pages}
    assert set(ended.values()) == {"COMPLETED"}, ended
    assert [chapter.name for chapter, _, found in pages if not was_killed(chapter, found)] == []
    differences = {
        chapter.name: difference(
            found.outcomes[-1], expected=(base.state, base.done), found=(found.state, found.done)
        )
        for chapter, base, found in pages
    }
    assert {name: text for name, text in differences.items() if text} == {}


def was_killed(chapter: Chapter, page: Page) -> bool:
    return page.outcomes[chapter.at_start].state == "killed"


def test_the_sample_has_every_operation_and_every_kind_of_instant() -> None:
    operations = {(each.case.operation, each.case.direction) for each in STORIES}
    kinds = {kind for kinds in DOORS.values() for kind in kinds}

    assert {(each.case.operation, each.case.direction) for each in LIFE} == operations
    assert {each.instant.partition(":")[0] for each in LIFE} == kinds
