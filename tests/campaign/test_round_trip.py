"""There and back: the estate is as it was, also when the primary site was lost in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.campaign.names import zones
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

VMS = {"pay01", "pay02"}
BACK = Case(operation="planned", direction="back")
GONE = {"primary_side": "skip", "other_site_is_gone": "the duty manager stands in front of it"}


def production(world: World) -> dict[str, Any]:
    """Where the plan's VMs are on both sides, how they replicate, and what DNS says, with TTLs."""
    sites = world.state()["sites"]
    vms = {
        (site, host["name"], vm["name"]): {
            **{key: vm[key] for key in ("id", "state", "network", "addresses", "generation")},
            "replication": vm["replication"],
        }
        for site, held in sites.items()
        for host in held["hosts"]
        for vm in host["vms"]
        if vm["name"] in VMS
    }
    records = {
        (server, zone["zone"], record["name"], record["type"]): (record["values"], record["ttl_s"])
        for held in sites.values()
        for server, answers in held["dns"].items()
        for zone in answers["zones"]
        for record in zone["records"]
    }
    return {"vms": vms, "dns": records}


def start_actions(world: World) -> dict[str, str]:
    """What the log says was set last."""
    return {
        event["vm"]: event["detail"]["start_action"]
        for event in world.log()
        if event["kind"] == "change"
        and event.get("cmdlet") == "Set-VM"
        and "start_action" in event["detail"]
    }


def of_generation_1(text: str) -> str:
    return text.replace("  - name: pay02\n", "  - name: pay02\n    generation: 1\n")


def test_a_planned_round_trip_leaves_hosts_replication_and_dns_as_they_were(
    tmp_path: Path,
) -> None:
    with a_world(tmp_path / "world", change_lab=of_generation_1) as world:
        before = production(world)

        there = world.carry_out(Case(operation="planned"))
        away = production(world)
        late = {name: world.carry_out(Case(operation=name)) for name in ("commit", "reverse")}
        home = world.carry_out(BACK)
        zones(world)  # a restored TTL comes to the other server by its next transfer

        assert (there.state, home.state) == ("COMPLETED", "COMPLETED"), home.message
        assert {vm["generation"] for vm in before["vms"].values()} == {1, 2}
        assert away["vms"] != before["vms"]
        assert away["dns"] != before["dns"]
        for each in late.values():
            assert each.state == "FAILED"
            assert "nothing is left to do: every VM is" in each.message
        back = "secondsite run payroll --kind planned --direction back"
        assert back in late["reverse"].message
        assert production(world) == before


def test_a_lost_site_that_comes_back_is_fenced_copied_to_and_gone_home_to(tmp_path: Path) -> None:
    with a_world(tmp_path / "world") as world:
        before = production(world)
        world.arm(kind="partition", site="tokyo")

        outcomes = [
            world.carry_out(Case(operation="unplanned", options=GONE)),
            world.carry_out(Case(operation="undo")),
            world.carry_out(
                Case(
                    operation="unplanned",
                    options={**GONE, "recovery_point": "latest-app-consistent"},
                )
            ),
            world.carry_out(Case(operation="commit")),
        ]
        world.mend()
        split = production(world)
        outcomes.append(world.carry_out(Case(operation="reverse")))
        fenced = production(world)
        held = start_actions(world)
        changes = [
            (event["cmdlet"], event["detail"])
            for event in world.log()
            if event["kind"] == "change" and event.get("vm") == "pay01" and "tokyo" in event["host"]
        ]
        outcomes.append(world.carry_out(BACK))
        zones(world)

        assert [each.message for each in outcomes if each.state != "COMPLETED"] == []
        assert split["vms"]["tokyo", "hv-tokyo-1", "pay01"]["state"] == "Running"
        assert fenced["vms"]["tokyo", "hv-tokyo-1", "pay01"]["state"] == "Off"
        order = [cmdlet for cmdlet, _ in changes]
        first_set = next(detail for cmdlet, detail in changes if cmdlet == "Set-VM")
        assert order.index("Stop-VM") < order.index("Set-VM") < order.index("Set-VMReplication")
        assert first_set["start_action"] == "Nothing"
        assert held == dict.fromkeys(VMS, "StartIfRunning"), "it got its own back as a replica"
        assert production(world) == before
