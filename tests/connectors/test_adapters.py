"""Which addresses of a VM count once it runs: of the expected prefix, not link-local, not stale."""

from __future__ import annotations

from typing import Any

from secondsite.connectors.adapters import (
    Expectation,
    ExpectedAdapter,
    seen_adapters,
    virtual_places,
)
from secondsite.connectors.base import (
    Adapter,
    AdapterObservation,
    Inventory,
    InventoryAdapter,
    InventoryNetwork,
    InventoryVm,
    VmObservation,
    VmSurvey,
)
from secondsite.plan.adapter_plan import PlannedAdapter
from secondsite.plan.estate import Network, Site

LAN, BACKUP = ("network adapter", 0), ("backup", 0)


def network(name: str, *subnets: str) -> Network:
    return Network.model_validate({"name": name, "switch": "s", "subnets": subnets})


def expected(
    name: str = "Network Adapter", *, on: Network, planned: tuple[str, ...] = (), **more: Any
) -> ExpectedAdapter:
    return ExpectedAdapter(
        plan=PlannedAdapter(name=name, network=on.name, **more),
        network=on,
        planned=frozenset(planned),
        left=(network("x", "10.1.0.0/24").subnets),
    )


def observed(**adapters: tuple[str, ...]) -> VmObservation:
    names = {"lan": "Network Adapter", "backup": "backup"}
    rows = tuple(
        AdapterObservation(name=names[key], addresses=found) for key, found in adapters.items()
    )
    return VmObservation(
        vm="v",
        state="Running",
        heartbeat="OkApplicationsHealthy",
        addresses=tuple(each for row in rows for each in row.addresses),
        uptime_s=1,
        adapters=rows,
    )


PROD = network("osaka-prod", "10.2.0.0/24", "2001:db8:2::/64")
BACK = network("osaka-backup", "10.2.9.0/24")


def test_stale_and_link_local_addresses_do_not_count() -> None:
    one = Expectation(adapters=(expected(on=PROD),))
    seen = observed(lan=("169.254.3.4", "fe80::1", "10.1.0.21", "10.2.0.21", "2001:db8:2::21"))

    assert one.best(seen) == ("10.2.0.21", "2001:db8:2::21")


def test_only_what_was_planned_counts_and_all_of_it_is_waited_for() -> None:
    one = Expectation(adapters=(expected(on=PROD, planned=("10.2.0.21", "2001:db8:2::21")),))

    half = one.shown(observed(lan=("10.2.0.150", "10.2.0.21")))

    assert half == {LAN: ("10.2.0.21",)}
    assert one.missing(half)
    assert not one.missing(one.shown(observed(lan=("10.2.0.21", "2001:db8:2::21"))))


def test_a_network_that_does_not_tell_its_subnets_still_knows_the_former_site() -> None:
    one = Expectation(adapters=(expected(on=network("anywhere")),))

    assert one.best(observed(lan=("10.1.0.21", "192.0.2.7"))) == ("192.0.2.7",)


def test_each_adapter_is_looked_at_in_its_own_network_and_the_first_is_the_vms() -> None:
    two = Expectation(adapters=(expected(on=PROD), expected("backup", on=BACK, rule="pool")))
    seen = observed(lan=("10.2.0.21",), backup=("10.2.0.99",))

    assert two.best(seen) == ("10.2.0.21",)
    assert two.shown(seen)[BACKUP] == ()
    assert [each.plan.name for each in two.missing(two.shown(seen))] == ["backup"]
    assert two.among(["10.2.9.5", "10.2.0.21", "10.7.7.7"]) == ("10.2.0.21", "10.2.9.5")
    assert two.covers(["10.2.9.5", "10.2.0.21"])


def test_a_further_adapter_that_keeps_what_it_has_is_not_waited_for() -> None:
    two = Expectation(adapters=(expected(on=PROD), expected("backup", on=BACK, rule="keep")))

    assert not two.missing(two.shown(observed(lan=("10.2.0.21",), backup=("10.1.9.5",))))


SITE = Site.model_validate(
    {
        "vmm": {"name": "v", "credential": "c"},
        "hosts": [{"name": "h", "credential": "c"}],
        "networks": [
            {"name": "overlay", "isolation": "virtual"},
            {"name": "prod", "switch": "VS", "vlan": 10},
            {"name": "backup", "switch": "VS", "vlan": 20},
            {"name": "flat", "switch": "VS"},
        ],
    }
)


def surveyed(*wires: tuple[str | None, int | None]) -> VmSurvey:
    """A VM with an adapter for each switch and VLAN."""
    return VmSurvey(
        name="v",
        id="i",
        state="Off",
        generation=2,
        heartbeat="",
        memory_mib=1,
        adapters=tuple(
            Adapter(
                name="A" if number % 2 == 0 else "a",
                switch=switch,
                vlan=vlan,
                id="",
                mac="",
                addresses=(),
            )
            for number, (switch, vlan) in enumerate(wires)
        ),
        replication=(),
        recovery_points=(),
    )


def test_only_vmm_tells_which_adapters_are_on_virtual_networks() -> None:
    survey = surveyed(("vs", None), ("vs", None), ("other", None), ("vs", 10), (None, None))
    told = {("a", 0): "Overlay", ("a", 2): "not of the estate"}

    known = seen_adapters(survey, SITE, told)
    untold = seen_adapters(survey, SITE, None)

    assert [(each.network, each.is_untold) for each in known] == [
        ("overlay", False),
        ("flat", False),
        (None, False),
        ("prod", False),
        (None, False),
    ]
    assert [(each.network, each.is_untold) for each in untold] == [
        ("flat", True),
        ("flat", True),
        (None, True),
        ("prod", False),
        (None, False),
    ]


def test_vmm_tells_virtual_networks_of_vms_that_it_was_asked_for() -> None:
    common: dict[str, Any] = {"id": "", "logical_network": "", "subnets": (), "pools": ()}
    vm: dict[str, Any] = {"name": "v", "vmm_id": "", "host": "", "cloud": None, "status": ""}
    inventory = Inventory(
        clouds=(),
        hosts=(),
        networks=(
            InventoryNetwork(name="overlay", isolation="WindowsNetworkVirtualization", **common),
            InventoryNetwork(name="prod", isolation="VLANNetwork", **common),
        ),
        vms=(
            InventoryVm(
                id="I-1",
                adapters=(
                    InventoryAdapter(name="LAN", network="prod"),
                    InventoryAdapter(name="Lan", network="overlay"),
                    InventoryAdapter(name="B", network=None),
                ),
                **vm,
            ),
            InventoryVm(id="i-2", **vm),
        ),
    )

    assert virtual_places(inventory, "i-1") == {("lan", 1): "overlay"}
    assert virtual_places(inventory, "i-2") is None
    assert virtual_places(inventory, "i-3") is None
    assert virtual_places(None, "i-1") is None


def test_a_surveyed_adapter_is_on_the_network_with_its_switch_and_vlan() -> None:
    seen = seen_adapters(surveyed(("vs", 20), ("vs", 77), (None, 10)), SITE)

    assert [(each.slot, each.network, each.is_connected) for each in seen] == [
        (("a", 0), "backup", True),
        (("a", 1), None, True),
        (("a", 2), None, False),
    ]
