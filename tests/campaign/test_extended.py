"""A VM whose replica is itself replicated on: what Hyper-V can do is done, the rest is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

_THIRD_SITE = """\
  kyoto:
    vmm: {name: vmm-kyoto}
    credential: osaka-operator
    hosts: [{name: hv-kyoto-1}]
  osaka:
    vmm: {name: vmm-osaka}
"""


def extended(text: str) -> str:
    osaka = "  osaka:\n    vmm: {name: vmm-osaka}\n"
    pay01 = "  - name: pay01\n"
    assert osaka in text
    assert pay01 in text
    text = text.replace(osaka, _THIRD_SITE)
    return text.replace(pay01, f"{pay01}    extended_replica: hv-kyoto-1\n")


def relations(world: World, host: str) -> list[tuple[str, str, str]]:
    return [
        (each["relationship"], each["mode"], each["state"])
        for site in world.state()["sites"].values()
        for held in site["hosts"]
        if held["name"] == host
        for vm in held["vms"]
        if vm["name"] == "pay01"
        for each in vm["replication"]
    ]


def test_what_would_have_to_be_reversed_is_refused_before_anything_is_touched(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world", change_lab=extended) as world:
        before = world.state()

        outcome = world.carry_out(Case(operation="planned"))

        assert outcome.state == "FAILED"
        assert "pay01 in osaka is itself replicated on to a third server" in outcome.message
        assert "Remove-VMReplication -ReplicationRelationshipType Extended" in outcome.message
        assert "Nothing was touched" in outcome.message
        assert "Possible now" in outcome.message
        assert world.state() == before
        assert not world.done()


def test_tests_and_unplanned_failovers_work_and_leave_the_third_copy_alone(tmp_path: Path) -> None:
    with a_world(tmp_path / "world", change_lab=extended) as world:
        third = relations(world, "hv-kyoto-1")

        outcomes = {
            name: world.carry_out(Case(operation=name))
            for name in ("test", "cleanup", "unplanned", "commit", "reverse")
        }

        reversal = outcomes.pop("reverse")
        assert {
            name: each.message for name, each in outcomes.items() if each.state != "COMPLETED"
        } == {}
        assert reversal.state == "FAILED"
        assert "pay01 in osaka is itself replicated on to a third server" in reversal.message
        assert relations(world, "hv-osaka-2")[0] == ("Simple", "Replica", "FailedOver")
        assert relations(world, "hv-kyoto-1") == third
        assert not any(event["host"] == "hv-kyoto-1" for event in world.log())
