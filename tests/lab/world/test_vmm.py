from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from secondsite.lab.world import LabRefusal


def _names(stage: Any) -> list[str]:
    return sorted(
        record.vm.name for record in stage.world.sites["osaka"].vmm.get_virtual_machines()
    )


def test_vmm_knows_a_test_vm_only_after_its_refresh(stage: Any) -> None:
    stage.recovery.start_vm_failover("sql01", as_test=True)

    stage.wait(seconds=59)
    before = _names(stage)
    stage.wait(seconds=1)

    assert before == ["sql01", "web01"]
    assert _names(stage) == ["sql01", "sql01 - Test", "web01"]


def test_a_refresh_can_be_asked_for(stage: Any) -> None:
    stage.recovery.start_vm_failover("sql01", as_test=True)

    stage.world.sites["osaka"].vmm.read_virtual_machines()

    assert "sql01 - Test" in _names(stage)


def test_a_removed_vm_is_missing_until_the_refresh_and_then_gone(stage: Any) -> None:
    vmm = stage.world.sites["osaka"].vmm
    stage.recovery.start_vm_failover("sql01", as_test=True)
    stage.wait(minutes=1)
    stage.recovery.stop_vm_failover("sql01")
    (missing,) = vmm.get_virtual_machines("sql01 - Test")
    status = missing.status

    stage.wait(minutes=1)

    assert status == "Missing"
    assert vmm.get_virtual_machines("sql01 - Test") == []


def test_a_vm_that_came_and_went_before_the_refresh_was_never_known(stage: Any) -> None:
    stage.recovery.start_vm_failover("sql01", as_test=True)
    stage.recovery.stop_vm_failover("sql01")

    stage.wait(minutes=5)

    assert _names(stage) == ["sql01", "web01"]


def test_vmm_has_ids_of_its_own_and_hyper_vs_power_state(stage: Any) -> None:
    (record,) = stage.world.sites["tokyo"].vmm.get_virtual_machines("SQL01")

    running = record.status
    stage.primary.stop_vm("sql01", turn_off=True)

    assert record.id != record.vm.id
    assert (running, record.status) == ("Running", "PowerOff")


def test_a_pool_grants_the_next_free_address_or_the_one_that_is_asked_for(stage: Any) -> None:
    vmm = stage.world.sites["osaka"].vmm

    asked = vmm.grant_ip_address(
        pool="pool", granted_to="SOME-VM", address=IPv4Address("10.2.0.200")
    )
    following = vmm.grant_ip_address(pool="pool", granted_to="other-vm")

    assert (str(asked.address), str(following.address)) == ("10.2.0.200", "10.2.0.201")
    assert vmm.get_ip_addresses(granted_to="some-vm") == [asked]


def test_a_full_pool_and_a_taken_address_are_refused(stage: Any) -> None:
    vmm = stage.world.sites["osaka"].vmm
    first = vmm.grant_ip_address(pool="pool", granted_to="a")
    vmm.grant_ip_address(pool="pool", granted_to="b")

    with pytest.raises(LabRefusal, match="no free address left"):
        vmm.grant_ip_address(pool="pool", granted_to="c")
    with pytest.raises(LabRefusal, match="not available"):
        vmm.grant_ip_address(pool="pool", granted_to="c", address=first.address)
    with pytest.raises(LabRefusal, match="not available"):
        vmm.grant_ip_address(pool="pool", granted_to="c", address=IPv4Address("10.2.0.9"))


def test_a_revoked_address_can_be_granted_again_and_not_revoked_twice(stage: Any) -> None:
    vmm = stage.world.sites["osaka"].vmm
    grant = vmm.grant_ip_address(pool="pool", granted_to="a")

    vmm.revoke_ip_address(grant.id)

    assert vmm.get_ip_addresses() == []
    with pytest.raises(LabRefusal):
        vmm.revoke_ip_address(grant.id)
    assert vmm.grant_ip_address(pool="pool", granted_to="b").address == grant.address
