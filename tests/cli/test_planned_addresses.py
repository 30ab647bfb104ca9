"""What `secondsite show` tells of networks and addresses: from the plan, or from past runs."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from secondsite.cli.planned_addresses import planned_addresses, table_of
from secondsite.graph import Operation
from secondsite.plan.loader import load_estate, load_plan
from secondsite.plan.model import Direction
from secondsite.run.adapters_seen import SOURCE, SOURCE_SITE
from secondsite.run.events import (
    InventoryTaken,
    PlannedStep,
    RunAttached,
    RunCreated,
    VmFact,
)
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay
from tests.campaign.virtual import virtual_estate

PLANS = Path(__file__).parents[2] / "plans"
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ESTATE = load_estate(PLANS)
PAYROLL = load_plan(PLANS / "payroll.yaml", ESTATE)


def told(
    operation: Operation = Operation.PLANNED,
    past: tuple[RunRecord, ...] = (),
    direction: Direction = Direction.FORWARD,
    **more: Any,
) -> list[tuple[str, ...]]:
    rows = planned_addresses(
        PAYROLL, ESTATE, operation=operation, direction=direction, past=past, **more
    )
    return [(each.vm, each.adapter, each.network, each.address) for each in rows]


def adapter(name: str, network: str, address: str) -> dict[str, Any]:
    return {"name": name, "network": network, "is_connected": True, "addresses": [address]}


def a_rehearsal() -> RunRecord:
    seen = {
        "pay01": [
            adapter("Network Adapter", "tokyo-prod", "10.1.0.41"),
            adapter("Backup", "tokyo-backup", "10.1.9.41"),
        ],
        "pay02": [adapter("Network Adapter", "tokyo-prod", "10.1.0.113")],
    }
    return replay(
        [
            RunCreated(
                at=NOW,
                run_id="payroll-test",
                plan="payroll",
                plan_digest="d",
                operation="test",
                direction="forward",
                steps=tuple(
                    PlannedStep(id=f"payroll/{vm}/start", action="start", vm=vm) for vm in seen
                ),
            ),
            RunAttached(at=NOW, holder="engine:1"),
            InventoryTaken(
                at=NOW,
                vms=tuple(
                    VmFact(name=vm, id=vm, facts={SOURCE_SITE: "tokyo", SOURCE: adapters})
                    for vm, adapters in seen.items()
                ),
            ),
        ]
    )


def test_before_any_run_the_plan_tells_what_it_can() -> None:
    assert told() == [
        ("pay01", "(the first)", "osaka-prod", "10.2.0.41"),
        ("pay02", "(the first)", "osaka-prod", "pool"),
    ]


def test_what_a_rehearsal_has_seen_makes_it_complete() -> None:
    assert told(past=(a_rehearsal(),)) == [
        ("pay01", "Network Adapter", "osaka-prod", "10.2.0.41"),
        ("pay01", "Backup", "osaka-backup", "10.2.9.41"),
        ("pay02", "Network Adapter", "osaka-prod", "pool (10.2.0.113 if it is free)"),
    ]


def test_a_test_shows_its_own_networks() -> None:
    networks = [row[2] for row in told(Operation.TEST, past=(a_rehearsal(),))]

    assert networks == ["osaka-test", "osaka-backup-test", "osaka-test"]


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        (
            "created",
            [
                "made of drill, like osaka-prod",
                "made of drill, like osaka-backup",
                "made of drill, like osaka-prod",
            ],
        ),
        ("none", ["none", "none", "none"]),
        ("osaka-backup-test", ["osaka-backup-test"] * 3),
    ],
)
def test_a_test_shows_the_network_that_was_chosen_for_it(chosen: str, shown: list[str]) -> None:
    rows = told(Operation.TEST, past=(a_rehearsal(),), test_network=chosen)

    assert [row[2] for row in rows] == shown
    assert rows[0][3] == "10.2.0.41"


def test_on_the_way_home_it_is_the_address_of_the_plan_at_home() -> None:
    home = told(past=(a_rehearsal(),), direction=Direction.BACK)

    assert home[0][3] == "10.1.0.41"
    assert [row[3] for row in home if row[0] == "pay02"] == ["10.1.0.113"]


def test_what_moves_no_vm_has_no_addresses() -> None:
    assert told(Operation.COMMIT) == []


def test_the_table_has_a_line_for_each_adapter() -> None:
    rows = planned_addresses(
        PAYROLL, ESTATE, operation=Operation.PLANNED, direction=Direction.FORWARD, past=()
    )

    lines = list(table_of(rows))

    assert lines[0].split() == ["VM", "adapter", "network", "address", "from"]
    assert lines[1].endswith("10.2.0.41  the plan")


def test_networks_to_which_only_vmm_connects_are_marked(tmp_path: Path) -> None:
    plans = tmp_path / "plans"
    shutil.copytree(PLANS, plans)
    virtual_estate(plans, except_for=frozenset({"osaka-backup"}))
    estate = load_estate(plans)

    rows = planned_addresses(
        load_plan(plans / "payroll.yaml", estate),
        estate,
        operation=Operation.PLANNED,
        direction=Direction.FORWARD,
        past=(a_rehearsal(),),
    )

    assert [(each.network, each.is_virtual) for each in rows] == [
        ("osaka-prod", True),
        ("osaka-backup", False),
        ("osaka-prod", True),
    ]
    assert "osaka-prod (virtual, by VMM)" in list(table_of(rows))[1]
    assert "virtual" not in list(table_of(rows))[2]
