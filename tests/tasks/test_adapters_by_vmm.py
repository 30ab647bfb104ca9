"""What is left to VMM of a VM's connections, and what is never done."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from secondsite.connectors.base import Adapter, VmSurvey
from secondsite.connectors.standing import SideView
from secondsite.errors import WrongStateError
from secondsite.graph import Operation
from secondsite.plan.adapter_plan import PlannedAdapter, SeenAdapter
from secondsite.plan.guests import StaticAddress
from secondsite.plan.loader import load_estate, load_plan
from secondsite.plan.model import Direction
from secondsite.run.adapters_seen import PLANNED, TARGET, VIRTUAL_NETWORK, Former
from secondsite.run.events import VmFact
from tasks.adapter_sight import AdapterSight, asks_vmm_of
from tasks.adapters import connections_of, restore_request
from tasks.adapters_by_vmm import disconnection_of_test, restore_connection, vmm_connection
from tasks.connections import Sites
from tasks.context import RunContext
from tasks.options import RunOptions
from tests.campaign.virtual import VIRTUAL, virtual_estate

PLANS = Path(__file__).parents[2] / "plans"
LAN = "Network Adapter"


def context(
    home: Path, operation: Operation, *, except_for: frozenset[str] = frozenset()
) -> RunContext:
    plans = home / "plans"
    shutil.copytree(PLANS, plans)
    virtual_estate(plans, except_for=except_for)
    estate = load_estate(plans, resolve=False)
    return RunContext(
        run_id="payroll-1",
        plan=load_plan(plans / "payroll.yaml", estate),
        estate=estate,
        operation=operation,
        direction=Direction.FORWARD,
        options=RunOptions(),
        steps={},
        sites=Sites(estate, home=home),
        now=lambda: datetime.now(UTC),
    )


def planned(network: str | None = "osaka-prod", **more: Any) -> PlannedAdapter:
    is_virtual = network in VIRTUAL
    return PlannedAdapter(**{"name": LAN, "network": network, "is_virtual": is_virtual, **more})


def copy(*, network: str | None = None, switch: str | None = None) -> dict[str, Any]:
    return {
        "name": LAN,
        "number": 0,
        "switch": switch,
        "vlan": None,
        "failover": {},
        VIRTUAL_NETWORK: network,
    }


def looked(run: RunContext, adapter: PlannedAdapter, before: dict[str, Any]) -> None:
    """What the preflight of the run has found of pay01."""
    facts = {PLANNED: [adapter.as_dict()], TARGET: [before]}
    run.vms["pay01"] = VmFact(name="pay01", id="id-1", site="osaka", host="hv", facts=facts)


def asked(run: RunContext) -> list[tuple[str, str, bool]]:
    request = vmm_connection(run, next(run.plan.vms), name="pay01", vm_id="id-1", host="hv")
    adapters = request.adapters if request is not None else ()
    return [(each.network, each.prefix, each.is_allocated) for each in adapters]


def test_a_test_vm_is_never_connected_to_a_production_network_by_vmm(tmp_path: Path) -> None:
    run = context(tmp_path, Operation.TEST)
    looked(run, planned("osaka-prod"), copy())

    with pytest.raises(WrongStateError, match="osaka-prod is a production network"):
        asked(run)


def test_the_subnet_is_that_of_the_adapters_address(tmp_path: Path) -> None:
    run = context(tmp_path, Operation.PLANNED)
    ipv6 = StaticAddress.model_validate({"ipv6": "2001:db8:2::7/64"})
    for adapter, expected in (
        (planned(static=ipv6, rule="static"), ("osaka-prod", "2001:db8:2::/64", False)),
        (planned(rule="dhcp", is_allocated=True), ("osaka-prod", "10.2.0.0/24", True)),
        (planned(rule="pool", wanted=("10.2.0.9",)), ("osaka-prod", "10.2.0.0/24", False)),
    ):
        looked(run, adapter, copy())

        assert asked(run) == [expected]
        assert [each.keep for each in connections_of(run, next(run.plan.vms))] == [True]


def test_what_stays_is_left_alone_and_what_leaves_a_virtual_network_is_taken_off(
    tmp_path: Path,
) -> None:
    run = context(tmp_path, Operation.PLANNED, except_for=frozenset({"osaka-prod"}))
    wired = planned("osaka-prod", is_virtual=False)
    for adapter, before, expected in (
        (planned("osaka-backup", keeps=True), copy(network="osaka-backup", switch="s"), []),
        (wired, copy(network="osaka-backup", switch="s"), [("", "", False)]),
        (planned(None), copy(network="osaka-backup", switch="s"), [("", "", False)]),
        (wired, copy(switch="s"), []),
    ):
        looked(run, adapter, before)

        assert asked(run) == expected


@pytest.mark.parametrize(
    ("before", "plan", "by_vmm"),
    [
        (copy(), planned(rule="dhcp", is_allocated=True), ("", True)),
        (copy(switch="vs-old"), planned(), ("", False)),
        (copy(network="osaka-backup", switch="s"), planned(), ("osaka-backup", False)),
        (copy(network="osaka-prod", switch="s"), planned(keeps=True), ("osaka-prod", False)),
        (copy(switch="vs-old"), planned("wired"), None),
        (copy(), planned(keeps=True), None),
    ],
)
def test_a_copy_gets_through_vmm_what_only_vmm_can_give_back(
    before: dict[str, Any], plan: PlannedAdapter, by_vmm: tuple[str, bool] | None
) -> None:
    former = Former(adapters=[before], planned=[plan.as_dict()])

    request = restore_connection("pay01", former, vm_id="id-1", host="hv")

    found = [(each.network, each.is_allocated) for each in (request.adapters if request else ())]
    assert found == ([by_vmm] if by_vmm else [])
    (hyper_v,) = restore_request("pay01", former, by_vmm=request).adapters
    assert hyper_v.is_vmms == (by_vmm is not None)


def test_of_a_test_vm_only_virtual_networks_of_the_estate_are_given_up() -> None:
    virtual = Former(adapters=[copy()], planned=[planned("osaka-test").as_dict()])
    wired = Former(adapters=[copy()], planned=[planned("wired").as_dict()])

    request = disconnection_of_test(virtual, vm="pay01 - Test", vm_id="t", host="hv")

    assert request is not None
    assert [each.network for each in request.adapters] == [""]
    assert disconnection_of_test(wired, vm="pay01 - Test", vm_id="t", host="hv") is None


def test_vmm_is_asked_where_what_is_mapped_is_virtual_and_nowhere_else(tmp_path: Path) -> None:
    def asks(name: str, operation: Operation, *virtual: str) -> tuple[bool, bool]:
        run = context(tmp_path / name, operation, except_for=VIRTUAL - set(virtual))
        return bool(asks_vmm_of(run, "tokyo")), bool(asks_vmm_of(run, "osaka"))

    assert asks("none", Operation.PLANNED) == (False, False)
    assert asks("left", Operation.PLANNED, "tokyo-backup") == (True, False)
    assert asks("target", Operation.PLANNED, "osaka-prod") == (False, True)
    assert asks("failover", Operation.UNPLANNED, "osaka-test") == (False, False)
    assert asks("test", Operation.TEST, "osaka-test") == (False, True)


def test_what_vmm_does_not_tell_is_not_made_up(tmp_path: Path) -> None:
    sight = AdapterSight(run=context(tmp_path, Operation.PLANNED))
    adapter = Adapter(
        name=LAN, id="", mac="", switch="vs-prod", vlan=None, addresses=("10.1.0.41",)
    )
    survey = VmSurvey(
        name="pay01",
        id="id-1",
        state="Running",
        generation=2,
        heartbeat="",
        memory_mib=1,
        adapters=(adapter,),
        replication=(),
        recovery_points=(),
    )

    (seen,) = sight.in_source(next(sight.run.plan.vms), survey) or ()
    kept = sight.facts("pay01", SideView(site="tokyo", host="hv", survey=survey))

    assert (seen.network, seen.is_untold, seen.addresses) == (None, True, ("10.1.0.41",))
    assert [SeenAdapter.from_dict(each) for each in kept["source_adapters"]] == [seen]
