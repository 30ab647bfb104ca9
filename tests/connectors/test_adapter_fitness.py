"""What is told against networks and addresses before a run touches anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from secondsite.connectors.adapter_fitness import (
    VmAdapters,
    against_adapters,
    against_pools,
    against_test_network,
    against_virtual,
    warnings_about,
)
from secondsite.connectors.base import (
    Adapter,
    HostSurvey,
    Inventory,
    InventoryNetwork,
    InventoryPool,
    InventoryVm,
    VmSurvey,
)
from secondsite.plan.adapter_plan import PlannedAdapter
from secondsite.plan.estate import Site
from secondsite.plan.guests import StaticAddress
from secondsite.plan.model import PlannedVm

LAN = "Network Adapter"
SITE = Site.model_validate(
    {
        "vmm": {"name": "vmm-osaka", "credential": "c"},
        "hosts": [{"name": "hv1", "credential": "c"}],
        "networks": [
            {"name": "osaka-prod", "switch": "vs-prod", "subnets": ["10.2.0.0/24"]},
            {"name": "osaka-test", "switch": "vs-test", "purpose": "test"},
            {"name": "osaka-overlay", "isolation": "virtual"},
        ],
    }
)


def adapter(name: str = LAN, **more: Any) -> Adapter:
    return Adapter(
        **{
            "name": name,
            "id": "x",
            "mac": "00155D000001",
            "switch": None,
            "vlan": None,
            "addresses": (),
            **more,
        }
    )


def survey(*adapters: Adapter, state: str = "Off", heartbeat: str = "") -> VmSurvey:
    return VmSurvey(
        name="sql01",
        id="id-sql01",
        state=state,
        generation=2,
        heartbeat=heartbeat,
        memory_mib=1024,
        adapters=adapters,
        replication=(),
        recovery_points=(),
    )


def one(
    *planned: PlannedAdapter,
    has: Sequence[Adapter] = (),
    vm: dict[str, Any] | None = None,
    source: VmSurvey | None = None,
) -> VmAdapters:
    adapters = has or [adapter(each.name) for each in planned]
    return VmAdapters(
        vm=PlannedVm.model_validate({"name": "sql01", **(vm or {})}),
        host="hv1",
        copy=survey(*adapters),
        adapters=planned,
        source=source,
    )


def plan(**more: Any) -> PlannedAdapter:
    return PlannedAdapter(**{"name": LAN, "network": "osaka-prod", "mapped": "osaka-prod", **more})


def static(ipv4: str) -> dict[str, Any]:
    address = StaticAddress.model_validate({"ipv4": ipv4})
    return {"rule": "static", "static": address, "origin": "the plan"}


def judge(*vms: VmAdapters, switches: tuple[str, ...] = ("vs-prod", "vs-test")) -> list[str]:
    host = HostSurvey(host="hv1", switches=switches, free_memory_mib=1, vms=())
    return against_adapters(vms, site=SITE, surveys=[host], is_mapped=True)


def test_what_fits_gives_no_reason() -> None:
    assert judge(one(plan(**static("10.2.0.21/24")))) == []


def test_a_missing_switch_names_host_and_network() -> None:
    (reason,) = judge(one(plan()), switches=("vs-test",))

    assert reason.startswith("hv1 has no virtual switch 'vs-prod', which carries osaka-prod: ")


def test_a_rule_for_an_adapter_that_is_not_there_names_those_that_are() -> None:
    written = one(plan(), vm={"adapters": {"backup": "dhcp"}})

    (reason,) = judge(written)

    assert reason.startswith(
        "sql01 on hv1 has no network adapter 'backup' (it has 'Network Adapter')"
    )


def test_a_rule_by_a_name_that_two_adapters_have_is_refused() -> None:
    twins = one(plan(), plan(number=1), vm={"adapters": {LAN: "dhcp"}})

    (reason,) = judge(twins)

    assert "2 network adapters named 'Network Adapter'" in reason
    assert "Rename-VMNetworkAdapter" in reason


def test_an_address_outside_its_network_is_refused() -> None:
    (reason,) = judge(one(plan(**static("10.9.0.21/24"))))

    assert reason.startswith(
        "sql01: 10.9.0.21 (from the plan) is in no subnet of osaka-prod (10.2.0.0/24)"
    )


def test_one_address_for_two_is_refused() -> None:
    (reason,) = judge(one(plan(**static("10.2.0.5/24"))), one(plan(**static("10.2.0.5/24"))))

    assert "would both have 10.2.0.5" in reason


def test_a_legacy_adapter_gets_no_address() -> None:
    legacy = one(plan(**static("10.2.0.21/24")), has=[adapter(is_legacy=True)])

    (reason,) = judge(legacy)

    assert "legacy adapter" in reason


def test_a_vm_that_would_be_on_no_network_at_all_is_refused_and_one_of_two_is_only_told() -> None:
    lost = {"network": None, "mapped": None, "why_not": "its network x is not in `networks`"}

    (reason,) = judge(one(plan(**lost)))
    partly = one(plan(), plan(name="backup", **lost))

    assert "nothing tells its network over there (its network x is not in `networks`)" in reason
    assert judge(partly) == []
    assert warnings_about([partly]) == [
        "sql01, adapter 'backup' is not connected: its network x is not in `networks`."
    ]


POOL = "10.2.0.10 10.2.0.99"


def inventory(*networks: InventoryNetwork, knows: str = "ID-SQL01") -> Inventory:
    vm = InventoryVm(name="sql01", id=knows, vmm_id="v", host="hv1", cloud=None, status="PowerOff")
    return Inventory(clouds=(), hosts=(), vms=(vm,), networks=networks)


def network(name: str, isolation: str = "VLANNetwork", pool: str = "") -> InventoryNetwork:
    first, _, last = pool.partition(" ")
    found = InventoryPool(name="p", subnet="10.2.0.0/24", first=first, last=last, granted=1)
    return InventoryNetwork(
        name=name,
        id=name,
        logical_network=name,
        isolation=isolation,
        subnets=(),
        pools=(found,) if pool else (),
    )


POOLED = one(plan(rule="pool"))


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (inventory(network("osaka-prod", pool="10.2.0.10 10.2.0.11")), ""),
        (inventory(network("osaka-prod", pool="10.2.0.10 10.2.0.10")), "0 IPv4 addresses free"),
        (inventory(network("osaka-prod")), "osaka-prod has no static IP address pool"),
        (inventory(), "osaka-prod is not known to vmm-osaka"),
        (None, "vmm-osaka did not tell its address pools, and sql01 need one"),
        (
            inventory(network("osaka-prod", pool=POOL), knows="other"),
            "is not in the inventory of vmm-osaka",
        ),
    ],
)
def test_a_pool_must_be_there_and_have_enough(known: Inventory | None, reason: str) -> None:
    reasons = against_pools([POOLED], known, vmm="vmm-osaka")

    assert len(reasons) == bool(reason)
    assert all(reason in each for each in reasons)


def test_what_vmm_gives_by_dhcp_counts_among_what_a_pool_must_have() -> None:
    full = inventory(network("osaka-prod", pool="10.2.0.10 10.2.0.10"))
    by_vmm = one(plan(rule="dhcp", is_virtual=True, is_allocated=True))

    (reason,) = against_pools([by_vmm], full, vmm="vmm-osaka")

    assert "0 IPv4 addresses free, and 1 adapters want one" in reason


def test_vmm_finds_the_switch_of_a_virtual_network() -> None:
    assert judge(one(plan(network="osaka-overlay", is_virtual=True)), switches=()) == []


def test_without_a_pool_rule_nobody_asks_for_pools() -> None:
    assert against_pools([one(plan())], None, vmm="vmm-osaka") == []


TESTED = plan(network="osaka-test")
FLAT = "NoIsolation"


def virtual(pool: str) -> InventoryNetwork:
    return network("osaka-test", "WindowsNetworkVirtualization", pool)


@pytest.mark.parametrize(
    ("usual", "test", "rule", "reason"),
    [
        # Azure Site Recovery's two combinations that fail
        (network("osaka-prod"), virtual(POOL), "dhcp", "by DHCP in the VLAN network osaka-prod"),
        (network("osaka-prod", FLAT), virtual(POOL), "dhcp", "which has no isolation"),
        # a virtualized network always needs a pool
        (network("osaka-prod", pool=POOL), virtual(""), "dhcp", "so no VM gets an address there"),
        # what works
        (network("osaka-prod", pool=POOL), virtual(POOL), "dhcp", ""),
        (network("osaka-prod"), virtual(POOL), "static", ""),
        (network("osaka-prod"), network("osaka-test"), "dhcp", ""),
        (network("osaka-prod", FLAT), network("osaka-test"), "dhcp", ""),
    ],
)
def test_a_virtualized_test_network_refuses_what_cannot_work_there(
    usual: InventoryNetwork, test: InventoryNetwork, rule: Any, reason: str
) -> None:
    reasons = against_virtual([one(replace(TESTED, rule=rule))], inventory(usual, test))

    assert len(reasons) == bool(reason)
    assert all(reason in each for each in reasons)


def test_an_adapter_without_a_test_network_is_refused_unless_it_is_never_connected() -> None:
    lost = plan(network=None, mapped="osaka-backup")

    (reason,) = against_test_network([one(lost)])

    assert "no test network takes the place of osaka-backup" in reason
    assert against_test_network([one(replace(lost, why_not="unmapped"))]) == []


def test_a_guest_without_integration_services_is_told_about() -> None:
    mute = one(
        plan(**static("10.2.0.21/24")),
        source=survey(adapter(), state="Running", heartbeat="NoContact"),
    )

    (warning,) = warnings_about([mute])

    assert "no integration services where it runs (heartbeat NoContact)" in warning
