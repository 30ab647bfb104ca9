"""Which network and which address each adapter of a VM gets, in either direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from secondsite.plan.adapter_plan import AdapterPlanner, PlannedAdapter, SeenAdapter
from secondsite.plan.estate import Network, Protection, Site
from secondsite.plan.model import Direction, PlannedVm

SERVER = {"name": "x", "credential": "c"}
PRIMARY, BACKUP = "Network Adapter", "backup"


def network(name: str, number: int, vlan: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "switch": "s",
        "vlan": vlan,
        "subnets": [f"10.{number}.{vlan}.0/24", f"2001:db8:{number}:{vlan}::/64"],
        "gateways": [f"10.{number}.{vlan}.1", f"2001:db8:{number}:{vlan}::1"],
        "dns": [f"10.{number}.{vlan}.10"],
        **more,
    }


SITES = {
    name: Site.model_validate(
        {
            "vmm": SERVER,
            "hosts": [SERVER],
            "networks": [
                network(f"{name}-prod", number, 10),
                network(f"{name}-backup", number, 20),
                {**network(f"{name}-test", number, 10, purpose="test"), "vlan": 99, "gateways": []},
            ],
        }
    )
    for name, number in (("tokyo", 1), ("osaka", 2))
}
RULES = {"10.1.0.0/16": "10.2.0.0/16", "2001:db8:1::/48": "2001:db8:2::/48"}


def planner(
    direction: Direction = Direction.FORWARD,
    *,
    networks: dict[str, str] | None = None,
    subnets: dict[str, str] | None = None,
    in_run: str = "",
) -> AdapterPlanner:
    target = SITES["osaka" if direction is Direction.FORWARD else "tokyo"]
    every = {"tokyo-prod": "osaka-prod", "tokyo-backup": "osaka-backup"}

    def real(name: str | None) -> Network | None:
        return target.network(name) if name else None

    return AdapterPlanner(
        protection=Protection.model_validate(
            {
                "name": "p",
                "primary": "tokyo",
                "recovery": "osaka",
                "primary_cloud": "a",
                "recovery_cloud": "b",
                "networks": every if networks is None else networks,
                "subnets": RULES if subnets is None else subnets,
            }
        ),
        direction=direction,
        target_site=target,
        in_run=(lambda _: target.network(in_run)) if in_run else real,
    )


def seen(
    name: str = PRIMARY, *, on: str | None = None, has: Sequence[str] = (), number: int = 0
) -> SeenAdapter:
    return SeenAdapter(
        name=name, number=number, network=on, is_connected=on is not None, addresses=tuple(has)
    )


def vm(**more: Any) -> PlannedVm:
    return PlannedVm.model_validate({"name": "sql01", **more})


AT_HOME = (
    seen(on="tokyo-prod", has=["10.1.10.21", "2001:db8:1:10::21"]),
    seen(BACKUP, on="tokyo-backup", has=["10.1.20.21"]),
)
COPY = (seen(), seen(BACKUP))


def static(adapter: PlannedAdapter) -> dict[str, Any]:
    assert adapter.static is not None
    return adapter.static.model_dump(mode="json", exclude_defaults=True)


def test_each_adapter_goes_to_the_network_mapped_from_its_own() -> None:
    planned = planner().plan(vm(), source=AT_HOME, target=COPY)

    assert [(each.name, each.network) for each in planned] == [
        (PRIMARY, "osaka-prod"),
        (BACKUP, "osaka-backup"),
    ]


def test_an_unmapped_adapter_is_not_connected_and_says_why() -> None:
    planned = planner(networks={"tokyo-prod": "osaka-prod"}).plan(vm(), source=AT_HOME, target=COPY)

    assert planned[0].network == "osaka-prod"
    assert planned[1].network is None
    assert planned[1].why_not == "its network tokyo-backup is not in `networks` of the protection"


def test_a_subnet_rule_keeps_the_host_part_and_hands_out_gateway_and_name_servers() -> None:
    first, second = planner().plan(vm(), source=AT_HOME, target=COPY)

    assert static(first) == {
        "ipv4": "10.2.10.21/24",
        "gateway": "10.2.10.1",
        "ipv6": "2001:db8:2:10::21/64",
        "gateway6": "2001:db8:2:10::1",
        "dns": ["10.2.10.10"],
    }
    assert first.origin == (
        "the subnet rule 10.1.0.0/16 → 10.2.0.0/16 and 2001:db8:1::/48 → 2001:db8:2::/48"
    )
    assert static(second) == {
        "ipv4": "10.2.20.21/24",
        "gateway": "10.2.20.1",
        "dns": ["10.2.20.10"],
    }


def test_there_and_back_is_where_it_began() -> None:
    there = planner().plan(vm(), source=AT_HOME, target=COPY)
    away = [
        seen(each.name, on=each.network, has=[str(address) for address in each.addresses])
        for each in there
    ]

    back = planner(Direction.BACK).plan(vm(), source=away, target=AT_HOME)

    assert [(each.name, each.network) for each in back] == [
        (PRIMARY, "tokyo-prod"),
        (BACKUP, "tokyo-backup"),
    ]
    assert [[str(address) for address in each.addresses] for each in back] == [
        list(each.addresses) for each in AT_HOME
    ]


@pytest.mark.parametrize("rule", ["keep", "dhcp"])
def test_a_written_rule_goes_before_a_subnet_rule(rule: str) -> None:
    first, second = planner().plan(vm(address=rule), source=AT_HOME, target=COPY)

    assert (first.rule, first.static) == (rule, None)
    assert second.rule == "static"


def test_a_rule_by_name_is_for_that_adapter_whatever_its_case() -> None:
    written = vm(address="dhcp", adapters={"BACKUP": {"ipv4": "10.2.20.99/24"}})

    first, second = planner().plan(written, source=AT_HOME, target=COPY)

    assert first.rule == "dhcp"
    assert static(second)["ipv4"] == "10.2.20.99/24"


def test_adapters_of_one_name_are_told_apart_by_their_order() -> None:
    source = [seen(on="tokyo-prod"), seen(on="tokyo-backup", number=1)]

    planned = planner().plan(vm(), source=source, target=[seen(), seen(number=1)])

    assert [each.network for each in planned] == ["osaka-prod", "osaka-backup"]


def test_a_pool_is_asked_for_the_same_host_part_and_then_for_the_same_address() -> None:
    first, _ = planner().plan(vm(address="pool"), source=AT_HOME, target=COPY)

    assert first.rule == "pool"
    assert first.wanted[:2] == ("10.2.10.21", "2001:db8:2:10::21")
    assert "10.1.10.21" in first.wanted


def test_from_a_pool_a_vm_comes_home_to_the_address_that_it_had_there() -> None:
    away = [seen(on="osaka-prod", has=["10.2.10.200"])]

    (first,) = planner(Direction.BACK).plan(
        vm(address="pool"), source=away, target=[seen(on="tokyo-prod")], former=AT_HOME
    )

    assert static(first)["ipv4"] == "10.1.10.21/24"
    assert first.origin == "its address there before it left"


def test_a_static_address_without_a_rule_comes_home_to_the_one_that_it_had_there() -> None:
    written = vm(address={"ipv4": "10.2.10.77/24"})
    back = planner(Direction.BACK, subnets={})

    (known,) = back.plan(written, source=COPY[:1], target=[seen(on="tokyo-prod")], former=AT_HOME)
    (unknown,) = back.plan(written, source=COPY[:1], target=[seen(on="tokyo-prod")])

    assert static(known)["ipv4"] == "10.1.10.21/24"
    assert (unknown.rule, unknown.origin) == ("keep", "no subnet rule tells its address there")


def test_at_home_an_unmapped_adapter_stays_where_it_is() -> None:
    home = [seen(on="tokyo-prod"), seen(BACKUP, on="tokyo-backup")]
    away = [seen(on="osaka-prod"), seen(BACKUP)]

    planned = planner(Direction.BACK, networks={"tokyo-prod": "osaka-prod"}).plan(
        vm(), source=away, target=home
    )

    assert [(each.network, each.keeps) for each in planned] == [
        ("tokyo-prod", False),
        ("tokyo-backup", True),
    ]


def test_of_two_networks_at_home_that_map_to_one_it_is_the_one_that_it_was_on() -> None:
    many = {"tokyo-prod": "osaka-prod", "tokyo-backup": "osaka-prod"}

    (planned,) = planner(Direction.BACK, networks=many).plan(
        vm(), source=[seen(on="osaka-prod")], target=[seen(on="tokyo-backup")]
    )

    assert planned.network == "tokyo-backup"


def test_in_a_test_the_network_is_another_and_what_it_does_not_say_comes_from_the_mapped_one() -> (
    None
):
    first, second = planner(in_run="osaka-test").plan(vm(), source=AT_HOME, target=COPY)

    assert (first.network, first.mapped) == ("osaka-test", "osaka-prod")
    assert (second.network, second.mapped) == ("osaka-test", "osaka-backup")
    assert static(first)["gateway"] == "10.2.10.1"


def test_with_a_silent_source_the_written_address_tells_the_network() -> None:
    written = vm(adapters={BACKUP: {"ipv4": "10.2.20.5/24"}})

    first, second = planner().plan(written, source=None, target=COPY)

    assert (first.network, first.is_guess) == ("osaka-prod", True)
    assert (second.network, second.is_guess) == ("osaka-backup", False)


def test_a_network_that_vmm_does_not_tell_is_guessed_and_the_address_is_kept() -> None:
    untold = tuple(
        replace(each, network=None, is_untold=index == 1) for index, each in enumerate(AT_HOME)
    )

    first, second = planner().plan(
        vm(adapters={BACKUP: {"ipv4": "10.2.20.5/24"}}), source=untold, target=COPY
    )
    (alone,) = planner().plan(
        vm(), source=[replace(AT_HOME[0], network=None, is_untold=True)], target=COPY[:1]
    )

    assert first.network is None  # it is told: on none that is mapped
    assert second.network == "osaka-backup"
    assert (alone.network, alone.is_guess) == ("osaka-prod", True)
    assert static(alone)["ipv4"] == "10.2.10.21/24"


def test_an_adapter_of_a_virtual_network_is_marked_for_vmm() -> None:
    virtual = {"name": "osaka-overlay", "isolation": "virtual"}
    site = SITES["osaka"].model_dump(mode="json")
    target = Site.model_validate({**site, "networks": [*site["networks"], virtual]})

    def in_run(name: str | None) -> Network | None:
        return target.network(name or "")

    to_it = replace(
        planner(networks={"tokyo-prod": "osaka-overlay", "tokyo-backup": "osaka-backup"}),
        target_site=target,
        in_run=in_run,
    )

    first, second = to_it.plan(vm(), source=AT_HOME, target=COPY)

    assert (first.network, first.is_virtual) == ("osaka-overlay", True)
    assert (second.network, second.is_virtual) == ("osaka-backup", False)
    assert PlannedAdapter.from_dict(first.as_dict()) == first


def test_with_a_silent_source_and_one_mapped_network_the_first_adapter_goes_there() -> None:
    first, second = planner(networks={"tokyo-prod": "osaka-prod"}).plan(
        vm(), source=None, target=COPY
    )

    assert (first.network, first.is_guess) == ("osaka-prod", False)
    assert (second.network, second.why_not) == (
        None,
        "nobody knows its network in the site that it leaves",
    )


def test_what_is_planned_is_the_same_after_the_journal() -> None:
    for each in planner().plan(vm(address="pool"), source=AT_HOME, target=COPY):
        assert PlannedAdapter.from_dict(each.as_dict()) == each
    for adapter in AT_HOME:
        assert SeenAdapter.from_dict(adapter.as_dict()) == adapter
