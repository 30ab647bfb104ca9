from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from secondsite.connectors.adapter_fitness import VmAdapters
from secondsite.connectors.base import Inventory, VmSurvey
from secondsite.connectors.logical_networks import LogicalView, NetworkView, SiteView, SubnetView
from secondsite.connectors.network_maker import NetworkMaker
from secondsite.plan.adapter_plan import PlannedAdapter
from secondsite.plan.estate import Network, Protection, Site
from secondsite.plan.made_network import MadeNetwork, MadePool
from secondsite.plan.model import PlannedVm

POOL = MadePool(
    name="prod-pool",
    subnet="10.2.0.0/24",
    first="10.2.0.200",
    last="10.2.0.239",
    gateways=("10.2.0.1",),
    dns=("10.2.0.10",),
)
PROD = NetworkView(
    name="osaka-prod",
    isolation="VLANNetwork",
    subnets=(
        SubnetView(name="prod", site="osaka", vlan=210, prefixes=("10.2.0.0/24",), pools=(POOL,)),
    ),
)
BACKUP = NetworkView(
    name="osaka-backup",
    isolation="VLANNetwork",
    subnets=(SubnetView(name="backup", site="osaka", vlan=220, prefixes=("10.2.9.0/24",)),),
)
PRODUCTION = LogicalView(
    name="production", isolation="vlan", hosts=("hv1",), networks=(PROD, BACKUP)
)
DRILL = LogicalView(
    name="drill",
    isolation="vlan",
    hosts=("hv1",),
    sites=(
        SiteView(name="drill", vlan=300, prefixes=("10.9.0.0/24",)),
        SiteView(
            name="drill",
            vlan=301,
            prefixes=("10.2.0.0/24",),
            pools=(replace(POOL, name="drill-pool"),),
            granted=(3,),
        ),
    ),
)
VIRTUAL = LogicalView(name="virtual", isolation="virtual", hosts=("hv1",))
PLAIN = LogicalView(
    name="plain",
    isolation="none",
    hosts=("hv1",),
    sites=(SiteView(name="plain", prefixes=("10.2.0.0/24",)),),
)


def the_maker(
    *views: LogicalView,
    chosen: str | None = "drill",
    logical: Sequence[dict[str, Any]] = (),
    networks: dict[str, str] | None = None,
) -> NetworkMaker:
    server = {"name": "vmm", "credential": "op"}
    written = [{"name": "drill", "isolation": "vlan", "purpose": "test"}]
    written += [
        {"name": each.name, "isolation": each.isolation, "purpose": "test"}
        for each in views
        if each.name not in {"drill", "production"}
    ]
    return NetworkMaker(
        run_id="shop-test-1",
        site=Site.model_validate(
            {
                "vmm": server,
                "hosts": [{"name": "hv1", "credential": "op"}],
                "logical_networks": list(logical) or written,
            }
        ),
        protection=Protection.model_validate(
            {
                "name": "p",
                "primary": "tokyo",
                "recovery": "osaka",
                "primary_cloud": "a",
                "recovery_cloud": "b",
                "networks": networks or {"tokyo-prod": "osaka-prod"},
                "test_logical_network": chosen,
            }
        ),
        views=(PRODUCTION, *views),
    )


def only(maker: NetworkMaker) -> MadeNetwork:
    (made,) = maker.made
    return made


def test_the_free_vlan_that_has_the_subnet_of_the_mapped_network_is_taken() -> None:
    maker = the_maker(DRILL)

    network = maker.network_for("osaka-prod")

    made = only(maker)
    assert made.name == "Secondsite shop-test-1 osaka-prod"
    assert (made.logical_network, made.isolation) == ("drill", "VLANNetwork")
    assert [(each.site, each.vlan, each.pools) for each in made.subnets] == [("drill", 301, ())]
    assert isinstance(network, Network)
    assert (network.name, network.vlan, network.purpose) == (made.name, 301, "test")
    assert [str(each) for each in network.subnets] == ["10.2.0.0/24"]


def test_each_mapped_network_has_one_of_its_own_and_always_the_same() -> None:
    maker = the_maker(DRILL, networks={"a": "osaka-prod", "b": "osaka-backup"})

    first, second = maker.network_for("osaka-prod"), maker.network_for("osaka-backup")

    assert first == maker.network_for("OSAKA-PROD")
    assert second is not None
    assert [each.subnets[0].vlan for each in maker.made] == [301, 300]


def test_vlans_that_have_a_vm_network_are_not_taken() -> None:
    taken = NetworkView(
        name="somebody's",
        isolation="VLANNetwork",
        subnets=(SubnetView(name="s", site="drill", vlan=301, prefixes=("10.2.0.0/24",)),),
    )
    one, none = (
        the_maker(
            replace(DRILL, networks=(taken,), sites=sites),
        )
        for sites in (DRILL.sites, DRILL.sites[1:])
    )

    assert one.network_for("osaka-prod") is not None
    assert only(one).subnets[0].vlan == 300
    assert none.network_for("osaka-prod") is None
    assert "every VLAN of the logical network drill has its VM network" in none.reasons[0]
    assert "clean up tests that have theirs" in none.reasons[0]


def test_pools_of_the_network_site_are_known_with_what_is_granted_of_them() -> None:
    maker = the_maker(DRILL)
    maker.network_for("osaka-prod")

    inventory = maker.added_to(Inventory(clouds=(), hosts=(), vms=(), networks=()))

    assert inventory is not None
    (network,) = inventory.networks
    assert [(each.name, each.free_count) for each in network.pools] == [("drill-pool", 37)]


def test_a_virtual_one_copies_subnets_and_pools() -> None:
    maker = the_maker(VIRTUAL, chosen="virtual")

    maker.network_for("osaka-prod")

    made = only(maker)
    (subnet,) = made.subnets
    assert (made.isolation, subnet.site, subnet.vlan) == ("WindowsNetworkVirtualization", "", None)
    assert subnet.prefixes == ("10.2.0.0/24",)
    assert subnet.pools == (replace(POOL, name="Secondsite shop-test-1 osaka-prod prod-pool"),)


def test_the_copy_is_made_of_the_networks_own_logical_network_if_that_is_virtual() -> None:
    own = replace(VIRTUAL, networks=(replace(PROD, name="virtual-prod"),))
    maker = the_maker(own, chosen=None, networks={"a": "virtual-prod"})

    maker.network_for("virtual-prod")

    assert only(maker).logical_network == "virtual"


@pytest.mark.parametrize(
    ("usual", "words"),
    [
        (
            NetworkView(name="osaka-prod", isolation="NoIsolation"),
            "osaka-prod has no isolation and virtual is virtual (Windows Network Virtualization), "
            "so there are no subnets that could be copied, and no VM of osaka-prod can be tested",
        ),
        (
            replace(PROD, subnets=(replace(PROD.subnets[0], pools=()),)),
            "osaka-prod has its addresses by DHCP, without a static IP address pool, and virtual "
            "is virtual",
        ),
    ],
)
def test_the_two_combinations_that_cannot_work_are_refused(usual: NetworkView, words: str) -> None:
    maker = the_maker(VIRTUAL, chosen="virtual")
    maker.views = (replace(PRODUCTION, networks=(usual,)), VIRTUAL)

    assert maker.network_for("osaka-prod") is None
    assert maker.made == ()
    assert words in maker.reasons[0]
    _, _, remedy = maker.reasons[0].rpartition(": ")
    assert "name a logical network without virtualization" in remedy


def test_without_a_logical_network_for_tests_production_vlans_are_refused() -> None:
    maker = the_maker(chosen=None)

    assert maker.network_for("osaka-prod") is None
    assert "whose VLANs lead into production" in maker.reasons[0]


def test_every_network_that_cannot_be_made_has_its_reason() -> None:
    maker = the_maker(chosen=None, networks={"a": "osaka-prod", "b": "osaka-backup"})

    maker.network_for("osaka-prod")
    maker.network_for("osaka-backup")

    assert [each.partition(" ")[0] for each in maker.reasons] == ["osaka-prod", "osaka-backup"]


def test_a_logical_network_that_is_not_for_tests_is_refused_whatever_vmm_shows() -> None:
    maker = the_maker(DRILL, logical=[{"name": "drill", "isolation": "vlan"}])

    assert maker.network_for("osaka-prod") is None
    assert "would lead into production: give it the purpose `test`" in maker.reasons[0]


def test_without_isolation_there_is_one_network() -> None:
    maker = the_maker(PLAIN, chosen="plain")
    used = the_maker(replace(PLAIN, networks=(replace(PROD, name="plain"),)), chosen="plain")

    assert maker.network_for("osaka-prod") is not None
    assert only(maker).isolation == "NoIsolation"
    assert used.network_for("osaka-prod") is None
    assert "its one VM network is plain: choose it by name" in used.reasons[0]


def test_two_mapped_networks_cannot_share_one_without_isolation() -> None:
    maker = the_maker(PLAIN, chosen="plain", networks={"a": "osaka-prod", "b": "osaka-backup"})

    assert maker.network_for("osaka-prod") is None
    assert "osaka-prod and osaka-backup each need one of their own" in maker.reasons[0]


@pytest.mark.parametrize(
    ("views", "words"),
    [
        ([], "VMM has no logical network drill"),
        ([replace(DRILL, isolation="none")], "isolated by 'vlan', and VMM shows 'none'"),
        ([replace(DRILL, isolation="pvlan")], "drill is isolated by private VLANs"),
    ],
)
def test_what_vmm_shows_otherwise_is_refused(views: list[LogicalView], words: str) -> None:
    maker = the_maker(*views)

    assert maker.network_for("osaka-prod") is None
    assert words in maker.reasons[0]


def test_hosts_without_the_logical_network_are_named() -> None:
    maker = the_maker(DRILL)
    network = maker.network_for("osaka-prod")
    assert network is not None
    vms = [
        VmAdapters(
            vm=PlannedVm.model_validate({"name": f"sql{host}"}),
            host=host,
            copy=VmSurvey(
                name="sql",
                id="1",
                state="Off",
                generation=2,
                heartbeat="",
                memory_mib=1,
                adapters=(),
                replication=(),
                recovery_points=(),
            ),
            adapters=(PlannedAdapter(name="nic", network=network.name),),
        )
        for host in ("HV1", "hv2")
    ]

    (reason,) = maker.against_hosts(vms)

    assert reason.startswith("hv2 has no network adapter with the logical network drill")


def test_the_journal_gives_a_made_network_back_as_it_was() -> None:
    maker = the_maker(VIRTUAL, chosen="virtual")
    maker.network_for("osaka-prod")

    kept = json.loads(json.dumps(only(maker).as_dict()))

    assert MadeNetwork.from_dict(kept) == replace(only(maker), masquerade={})


def test_the_masquerade_of_the_logical_network_is_that_of_its_networks() -> None:
    maker = the_maker(
        DRILL,
        logical=[
            {
                "name": "drill",
                "isolation": "vlan",
                "purpose": "test",
                "masquerade": {"10.2.0.0/24": "172.31.7.0/24"},
            }
        ],
    )

    network = maker.network_for("osaka-prod")

    assert network is not None
    assert [str(each) for each in network.masquerade] == ["172.31.7.0/24"]
