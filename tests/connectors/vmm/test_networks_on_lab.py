"""The shipped scripts that make, use and remove VM networks, on the simulated VMM server."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from secondsite.connectors.base import ActionResult
from secondsite.connectors.vmm import (
    GrantRequest,
    MakeNetworkRequest,
    PoolAdapter,
    RemoveNetworkRequest,
    VmmAdapter,
    VmmConnection,
    VmmServer,
    mark_of,
)
from secondsite.errors import ConflictError, NotFoundError, SiteError, WrongStateError
from secondsite.lab.builder import build_world
from secondsite.lab.estate import LabEstate
from secondsite.lab.world import HyperVHost as WorldHost
from secondsite.lab.world import LabClock, LabRefusal, Network
from secondsite.lab.world import VmmServer as WorldVmm
from secondsite.plan.made_network import MadeNetwork, MadePool, MadeSubnet
from tests.connectors.conftest import ESTATE, DirectLane

LIMIT_S = 60.0
MARK = mark_of("shop-test-1")
WIRED = MadeNetwork(
    name="Secondsite shop-test-1 prod",
    logical_network="drill",
    isolation="VLANNetwork",
    subnets=(MadeSubnet(name="s", site="drill-osaka", vlan=300, prefixes=("10.2.0.0/24",)),),
)
VIRTUAL = MadeNetwork(
    name="Secondsite shop-test-1 virtual",
    logical_network="overlay",
    isolation="WindowsNetworkVirtualization",
    subnets=(
        MadeSubnet(
            name="v",
            prefixes=("10.2.0.0/24",),
            pools=(
                MadePool(
                    name="copied",
                    subnet="10.2.0.0/24",
                    first="10.2.0.200",
                    last="10.2.0.201",
                    gateways=("10.2.0.1",),
                    dns=("10.2.0.10",),
                ),
            ),
        ),
    ),
)
PLAIN = MadeNetwork(
    name="Secondsite shop-test-1 plain",
    logical_network="flat",
    isolation="NoIsolation",
    subnets=(MadeSubnet(name="f", site="flat-osaka", prefixes=("10.5.0.0/24",)),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A VMM server with logical networks of each kind, and its inside."""

    server: VmmServer
    lane: DirectLane
    vmm: WorldVmm
    host: WorldHost

    @property
    def networks(self) -> dict[str, Network]:
        return self.vmm.site.networks


@pytest.fixture
def stage(hours: Any) -> Stage:
    estate = deepcopy(ESTATE)
    pool = {"name": "drill-pool", "first": "10.2.0.210", "last": "10.2.0.219"}
    other = {"name": "other-pool", "first": "10.9.0.210", "last": "10.9.0.219"}
    estate["sites"]["osaka"]["logical_networks"] = [
        {
            "name": "drill",
            "isolation": "vlan",
            "switch": "vs-test",
            "sites": [
                {
                    "name": "drill-osaka",
                    "wires": [
                        {"vlan": 300, "subnets": ["10.2.0.0/24"], "pools": [pool]},
                        {"vlan": 301, "subnets": ["10.9.0.0/24"], "pools": [other]},
                    ],
                }
            ],
        },
        {"name": "overlay", "isolation": "virtual", "switch": "vs-overlay"},
        {
            "name": "flat",
            "isolation": "none",
            "switch": "vs-flat",
            "sites": [{"name": "flat-osaka", "wires": [{"subnets": ["10.5.0.0/24"]}]}],
        },
        {"name": "elsewhere", "isolation": "virtual", "switch": "vs-else", "hosts": []},
    ]
    world = build_world(LabEstate.model_validate(estate), clock=LabClock(now=hours.now))
    vmm = world.sites["osaka"].vmm
    lane = DirectLane(vmm, hours)
    return Stage(
        server=VmmServer(name="vmm-osaka", lane=lane),
        lane=lane,
        vmm=vmm,
        host=world.sites["osaka"].hosts["hv-osaka-1"],
    )


def asked(network: MadeNetwork) -> MakeNetworkRequest:
    return MakeNetworkRequest(network=network, mark=MARK)


def gone(network: MadeNetwork) -> RemoveNetworkRequest:
    return RemoveNetworkRequest(name=network.name, mark=MARK)


def done(outcomes: Mapping[str, Any], name: str) -> ActionResult:
    outcome = outcomes[name]
    assert isinstance(outcome, ActionResult), outcome
    return outcome


def refused(outcomes: Mapping[str, Any], name: str) -> SiteError:
    outcome = outcomes[name]
    assert isinstance(outcome, SiteError), outcome
    return outcome


def make(stage: Stage, network: MadeNetwork) -> ActionResult:
    return done(stage.server.make_networks([asked(network)], timeout_s=LIMIT_S), network.name)


def remove(stage: Stage, network: MadeNetwork) -> ActionResult:
    return done(stage.server.remove_networks([gone(network)], timeout_s=LIMIT_S), network.name)


def connection(stage: Stage, network: MadeNetwork, **more: Any) -> VmmConnection:
    """Of a test VM that VMM does not know yet."""
    stage.host.start_vm_failover("sql01", as_test=True)
    vm = stage.host.get_vm("sql01 - Test")[0]
    subnet = network.subnets[0]
    adapter = VmmAdapter(
        adapter="Network Adapter",
        network=network.name,
        mark=MARK,
        subnet=subnet.name,
        vlan=subnet.vlan,
        **more,
    )
    return VmmConnection(vm=vm.name, vm_id=vm.id.upper(), host="HV-OSAKA-1", adapters=(adapter,))


@pytest.mark.parametrize("network", [WIRED, VIRTUAL, PLAIN], ids=lambda each: each.isolation)
def test_a_network_is_made_once_and_removed_once(stage: Stage, network: MadeNetwork) -> None:
    before = (set(stage.networks), [each[0].name for each in stage.vmm.get_pools()])

    made, again = make(stage, network), make(stage, network)
    there = stage.networks[network.name]
    kind = there.kind
    removed, nothing = remove(stage, network), remove(stage, network)

    assert (made.changed, again.changed) == (True, False)
    assert (there.description, kind) == (MARK, network.isolation)
    assert (removed.changed, nothing.changed) == (True, False)
    assert (set(stage.networks), [each[0].name for each in stage.vmm.get_pools()]) == before


def test_subnets_vlans_and_pools_are_as_they_were_asked_for(stage: Stage) -> None:
    make(stage, WIRED)
    make(stage, VIRTUAL)

    views = {each.name: each for each in stage.server.logical_networks(timeout_s=LIMIT_S)}
    (wired,), (virtual,) = views["drill"].networks, views["overlay"].networks
    assert [(each.site, each.vlan, each.prefixes) for each in wired.subnets] == [
        ("drill-osaka", 300, ("10.2.0.0/24",))
    ]
    # Of the network site's two pools the one for its VLAN.
    assert [each.name for each in wired.subnets[0].pools] == ["drill-pool"]
    assert virtual.subnets[0].pools == VIRTUAL.subnets[0].pools
    kinds = {name: views[name].isolation for name in ("drill", "overlay", "flat")}
    assert kinds == {"drill": "vlan", "overlay": "virtual", "flat": "none"}
    assert views["drill"].hosts == ("hv-osaka-1",)
    assert views["elsewhere"].hosts == ()


@pytest.mark.parametrize("stops_at", ["New-SCVMSubnet", "New-SCStaticIPAddressPool"])
def test_what_was_begun_is_completed_and_what_was_completed_halfway_is_removed(
    stage: Stage, stops_at: str
) -> None:
    stage.lane.denied = {stops_at}
    refused(stage.server.make_networks([asked(VIRTUAL)], timeout_s=LIMIT_S), VIRTUAL.name)
    stage.lane.denied = set()
    halfway = VIRTUAL.name in stage.networks

    removed = remove(stage, VIRTUAL)
    stage.lane.denied = {stops_at}
    refused(stage.server.make_networks([asked(VIRTUAL)], timeout_s=LIMIT_S), VIRTUAL.name)
    stage.lane.denied = set()
    completed = make(stage, VIRTUAL)

    assert halfway
    assert removed.changed
    assert completed.changed
    assert [each.name for each in stage.networks[VIRTUAL.name].pools] == ["copied"]


def test_a_network_of_that_name_that_we_did_not_make_is_left_alone(stage: Stage) -> None:
    stage.vmm.new_vm_network(
        WIRED.name, logical_network="drill", kind="VLANNetwork", description="by hand"
    )

    made = refused(stage.server.make_networks([asked(WIRED)], timeout_s=LIMIT_S), WIRED.name)
    kept = refused(stage.server.remove_networks([gone(WIRED)], timeout_s=LIMIT_S), WIRED.name)

    assert isinstance(made, WrongStateError)
    assert "we did not make it" in made.message
    assert isinstance(kept, WrongStateError)
    assert stage.networks[WIRED.name].description == "by hand"
    assert stage.vmm.get_vm_subnets()[-1].network.name != WIRED.name


def test_a_test_vm_that_vmm_does_not_know_yet_is_connected_once(stage: Stage) -> None:
    make(stage, WIRED)
    request = connection(stage, WIRED)

    first = done(stage.server.connect_adapters([request], timeout_s=LIMIT_S), request.vm)
    again = done(stage.server.connect_adapters([request], timeout_s=LIMIT_S), request.vm)

    (adapter,) = stage.host.get_vm("sql01 - Test")[0].adapters
    network = stage.host.network_of(adapter)
    assert network is not None
    assert (network.name, adapter.switch, adapter.vlan) == (WIRED.name, "vs-test", 300)
    assert (first.changed, again.changed) == (True, False)
    assert first.evidence["attached"][0]["switch"] == "vs-test"


def test_with_virtualization_vmm_gives_an_address_and_takes_it_back_with_the_network(
    stage: Stage,
) -> None:
    make(stage, VIRTUAL)
    request = connection(stage, VIRTUAL, is_allocated=True)
    done(stage.server.connect_adapters([request], timeout_s=LIMIT_S), request.vm)
    (adapter,) = stage.host.get_vm("sql01 - Test")[0].adapters
    network = stage.host.network_of(adapter)
    given = [str(each.address) for each in stage.vmm.get_ip_addresses()]

    used = refused(stage.server.remove_networks([gone(VIRTUAL)], timeout_s=LIMIT_S), VIRTUAL.name)
    stage.host.stop_vm_failover("sql01")
    stale = refused(stage.server.remove_networks([gone(VIRTUAL)], timeout_s=LIMIT_S), VIRTUAL.name)
    stage.server.refresh_hosts(timeout_s=LIMIT_S)
    removed = remove(stage, VIRTUAL)

    assert network is not None
    assert (network.name, str(adapter.allocated)) == (VIRTUAL.name, "10.2.0.200")
    assert given == ["10.2.0.200"]
    assert isinstance(used, WrongStateError)
    assert "These VMs are still connected" in used.message
    assert "sql01 - Test" in used.message
    assert isinstance(stale, WrongStateError)
    assert removed.changed
    assert stage.vmm.get_ip_addresses() == []


def test_the_mark_is_asked_of_networks_that_a_test_made_and_of_no_others(stage: Stage) -> None:
    make(stage, WIRED)
    ours = connection(stage, WIRED)
    (adapter,) = ours.adapters
    others = replace(ours, adapters=(replace(adapter, mark=mark_of("another-run")),))
    existing = replace(ours, adapters=(replace(adapter, mark=""),))

    trouble = refused(stage.server.connect_adapters([others], timeout_s=LIMIT_S), ours.vm)
    untouched = stage.host.get_vm(ours.vm)[0].adapters[0].switch
    result = done(stage.server.connect_adapters([existing], timeout_s=LIMIT_S), ours.vm)

    assert isinstance(trouble, WrongStateError)
    assert "is not one that we made" in trouble.message
    assert untouched is None
    assert result.changed


def detached(request: VmmConnection, *, is_allocated: bool = True) -> VmmConnection:
    off = (
        replace(each, network="", mark="", is_allocated=is_allocated) for each in request.adapters
    )
    return replace(request, adapters=tuple(off))


def test_an_adapter_is_taken_off_once_and_gives_back_what_vmm_gave_it_alone(stage: Stage) -> None:
    make(stage, VIRTUAL)
    request = connection(stage, VIRTUAL, is_allocated=True)
    done(stage.server.connect_adapters([request], timeout_s=LIMIT_S), request.vm)
    (adapter,) = stage.host.get_vm("sql01 - Test")[0].adapters
    (pool,) = stage.networks[VIRTUAL.name].pools
    (owner,) = {each.granted_to for each in stage.vmm.get_ip_addresses()}
    stage.vmm.grant_ip_address(pool=pool.id, granted_to=owner, description="secondsite: test of x")

    first = done(stage.server.connect_adapters([detached(request)], timeout_s=LIMIT_S), request.vm)
    again = done(stage.server.connect_adapters([detached(request)], timeout_s=LIMIT_S), request.vm)

    assert (first.changed, again.changed) == (True, False)
    assert (adapter.switch, adapter.virtual_id, adapter.allocated) == (None, None, None)
    assert [each.description for each in stage.vmm.get_ip_addresses()] == ["secondsite: test of x"]


def test_what_vmm_did_not_give_for_us_stays_granted(stage: Stage) -> None:
    make(stage, VIRTUAL)
    request = connection(stage, VIRTUAL, is_allocated=True)
    done(stage.server.connect_adapters([request], timeout_s=LIMIT_S), request.vm)
    off = detached(request, is_allocated=False)

    result = done(stage.server.connect_adapters([off], timeout_s=LIMIT_S), request.vm)

    assert result.changed
    assert len(stage.vmm.get_ip_addresses()) == 1


def test_a_vm_that_is_gone_has_nothing_to_be_taken_off(stage: Stage) -> None:
    gone_vm = VmmConnection(
        vm="x", vm_id="no-such", host="hv-osaka-1", adapters=(VmmAdapter(adapter="A", network=""),)
    )
    to_network = replace(gone_vm, adapters=(VmmAdapter(adapter="A", network="osaka-prod"),), vm="y")

    outcomes = stage.server.connect_adapters([gone_vm, to_network], timeout_s=LIMIT_S)

    assert done(outcomes, "x").changed is False
    assert "VMM does not know a VM of this id" in refused(outcomes, "y").message


def test_hyper_v_alone_leads_into_no_virtual_network_and_only_vmm_leads_out(stage: Stage) -> None:
    make(stage, VIRTUAL)
    request = connection(stage, VIRTUAL)
    vm = stage.host.get_vm("sql01 - Test")[0]
    (adapter,) = vm.adapters
    switch = stage.networks[VIRTUAL.name].switch

    stage.host.connect_vm_network_adapter(vm.id, switch=switch)
    by_hyper_v = stage.host.network_of(adapter)
    done(stage.server.connect_adapters([request], timeout_s=LIMIT_S), request.vm)
    by_vmm = stage.host.network_of(adapter)
    stage.host.connect_vm_network_adapter(vm.id, switch="vs-prod")
    stage.host.connect_vm_network_adapter(vm.id, switch=switch)
    back_by_hyper_v = stage.host.network_of(adapter)
    stage.host.connect_vm_network_adapter(vm.id, switch="vs-prod")
    stage.host.set_vm_network_adapter_vlan(vm.id, access_vlan=210)  # else it were osaka-prod
    elsewhere = stage.host.network_of(adapter)

    assert by_hyper_v is None
    assert by_vmm is stage.networks[VIRTUAL.name]
    assert back_by_hyper_v is None
    assert elsewhere is None


def test_adapters_and_hosts_are_told_for_those_that_are_asked_for(stage: Stage) -> None:
    make(stage, VIRTUAL)
    request = connection(stage, VIRTUAL)
    done(stage.server.connect_adapters([request], timeout_s=LIMIT_S), request.vm)

    asked_for = stage.server.inventory(adapters_of=["SQL01 - test"], timeout_s=LIMIT_S)
    unasked = stage.server.inventory(timeout_s=LIMIT_S)

    (adapter,) = next(each for each in asked_for.vms if each.name == request.vm).adapters or ()
    assert (adapter.name, adapter.network) == ("Network Adapter", VIRTUAL.name)
    network = asked_for.network(VIRTUAL.name)
    assert network is not None
    assert (network.is_virtual, network.hosts) == (True, ("hv-osaka-1",))
    assert {each.adapters for each in asked_for.vms if each.name != request.vm} == {None}
    assert {each.adapters for each in unasked.vms} == {None}
    assert {each.hosts for each in unasked.networks} == {None}


def test_a_host_without_the_logical_network_is_named(stage: Stage) -> None:
    network = replace(VIRTUAL, logical_network="elsewhere")
    make(stage, network)
    request = connection(stage, network)

    trouble = refused(stage.server.connect_adapters([request], timeout_s=LIMIT_S), request.vm)

    assert isinstance(trouble, NotFoundError)
    assert "No virtual switch of hv-osaka-1 has the logical network 'elsewhere'" in trouble.message


def test_a_vlan_that_another_test_has_taken_since_is_told(stage: Stage) -> None:
    make(stage, WIRED)
    late = replace(WIRED, name="Secondsite other-test-2 prod")

    trouble = refused(stage.server.make_networks([asked(late)], timeout_s=LIMIT_S), late.name)
    removed = remove(stage, late)

    assert isinstance(trouble, ConflictError)
    assert "VLAN 300 of 'drill-osaka' has become that of the VM network" in trouble.message
    assert "it takes another VLAN" in trouble.next_step
    assert removed.changed
    assert set(stage.networks) >= {WIRED.name}


def test_a_logical_network_that_is_not_there_is_named(stage: Stage) -> None:
    network = replace(WIRED, logical_network="nowhere")

    trouble = refused(stage.server.make_networks([asked(network)], timeout_s=LIMIT_S), network.name)

    assert isinstance(trouble, NotFoundError)
    assert "VMM has no logical network 'nowhere'" in trouble.message


def new(stage: Stage, name: str, logical: str, kind: str) -> Network:
    return stage.vmm.new_vm_network(name, logical_network=logical, kind=kind, description="")


@pytest.mark.parametrize(
    ("logical", "kind", "words"),
    [
        ("drill", "NoIsolation", "does not allow VM networks of type NoIsolation"),
        ("drill", "WindowsNetworkVirtualization", "does not allow VM networks"),
        ("flat", "VLANNetwork", "does not allow VM networks"),
        ("nowhere", "NoIsolation", "There is no logical network nowhere"),
    ],
)
def test_vmm_refuses_a_kind_that_the_logical_network_does_not_allow(
    stage: Stage, logical: str, kind: str, words: str
) -> None:
    with pytest.raises(LabRefusal, match=words):
        new(stage, "n", logical, kind)


def test_vmm_refuses_a_second_network_without_isolation_and_a_second_name(stage: Stage) -> None:
    new(stage, "first", "flat", "NoIsolation")

    with pytest.raises(LabRefusal, match="has its one VM network"):
        new(stage, "second", "flat", "NoIsolation")
    with pytest.raises(LabRefusal, match="A VM network named FIRST exists"):
        new(stage, "FIRST", "overlay", "WindowsNetworkVirtualization")


def test_vmm_refuses_a_vlan_that_another_network_has_and_one_that_the_site_does_not_have(
    stage: Stage,
) -> None:
    make(stage, WIRED)
    other = new(stage, "other", "drill", "VLANNetwork")
    site = next(each for each in stage.vmm.get_logical_networks() if each.name == "drill").sites[0]
    subnet = site.wires[0].subnets[0]

    for vlan, words in ((300, "VLAN 300 of drill is used"), (399, "not those of the network site")):
        with pytest.raises(LabRefusal, match=words):
            stage.vmm.new_vm_subnet("s2", network=other.id, pairs=[(subnet, vlan)], site=site.id)


def test_vmm_refuses_to_remove_what_is_in_use(stage: Stage) -> None:
    make(stage, VIRTUAL)
    network = stage.networks[VIRTUAL.name]
    subnet = next(each for each in stage.vmm.get_vm_subnets() if each.network is network)
    (pool,) = network.pools
    stage.vmm.grant_ip_address(pool=pool.id, granted_to="somebody")

    with pytest.raises(LabRefusal, match="has VM subnets"):
        stage.vmm.remove_vm_network(network.id)
    with pytest.raises(LabRefusal, match="has static IP address pools"):
        stage.vmm.remove_vm_subnet(subnet.id)
    with pytest.raises(LabRefusal, match="has addresses in use"):
        stage.vmm.remove_static_ip_address_pool(pool.id)


def test_vmm_refuses_to_remove_a_network_with_adapters_until_it_has_looked_at_the_host(
    stage: Stage,
) -> None:
    make(stage, PLAIN)
    request = connection(stage, PLAIN)
    done(stage.server.connect_adapters([request], timeout_s=LIMIT_S), request.vm)
    network = stage.networks[PLAIN.name]
    stage.host.stop_vm_failover("sql01")

    with pytest.raises(LabRefusal, match="is in use by sql01 - Test"):
        stage.vmm.remove_vm_network(network.id)
    stage.vmm.read_virtual_machines()
    stage.vmm.remove_vm_network(network.id)

    assert PLAIN.name not in stage.networks


def test_an_address_is_taken_out_of_the_pool_for_the_networks_own_vlan(stage: Stage) -> None:
    subnet = MadeSubnet(name="s2", site="drill-osaka", vlan=301, prefixes=("10.9.0.0/24",))
    network = replace(WIRED, name="Secondsite shop-test-1 other", subnets=(subnet,))
    make(stage, network)
    asked = GrantRequest(
        vm="sql01",
        vm_id=stage.host.get_vm("sql01")[0].id.upper(),
        mark="test of sql01",
        adapters=(PoolAdapter(adapter="Network Adapter", network=network.name),),
    )

    granted = done(stage.server.grant_addresses([asked], timeout_s=LIMIT_S), "sql01")
    shown = {each.name: each for each in stage.server.inventory(timeout_s=LIMIT_S).networks}

    assert [each["address"] for each in granted.evidence["granted"]] == ["10.9.0.210"]
    assert [each.name for each in shown[network.name].pools] == ["other-pool"]
