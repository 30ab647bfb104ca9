"""The shipped VMM scripts, executed on the simulated VMM server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from secondsite.connectors.base import ActionResult
from secondsite.connectors.vmm import GrantRequest, RevokeRequest, VmmServer
from secondsite.errors import ActionFailedError, NotFoundError, SiteError, WrongStateError
from secondsite.lab.world import HyperVHost as WorldHost
from secondsite.lab.world import World

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
    assert networks["osaka-test"].pools == ("test-pool",)
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


def test_an_address_is_taken_once_and_given_back_once(vmm: VmmServer, world: World) -> None:
    owner = next(vm.vmm_id for vm in vmm.inventory(timeout_s=LIMIT_S).vms if vm.name == "sql01")
    request = GrantRequest(vm="sql01", pool="test-pool", owner_id=owner, mark="run-1")

    first = done(vmm.grant_addresses([request], timeout_s=LIMIT_S), "sql01")
    again = done(vmm.grant_addresses([request], timeout_s=LIMIT_S), "sql01")

    assert (first.changed, again.changed) == (True, False)
    assert first.evidence["address"] == again.evidence["address"] == "10.2.0.200"
    assert first.evidence["subnet"] == "10.2.0.0/24"
    assert first.evidence["gateways"] == ["10.2.0.1"]
    assert first.evidence["dns"] == ["10.2.0.10"]
    back = RevokeRequest(vm="sql01", owner_id=owner, address="10.2.0.200", mark="run-1")
    assert done(vmm.revoke_addresses([back], timeout_s=LIMIT_S), "sql01").changed
    assert not done(vmm.revoke_addresses([back], timeout_s=LIMIT_S), "sql01").changed
    assert world.sites["osaka"].vmm.get_ip_addresses() == []


def test_a_full_pool_an_unknown_one_and_a_certain_address(vmm: VmmServer) -> None:
    owner = "11111111-2222-3333-4444-555555555555"

    outcomes = vmm.grant_addresses(
        [
            GrantRequest(vm="a", pool="test-pool", owner_id=owner, mark="a", address="10.2.0.201"),
            GrantRequest(vm="b", pool="test-pool", owner_id=owner, mark="b"),
            GrantRequest(vm="c", pool="test-pool", owner_id=owner, mark="c"),
            GrantRequest(vm="d", pool="no-pool", owner_id=owner, mark="d"),
        ],
        timeout_s=LIMIT_S,
    )

    assert done(outcomes, "a").evidence["address"] == "10.2.0.201"
    assert done(outcomes, "b").evidence["address"] == "10.2.0.200"
    assert isinstance(outcomes["c"], ActionFailedError)
    assert "no free address" in str(outcomes["c"])
    assert isinstance(outcomes["d"], NotFoundError)


def test_an_address_of_somebody_else_is_not_given_back(vmm: VmmServer, world: World) -> None:
    owner = "11111111-2222-3333-4444-555555555555"
    world.sites["osaka"].vmm.grant_ip_address(
        pool="test-pool", granted_to=owner, description="by hand"
    )
    request = RevokeRequest(vm="a", owner_id=owner, address="10.2.0.200", mark="run-1")

    outcome = vmm.revoke_addresses([request], timeout_s=LIMIT_S)["a"]

    assert isinstance(outcome, WrongStateError)
    assert len(world.sites["osaka"].vmm.get_ip_addresses()) == 1


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
