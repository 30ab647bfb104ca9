"""The shipped VMM scripts, executed on the simulated VMM server."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from secondsite.connectors.base import ActionResult
from secondsite.connectors.vmm import GrantRequest, PoolAdapter, RevokeRequest, VmmServer
from secondsite.errors import ActionFailedError, NotFoundError, SiteError
from secondsite.lab.builder import build_world
from secondsite.lab.estate import LabEstate
from secondsite.lab.world import HyperVHost as WorldHost
from secondsite.lab.world import LabClock, World
from tests.connectors.conftest import ESTATE, DirectLane

LIMIT_S = 60.0


def done(outcomes: Mapping[str, Any], vm: str) -> ActionResult:
    outcome = outcomes[vm]
    assert isinstance(outcome, ActionResult), outcome
    return outcome


def test_an_inventory_names_clouds_hosts_vms_and_networks(vmm: VmmServer, osaka: WorldHost) -> None:
    inventory = vmm.inventory(timeout_s=LIMIT_S)

    vms = {vm.name: vm for vm in inventory.vms}
    networks = {network.name: network for network in inventory.networks}
    assert inventory.clouds == ("osaka-gold",)
    assert inventory.hosts == ("hv-osaka-1",)
    assert vms["sql01"].id.lower() == osaka.get_vm("sql01")[0].id
    assert (vms["sql01"].host, vms["sql01"].cloud) == ("hv-osaka-1", "osaka-gold")
    assert vms["sql01"].status == "PowerOff"
    assert networks["osaka-test"].subnets == ("10.2.0.0/24",)
    (pool,) = networks["osaka-test"].pools
    assert (pool.name, pool.version, pool.free_count) == ("test-pool", 4, 2)
    assert pool.holds("10.2.0.201")
    assert not pool.holds("10.2.0.202")
    assert networks["osaka-prod"].pools == ()


def test_a_new_test_vm_is_known_after_a_refresh(vmm: VmmServer, osaka: WorldHost) -> None:
    osaka.start_vm_failover("sql01", as_test=True)
    test_id = osaka.get_vm("sql01 - Test")[0].id

    before = vmm.addresses([test_id], timeout_s=LIMIT_S)[test_id]
    refreshed = vmm.refresh_hosts(["HV-OSAKA-1"], timeout_s=LIMIT_S)
    after = vmm.addresses([test_id], timeout_s=LIMIT_S)[test_id]

    assert isinstance(before, NotFoundError)
    assert "refresh" in before.next_step
    assert refreshed == ("hv-osaka-1",)
    assert after == ()


def test_addresses_are_those_of_the_guest_without_link_local_ones(
    lane_to: Any, world: World
) -> None:
    server = VmmServer(name="vmm-tokyo", lane=lane_to("vmm-tokyo"))
    vm = world.sites["tokyo"].hosts["hv-tokyo-1"].get_vm("sql01")[0]

    found = server.addresses([vm.id], timeout_s=LIMIT_S)[vm.id]

    assert isinstance(found, tuple)
    assert found
    assert all(address.startswith("10.1.0.") for address in found)


def test_no_ids_are_no_request(vmm: VmmServer) -> None:
    assert vmm.addresses([], timeout_s=LIMIT_S) == {}


def request(
    osaka: WorldHost, vm: str = "sql01", *wanted: str, network: str = "osaka-test"
) -> GrantRequest:
    return GrantRequest(
        vm=vm,
        vm_id=osaka.get_vm(vm)[0].id.upper(),
        mark=f"test of {vm}",
        adapters=(PoolAdapter(adapter="Network Adapter", network=network, wanted=wanted),),
    )


def back(asked: GrantRequest) -> RevokeRequest:
    return RevokeRequest(vm=asked.vm, vm_id=asked.vm_id, mark=asked.mark)


def granted(outcomes: Mapping[str, Any], vm: str) -> list[str]:
    return [each["address"] for each in done(outcomes, vm).evidence["granted"]]


def test_an_address_is_taken_once_and_given_back_once(
    vmm: VmmServer, osaka: WorldHost, world: World
) -> None:
    asked = request(osaka)

    first = done(vmm.grant_addresses([asked], timeout_s=LIMIT_S), "sql01")
    again = done(vmm.grant_addresses([asked], timeout_s=LIMIT_S), "sql01")

    (taken,) = first.evidence["granted"]
    assert (first.changed, again.changed) == (True, False)
    assert again.evidence["granted"] == [taken]
    assert (taken["address"], taken["subnet"]) == ("10.2.0.200", "10.2.0.0/24")
    assert (taken["gateways"], taken["dns"]) == (["10.2.0.1"], ["10.2.0.10"])
    returned = done(vmm.revoke_addresses([back(asked)], timeout_s=LIMIT_S), "sql01")
    assert returned.changed
    assert returned.evidence["released"] == ["10.2.0.200"]
    assert not done(vmm.revoke_addresses([back(asked)], timeout_s=LIMIT_S), "sql01").changed
    assert world.sites["osaka"].vmm.get_ip_addresses() == []


def test_the_wanted_address_is_taken_if_it_is_free_and_else_the_next(
    vmm: VmmServer, osaka: WorldHost
) -> None:
    one, other = request(osaka, "sql01", "10.2.0.201"), request(osaka, "sql02", "10.2.0.201")

    outcomes = vmm.grant_addresses([one, other], timeout_s=LIMIT_S)

    assert granted(outcomes, "sql01") == ["10.2.0.201"]
    assert granted(outcomes, "sql02") == ["10.2.0.200"]


def test_a_full_pool_and_a_network_without_one_are_said_per_vm(
    vmm: VmmServer, osaka: WorldHost
) -> None:
    outcomes = vmm.grant_addresses(
        [
            request(osaka, "sql01"),
            request(osaka, "sql02"),
            request(osaka, "web [1]"),
            request(osaka, "big01", network="osaka-prod"),
        ],
        timeout_s=LIMIT_S,
    )

    assert granted(outcomes, "sql01") + granted(outcomes, "sql02") == ["10.2.0.200", "10.2.0.201"]
    assert isinstance(outcomes["web [1]"], ActionFailedError)
    assert "No IPv4 address of the VM network 'osaka-test'" in str(outcomes["web [1]"])
    assert "Enlarge the pool" in outcomes["web [1]"].next_step
    assert isinstance(outcomes["big01"], NotFoundError)
    assert "'osaka-prod' has no static IP address pool" in str(outcomes["big01"])


def test_two_grants_of_engines_that_asked_at_once_become_one(
    vmm: VmmServer, osaka: WorldHost, world: World
) -> None:
    asked = request(osaka)
    vmm.grant_addresses([asked], timeout_s=LIMIT_S)
    (first,) = world.sites["osaka"].vmm.get_ip_addresses()
    world.sites["osaka"].vmm.grant_ip_address(
        pool="test-pool", granted_to=first.granted_to, description=first.description
    )

    again = vmm.grant_addresses([asked], timeout_s=LIMIT_S)

    assert granted(again, "sql01") == ["10.2.0.200"]
    assert [str(each.address) for each in world.sites["osaka"].vmm.get_ip_addresses()] == [
        "10.2.0.200"
    ]


def test_an_address_of_somebody_else_is_not_given_back(
    vmm: VmmServer, osaka: WorldHost, world: World
) -> None:
    asked = request(osaka)
    vmm.grant_addresses([asked], timeout_s=LIMIT_S)
    (ours,) = world.sites["osaka"].vmm.get_ip_addresses()
    world.sites["osaka"].vmm.grant_ip_address(
        pool="test-pool", granted_to=ours.granted_to, description="by hand"
    )

    vmm.revoke_addresses([back(asked)], timeout_s=LIMIT_S)

    assert [each.description for each in world.sites["osaka"].vmm.get_ip_addresses()] == ["by hand"]


def test_a_network_with_pools_of_both_families_gives_an_address_of_each(hours: Any) -> None:
    estate = deepcopy(ESTATE)
    bubble = estate["sites"]["osaka"]["networks"][1]
    bubble["subnets"].append("2001:db8:2::/64")
    six = {"name": "pool-6", "first": "2001:db8:2::20", "last": "2001:db8:2::21"}
    bubble["pools"].append({**six, "gateway": "2001:db8:2::1", "dns": ["2001:db8:2::10"]})
    world = build_world(LabEstate.model_validate(estate), clock=LabClock(now=hours.now))
    server = VmmServer(name="vmm-osaka", lane=DirectLane(world.sites["osaka"].vmm, hours))
    asked = request(world.sites["osaka"].hosts["hv-osaka-1"], "sql01", "2001:db8:2::21")

    taken = done(server.grant_addresses([asked], timeout_s=LIMIT_S), "sql01").evidence["granted"]
    back_ = done(server.revoke_addresses([back(asked)], timeout_s=LIMIT_S), "sql01")

    assert {each["subnet"]: each["address"] for each in taken} == {
        "10.2.0.0/24": "10.2.0.200",
        "2001:db8:2::/64": "2001:db8:2::21",
    }
    assert sorted(back_.evidence["released"]) == ["10.2.0.200", "2001:db8:2::21"]


def test_an_inventory_tells_how_networks_are_isolated(hours: Any) -> None:
    estate = deepcopy(ESTATE)
    bubble = estate["sites"]["osaka"]["networks"][1]
    del bubble["vlan"], bubble["dhcp"]
    bubble["virtual"] = True
    world = build_world(LabEstate.model_validate(estate), clock=LabClock(now=hours.now))
    server = VmmServer(name="vmm-osaka", lane=DirectLane(world.sites["osaka"].vmm, hours))

    found = {each.name: each.isolation for each in server.inventory(timeout_s=LIMIT_S).networks}

    assert found == {"osaka-prod": "VLANNetwork", "osaka-test": "WindowsNetworkVirtualization"}


# Scripts of a plan


def run(vmm: VmmServer, text: str, **arguments: Any) -> ActionResult:
    return vmm.run_script(
        text,
        arguments=arguments,
        context={"RecoveryPlanName": "storefront", "FailoverType": "Test"},
        timeout_s=LIMIT_S,
    )


def test_a_plan_script_gets_arguments_and_context_as_data(vmm: VmmServer) -> None:
    result = run(
        vmm,
        "param($Alias, $RecoveryPlanContext)\n"
        '"$Alias for $($RecoveryPlanContext.RecoveryPlanName)"',
        Alias="shop'; throw 'x",
    )

    assert result.changed
    assert result.evidence["output"] == ["shop'; throw 'x for storefront"]


def test_a_plan_script_without_that_parameter_finds_the_context_as_a_variable(
    vmm: VmmServer,
) -> None:
    result = run(vmm, "$RecoveryPlanContext.FailoverType")

    assert result.evidence["output"] == ["Test"]


def test_warnings_and_errors_that_do_not_end_a_script_are_kept_apart(vmm: VmmServer) -> None:
    result = run(vmm, "Write-Warning 'slow'; Write-Error 'odd'; 'done'")

    assert result.evidence["warnings"] == ["slow"]
    assert result.evidence["errors"] == ["odd"]
    assert result.evidence["output"] == ["done"]


def test_what_a_script_throws_fails_the_step_with_its_text(vmm: VmmServer) -> None:
    with pytest.raises(ActionFailedError, match="load balancer is gone") as caught:
        run(vmm, "'half'; throw 'the load balancer is gone'")

    assert caught.value.host == "vmm-osaka"


def test_exit_zero_is_done_and_another_code_is_a_failure(vmm: VmmServer) -> None:
    assert run(vmm, "exit 0").changed
    with pytest.raises(SiteError):
        run(vmm, "exit 3")


def test_endless_output_is_bounded(vmm: VmmServer) -> None:
    result = run(vmm, "foreach ($i in 1..200) { 'x' * 1000 }")

    assert result.evidence["truncated"]
    assert sum(len(line) for line in result.evidence["output"]) <= 65_536


def test_a_plan_script_may_use_the_cmdlets_of_its_server(vmm: VmmServer) -> None:
    result = run(vmm, "(Get-SCVirtualMachine -Name 'sql01').Status.ToString()")

    assert result.evidence["output"] == ["PowerOff"]
