"""A look at a whole site goes on past one lost answer, and not past a server that is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from secondsite.plan.loader import load_estate
from tasks.connections import Sites
from tasks.surveys import SiteSurvey, survey_site
from tests.campaign.world import World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(120)]

HOSTS = ("hv-osaka-1", "hv-osaka-2")


async def look(world: World, monkeypatch: pytest.MonkeyPatch) -> SiteSurvey:
    monkeypatch.setenv("SECONDSITE_HOME", str(world.home))
    sites = Sites(load_estate(world.plans, resolve=True), home=world.home)
    try:
        return await survey_site(sites, "osaka", hosts=HOSTS)
    finally:
        await sites.close()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "host-refuses", "host": "hv-osaka-1", "times": 1},
        {"kind": "host-refuses", "host": "vmm-osaka", "times": 1},
        {"kind": "drop-shell", "host": "hv-osaka-2", "action": "Receive", "nth": 2},
    ],
)
async def test_an_answer_that_did_not_come_is_asked_for_once_more(
    fault: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        world.arm(**fault)

        seen = await look(world, monkeypatch)

    assert {each.host for each in seen.surveys} == set(HOSTS)
    assert seen.inventory is not None
    assert seen.troubles == ()


async def test_a_server_that_is_gone_is_named_beside_what_the_others_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        world.arm(kind="host-refuses", host="hv-osaka-1")

        seen = await look(world, monkeypatch)

    assert [each.host for each in seen.surveys] == ["hv-osaka-2"]
    assert seen.silent == ("hv-osaka-1",)
    assert ["hv-osaka-1" in each.message for each in seen.troubles] == [True]
