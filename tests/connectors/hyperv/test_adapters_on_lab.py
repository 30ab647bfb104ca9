"""VMs with several adapters: each connected and given its address by itself, and put back so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from secondsite.connectors.base import (
    ActionResult,
    Connection,
    ConnectRequest,
    FormerAdapter,
    InjectedAddress,
    RestoreRequest,
    TestCleanupRequest,
    TestFailoverRequest,
)
from secondsite.connectors.hyperv import FailoverRequest, HyperVHost
from secondsite.errors import NotFoundError, SiteError, WrongStateError
from secondsite.lab.builder import build_world
from secondsite.lab.estate import LabEstate
from secondsite.lab.world import HyperVHost as WorldHost
from secondsite.lab.world import LabClock, World
from secondsite.lab.world.network import NetworkAdapter
from secondsite.lab.world.values import VmState
from tests.connectors.conftest import ESTATE, Hours

LIMIT_S = 120.0
VM = "two01"
LAN, BACKUP = "Network Adapter", "Backup"


@pytest.fixture
def world(hours: Hours, log: list[dict[str, Any]]) -> World:
    """The small estate with VMs of two adapters: by two names, by one name, and a legacy one."""
    hosts = {"host": "hv-tokyo-1", "replica": "hv-osaka-1"}
    lan = {"network": "tokyo-prod"}
    vms = [
        *ESTATE["vms"],
        {"name": VM, **hosts, "adapters": [lan, {"name": BACKUP}]},
        {"name": "twins", **hosts, "adapters": [lan, lan]},
        {"name": "old01", **hosts, "generation": 1, "adapters": [{**lan, "legacy": True}]},
    ]
    estate = LabEstate.model_validate({**ESTATE, "vms": vms})
    return build_world(estate, clock=LabClock(now=hours.now), record=log.append)


def done(outcomes: Any, vm: str = VM) -> ActionResult:
    outcome = outcomes[vm]
    assert isinstance(outcome, ActionResult), outcome
    return outcome


def adapters(host: WorldHost, vm: str = VM) -> list[NetworkAdapter]:
    return host.get_vm(vm)[0].adapters


ADDRESSES = (
    InjectedAddress(adapter=LAN, ipv4="10.2.0.22/24", gateway="10.2.0.1", dns=("10.2.0.10",)),
    InjectedAddress(
        adapter=BACKUP,
        ipv6="2001:db8:2::22/64",
        gateway6="2001:db8:2::1",
        dns=("2001:db8:2::10", "2001:db8:2::11"),
    ),
)


def test_each_adapter_goes_to_its_own_network_once(
    replica_host: HyperVHost, osaka: WorldHost, log: list[dict[str, Any]]
) -> None:
    replica_host.start_test_failovers([TestFailoverRequest(vm=VM)], timeout_s=LIMIT_S)
    name = f"{VM} - Test"
    request = ConnectRequest(
        vm=name,
        adapters=(
            Connection(adapter=LAN, switch="vs-test", vlan=290),
            Connection(adapter=BACKUP, switch="vs-prod", vlan=77),
        ),
    )
    log.clear()

    first = done(replica_host.connect([request], timeout_s=LIMIT_S), name)
    again = done(replica_host.connect([request], timeout_s=LIMIT_S), name)

    assert [(each.switch, each.vlan) for each in adapters(osaka, name)] == [
        ("vs-test", 290),
        ("vs-prod", 77),
    ]
    assert (first.changed, again.changed) == (True, False)
    assert len(log) == 4


def test_what_is_not_named_is_disconnected_and_what_is_kept_stays(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    for each in adapters(osaka):
        each.switch, each.vlan = "vs-prod", 210

    kept = ConnectRequest(vm=VM, adapters=(Connection(adapter=BACKUP, keep=True),))
    done(replica_host.connect([kept], timeout_s=LIMIT_S))

    assert [each.switch for each in adapters(osaka)] == [None, "vs-prod"]


def test_adapters_of_one_name_are_told_apart_by_their_order(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    request = ConnectRequest(
        vm="twins", adapters=(Connection(adapter=LAN, number=1, switch="vs-test", vlan=290),)
    )
    address = InjectedAddress(adapter=LAN, number=1, ipv4="10.2.0.9/24")

    done(replica_host.connect([request], timeout_s=LIMIT_S), "twins")
    failover = FailoverRequest(vm="twins", addresses=(address,))
    done(replica_host.start_failovers([failover], timeout_s=LIMIT_S), "twins")

    assert [each.switch for each in adapters(osaka, "twins")] == [None, "vs-test"]
    assert [str(each.injected.ipv4 or "") for each in adapters(osaka, "twins")] == [
        "",
        "10.2.0.9/24",
    ]


def test_both_families_reach_their_adapters_and_clean_up_puts_all_back(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    request = TestFailoverRequest(vm=VM, addresses=ADDRESSES, mark="run-1")

    made = done(replica_host.start_test_failovers([request], timeout_s=LIMIT_S))

    lan, backup = osaka.get_vm(vm_id=made.evidence["test_vm_id"])[0].adapters
    assert (str(lan.injected.ipv4), str(lan.injected.ipv4_gateway)) == ("10.2.0.22/24", "10.2.0.1")
    assert str(backup.injected.ipv6) == "2001:db8:2::22/64"
    assert str(backup.injected.ipv6_gateway) == "2001:db8:2::1"
    assert [str(each) for each in backup.injected.ipv6_dns] == ["2001:db8:2::10", "2001:db8:2::11"]
    end = TestCleanupRequest(vm=VM, mark="run-1", restore_address=True)
    ended = done(replica_host.end_test_failovers([end], timeout_s=LIMIT_S))
    assert ended.evidence["address"] == "restored"
    assert not any(each.failover.is_set for each in adapters(osaka))


def test_an_unknown_adapter_and_a_legacy_one_are_refused_and_nothing_is_left_behind(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    unknown = InjectedAddress(adapter="LAN 7", ipv4="10.2.0.9/24")
    outcomes = replica_host.start_test_failovers(
        [
            TestFailoverRequest(vm=VM, addresses=(*ADDRESSES, unknown)),
            TestFailoverRequest(vm="old01", addresses=ADDRESSES[:1]),
        ],
        timeout_s=LIMIT_S,
    )

    assert isinstance(outcomes[VM], NotFoundError)
    assert isinstance(outcomes["old01"], WrongStateError)
    assert "legacy" in str(outcomes["old01"])
    assert not any(each.failover.is_set for each in adapters(osaka))
    assert not any(vm.is_test for vm in osaka.vms.values())


def test_a_survey_tells_what_a_failover_would_inject(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    replica_host.start_test_failovers(
        [TestFailoverRequest(vm=VM, addresses=ADDRESSES)], timeout_s=LIMIT_S
    )

    survey = replica_host.survey(timeout_s=LIMIT_S)

    found = {vm.name: vm for vm in survey.vms}
    lan, backup = found[VM].adapters
    assert lan.failover["IPv4SubnetMask"] == "255.255.255.0"
    assert backup.failover["IPv6SubnetPrefixLength"] == "64"
    assert "IPv4Address" not in backup.failover
    assert found["old01"].adapters[0].is_legacy
    assert found["sql01"].adapters[0].failover == {}


def test_a_boot_is_seen_adapter_by_adapter(lane_to: Callable[[str], Any], tokyo: WorldHost) -> None:
    host = HyperVHost(name="hv-tokyo-1", lane=lane_to("hv-tokyo-1"))

    seen: Any = host.observe({"twins": None}, wait_s=0, timeout_s=LIMIT_S)["twins"]

    assert [(each.name, each.number) for each in seen.adapters] == [(LAN, 0), (LAN, 1)]
    assert sorted(seen.addresses) == sorted(
        address for each in seen.adapters for address in each.addresses
    )
    assert len(seen.addresses) == 2


# Back as it was

SET = {"IPv4Address": "10.9.0.5", "IPv4SubnetMask": "255.255.0.0"}


def was(**more: Any) -> RestoreRequest:
    return RestoreRequest(vm=VM, adapters=(FormerAdapter(adapter=LAN, **more),))


def fail_over(host: HyperVHost) -> None:
    done(host.start_failovers([FailoverRequest(vm=VM, addresses=ADDRESSES)], timeout_s=LIMIT_S))
    connections = (Connection(adapter=LAN, switch="vs-prod", vlan=210),)
    done(host.connect([ConnectRequest(vm=VM, adapters=connections)], timeout_s=LIMIT_S))


@pytest.mark.parametrize(
    ("former", "expected"),
    [
        ({}, (None, None, "")),
        ({"failover": SET}, (None, None, "10.9.0.5/16")),
        ({"switch": "vs-test", "vlan": 290}, ("vs-test", 290, "")),
    ],
)
def test_a_replica_again_is_as_it_was(
    replica_host: HyperVHost, osaka: WorldHost, former: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    fail_over(replica_host)
    replica_host.undo_failovers([VM], timeout_s=LIMIT_S)

    first = done(replica_host.restore_adapters([was(**former)], timeout_s=LIMIT_S))
    again = done(replica_host.restore_adapters([was(**former)], timeout_s=LIMIT_S))

    lan = adapters(osaka)[0]
    assert (lan.switch, lan.vlan, str(lan.failover.ipv4 or "")) == expected
    assert (first.changed, again.changed) == (True, False)


def test_a_vm_that_is_failed_over_keeps_its_connections_unless_only_addresses_are_meant(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    fail_over(replica_host)

    refused = replica_host.restore_adapters([was()], timeout_s=LIMIT_S)[VM]
    running = RestoreRequest(vm=VM, adapters=was().adapters, addresses_only=True)
    osaka.get_vm(VM)[0].state = VmState.Running
    kept = done(replica_host.restore_adapters([running], timeout_s=LIMIT_S))

    assert isinstance(refused, SiteError)
    assert "failed over" in str(refused)
    assert kept.changed
    lan = adapters(osaka)[0]
    assert (lan.switch, lan.failover.is_set) == ("vs-prod", False)


def test_an_address_that_somebody_set_since_is_not_ours_to_undo(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    fail_over(replica_host)
    replica_host.undo_failovers([VM], timeout_s=LIMIT_S)

    result = done(
        replica_host.restore_adapters(
            [was(ours={"IPv4Address": "10.2.0.99", "IPv4SubnetMask": "255.255.255.0"})],
            timeout_s=LIMIT_S,
        )
    )

    (told,) = result.evidence["adapters"]
    assert told["address"] == "kept"
    assert told["address_found"]["IPv4Address"] == "10.2.0.22"
    assert str(adapters(osaka)[0].failover.ipv4) == "10.2.0.22/24"


def test_without_integration_services_nothing_reaches_the_guest(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    osaka.get_vm(VM)[0].guest.integration_services = False

    result = done(
        replica_host.start_test_failovers(
            [TestFailoverRequest(vm=VM, addresses=ADDRESSES)], timeout_s=LIMIT_S
        )
    )

    made = osaka.get_vm(vm_id=result.evidence["test_vm_id"])[0]
    assert not any(each.injected.is_set for each in made.adapters)
