"""The shipped scripts, executed: actions look, act if needed, confirm, and touch no more."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Interface
from typing import Any

import pytest

from secondsite.connectors.base import (
    ActionResult,
    ConnectRequest,
    InjectedAddress,
    Outcomes,
    TestCleanupRequest,
    TestFailoverRequest,
    VmObservation,
)
from secondsite.connectors.hyperv import HyperVHost
from secondsite.errors import (
    ActionFailedError,
    NotFoundError,
    SiteError,
    WrongStateError,
)
from secondsite.lab.world import HyperVHost as WorldHost
from secondsite.lab.world import World
from secondsite.lab.world.values import ReplicationState, VmState

LIMIT_S = 120.0
ADDRESS = InjectedAddress(ipv4="10.2.0.22/24", gateway="10.2.0.1", dns=("10.2.0.10",))


def done(outcomes: Outcomes, vm: str) -> ActionResult:
    outcome = outcomes[vm]
    assert isinstance(outcome, ActionResult), outcome
    return outcome


def failed(outcomes: Mapping[str, Any], vm: str) -> SiteError:
    outcome = outcomes[vm]
    assert isinstance(outcome, SiteError), outcome
    return outcome


def make_test(host: HyperVHost, vm: str = "sql01", **facts: Any) -> ActionResult:
    request = TestFailoverRequest(vm=vm, **facts)
    return done(host.start_test_failovers([request], timeout_s=LIMIT_S), vm)


# Survey


def test_a_survey_tells_all_that_a_run_may_need(replica_host: HyperVHost, osaka: WorldHost) -> None:
    survey = replica_host.survey(timeout_s=LIMIT_S)

    by_name = {vm.name: vm for vm in survey.vms}
    sql01 = by_name["sql01"]
    assert survey.host == "hv-osaka-1"
    assert {name: vm.id for name, vm in by_name.items()} == {
        vm.name: vm.id for vm in osaka.vms.values()
    }
    assert set(survey.switches) == {"vs-prod", "vs-test"}
    assert survey.free_memory_mib == osaka.get_vm_host().free_memory_mib
    assert set(by_name) == {"sql01", "sql02", "web [1]", "big01", "local01"}
    assert (sql01.state, sql01.generation, sql01.test_vm) == ("Off", 2, None)
    assert sql01.id == osaka.get_vm("sql01")[0].id
    assert sql01.replication[0].mode == "Replica"
    assert sql01.replication[0].state == "Replicating"
    assert sql01.replication[0].health == "Normal"
    assert sql01.replication[0].frequency_s == 300
    assert len(sql01.recovery_points) == 4
    assert sql01.recovery_points[0].created_at < sql01.recovery_points[-1].created_at
    assert sql01.recovery_points[0].created_at.endswith("Z")
    assert by_name["local01"].replication == ()


def test_a_survey_of_the_primary_side_shows_addresses_and_networks(
    primary_host: HyperVHost,
) -> None:
    sql01 = next(vm for vm in primary_host.survey(timeout_s=LIMIT_S).vms if vm.name == "sql01")

    assert sql01.state == "Running"
    assert sql01.heartbeat.startswith("Ok")
    assert (sql01.adapters[0].switch, sql01.adapters[0].vlan) == ("vs-prod", 110)
    assert all(address.startswith("10.1.0.") for address in sql01.adapters[0].addresses)
    assert sql01.adapters[0].addresses


# Test failover


def test_test_vms_are_made_off_and_unconnected_and_marked(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    outcomes = replica_host.start_test_failovers(
        [TestFailoverRequest(vm=vm, mark="run-1") for vm in ("sql01", "web [1]")],
        timeout_s=LIMIT_S,
    )

    for vm in ("sql01", "web [1]"):
        result = done(outcomes, vm)
        made = osaka.get_vm(vm_id=result.evidence["test_vm_id"])[0]
        assert result.changed
        assert result.evidence["test_vm"] == made.name == f"{vm} - Test"
        assert made.state is VmState.Off
        assert made.adapters[0].switch is None
        assert "run-1" in made.notes


def test_what_hyper_v_connects_by_itself_is_disconnected(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    osaka.set_vm_network_adapter("sql01", test_replica_switch="vs-prod")

    result = make_test(replica_host)

    made = osaka.get_vm(vm_id=result.evidence["test_vm_id"])[0]
    assert made.adapters[0].switch is None
    assert result.evidence["disconnected_from"] == ["vs-prod"]


def test_a_test_vm_of_somebody_else_is_left_alone(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    osaka.start_vm_failover("sql01", as_test=True)

    outcomes = replica_host.start_test_failovers(
        [TestFailoverRequest(vm="sql01", mark="run-1"), TestFailoverRequest(vm="sql02")],
        timeout_s=LIMIT_S,
    )

    error = failed(outcomes, "sql01")
    assert isinstance(error, WrongStateError)
    assert "sql01 on hv-osaka-1" in error.message
    assert "Nothing was changed" in error.message
    assert "Stop-VMFailover" in error.next_step
    assert done(outcomes, "sql02").changed


@pytest.mark.parametrize("claim", ["mark", "id", "adopt"])
def test_our_own_test_vm_is_taken_over_and_nothing_is_done_twice(
    replica_host: HyperVHost, osaka: WorldHost, claim: str
) -> None:
    first = make_test(replica_host, mark="run-1")
    facts = {
        "mark": {"mark": "run-1"},
        "id": {"own_test_vm_id": first.evidence["test_vm_id"]},
        "adopt": {"may_adopt": True},
    }[claim]

    again = make_test(replica_host, **facts)

    assert not again.changed
    assert again.evidence["test_vm_id"] == first.evidence["test_vm_id"]
    assert sum(vm.is_test for vm in osaka.vms.values()) == 1


def test_another_runs_mark_makes_it_somebody_elses(replica_host: HyperVHost) -> None:
    make_test(replica_host, mark="run-1")

    outcomes = replica_host.start_test_failovers(
        [TestFailoverRequest(vm="sql01", mark="run-2")], timeout_s=LIMIT_S
    )

    assert isinstance(outcomes["sql01"], WrongStateError)


def test_a_recovery_point_is_used_by_id_and_a_gone_one_is_an_error(
    replica_host: HyperVHost, log: list[dict[str, Any]]
) -> None:
    survey = replica_host.survey(timeout_s=LIMIT_S)
    point = next(vm for vm in survey.vms if vm.name == "sql01").recovery_points[1]

    outcomes = replica_host.start_test_failovers(
        [
            TestFailoverRequest(vm="sql01", recovery_point_id=point.id),
            TestFailoverRequest(vm="sql02", recovery_point_id=point.id),
        ],
        timeout_s=LIMIT_S,
    )

    assert done(outcomes, "sql01").changed
    started = [entry for entry in log if entry["cmdlet"] == "Start-VMFailover"]
    assert [entry["detail"]["recovery_point"] for entry in started] == [point.id]
    assert isinstance(outcomes["sql02"], NotFoundError)


@pytest.mark.parametrize(
    ("vm", "kind"),
    [("local01", WrongStateError), ("nowhere", NotFoundError), ("sql*", NotFoundError)],
)
def test_what_is_no_replica_here_is_refused_by_name(
    replica_host: HyperVHost, osaka: WorldHost, vm: str, kind: type[SiteError]
) -> None:
    outcomes = replica_host.start_test_failovers([TestFailoverRequest(vm=vm)], timeout_s=LIMIT_S)

    assert isinstance(outcomes[vm], kind)
    assert not any(each.is_test for each in osaka.vms.values())


def test_a_primary_is_never_test_failed_over(primary_host: HyperVHost) -> None:
    outcomes = primary_host.start_test_failovers(
        [TestFailoverRequest(vm="sql01")], timeout_s=LIMIT_S
    )

    assert isinstance(outcomes["sql01"], WrongStateError)


def test_what_windows_refuses_keeps_its_id_as_evidence(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    osaka.start_vm_failover("sql01")

    error = failed(
        replica_host.start_test_failovers([TestFailoverRequest(vm="sql01")], timeout_s=LIMIT_S),
        "sql01",
    )

    assert isinstance(error, WrongStateError)
    assert error.evidence["cause"]["fqid"].startswith("InvalidState,Microsoft.HyperV.PowerShell")


def test_twenty_vms_take_about_as_long_as_one(replica_host: HyperVHost, hours: Any) -> None:
    began = hours.now()

    make_test(replica_host, "sql01")
    one = (hours.now() - began).total_seconds()
    replica_host.start_test_failovers(
        [TestFailoverRequest(vm=vm) for vm in ("sql02", "web [1]", "big01")], timeout_s=LIMIT_S
    )
    three = (hours.now() - began).total_seconds() - one

    assert three < one * 1.5


# Addresses


def test_an_address_reaches_the_test_vm_and_the_former_one_is_evidence(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    result = make_test(replica_host, addresses=(ADDRESS,))

    made = osaka.get_vm(vm_id=result.evidence["test_vm_id"])[0]
    (former,) = result.evidence["former_address"]
    assert str(made.adapters[0].injected.ipv4) == "10.2.0.22/24"
    assert str(made.adapters[0].injected.ipv4_gateway) == "10.2.0.1"
    assert former["settings"]["IPv4Address"] == ""
    assert former["ours"]["IPv4Address"] == "10.2.0.22"


def test_a_failed_test_failover_leaves_no_address_behind(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    osaka.start_vm_failover("sql01")

    failed(
        replica_host.start_test_failovers(
            [TestFailoverRequest(vm="sql01", addresses=(ADDRESS,))], timeout_s=LIMIT_S
        ),
        "sql01",
    )

    assert not osaka.get_vm("sql01")[0].adapters[0].failover.is_set


def _set(osaka: WorldHost, text: str) -> None:
    osaka.set_vm_network_adapter_failover_configuration("sql01", ipv4=IPv4Interface(text))


@pytest.mark.parametrize("former", ["", "10.9.0.5/16"])
def test_clean_up_puts_the_former_address_back(
    replica_host: HyperVHost, osaka: WorldHost, former: str
) -> None:
    if former:
        _set(osaka, former)
    result = make_test(replica_host, addresses=(ADDRESS,), mark="run-1")
    request = TestCleanupRequest(
        vm="sql01",
        test_vm_id=result.evidence["test_vm_id"],
        restore_address=True,
        former_address=result.evidence["former_address"],
    )

    ended = done(replica_host.end_test_failovers([request], timeout_s=LIMIT_S), "sql01")

    assert ended.evidence["address"] == "restored"
    assert str(osaka.get_vm("sql01")[0].adapters[0].failover.ipv4 or "") == former
    again = done(replica_host.end_test_failovers([request], timeout_s=LIMIT_S), "sql01")
    assert not again.changed


def test_a_taken_over_test_vm_still_tells_the_former_address(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    _set(osaka, "10.9.0.5/16")
    make_test(replica_host, addresses=(ADDRESS,), mark="run-1")

    again = make_test(replica_host, addresses=(ADDRESS,), mark="run-1")

    assert again.evidence["former_address"][0]["settings"]["IPv4Address"] == "10.9.0.5"


def test_an_address_that_somebody_changed_since_is_not_undone(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    result = make_test(replica_host, addresses=(ADDRESS,))
    _set(osaka, "10.8.8.8/16")

    ended = done(
        replica_host.end_test_failovers(
            [
                TestCleanupRequest(
                    vm="sql01",
                    restore_address=True,
                    former_address=result.evidence["former_address"],
                )
            ],
            timeout_s=LIMIT_S,
        ),
        "sql01",
    )

    assert ended.evidence["address"] == "kept"
    assert ended.evidence["address_found"]["IPv4Address"] == "10.8.8.8"
    assert str(osaka.get_vm("sql01")[0].adapters[0].failover.ipv4) == "10.8.8.8/16"


# Clean-up


def test_clean_up_removes_the_test_vm_even_while_it_runs(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    result = make_test(replica_host)
    replica_host.start_vms(["sql01 - Test"], timeout_s=LIMIT_S)
    request = TestCleanupRequest(vm="sql01", test_vm_id=result.evidence["test_vm_id"])

    ended = done(replica_host.end_test_failovers([request], timeout_s=LIMIT_S), "sql01")

    assert ended.changed
    assert not any(vm.is_test for vm in osaka.vms.values())
    assert osaka.get_vm("sql01")[0].replication is not None


def test_clean_up_of_what_is_gone_changes_nothing(
    replica_host: HyperVHost, log: list[dict[str, Any]]
) -> None:
    ended = done(
        replica_host.end_test_failovers([TestCleanupRequest(vm="sql01")], timeout_s=LIMIT_S),
        "sql01",
    )

    assert not ended.changed
    assert log == []


def test_clean_up_touches_no_test_vm_that_we_did_not_make(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    osaka.start_vm_failover("sql01", as_test=True)
    request = TestCleanupRequest(vm="sql01", test_vm_id="00000000-0000-0000-0000-000000000000")

    error = failed(replica_host.end_test_failovers([request], timeout_s=LIMIT_S), "sql01")

    assert isinstance(error, WrongStateError)
    assert any(vm.is_test for vm in osaka.vms.values())


def test_without_an_id_only_the_mark_tells_that_a_test_vm_is_ours(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    former = osaka.get_vm("sql01")[0].adapters[0].failover.ipv4
    make_test(replica_host, mark="run-1", addresses=(ADDRESS,))
    theirs = TestCleanupRequest(vm="sql01", mark="run-2", restore_address=True)
    ours = TestCleanupRequest(vm="sql01", mark="run-1", restore_address=True)

    error = failed(replica_host.end_test_failovers([theirs], timeout_s=LIMIT_S), "sql01")

    assert isinstance(error, WrongStateError)
    assert "run-2" in error.message
    assert any(vm.is_test for vm in osaka.vms.values())
    assert done(replica_host.end_test_failovers([ours], timeout_s=LIMIT_S), "sql01").changed
    assert not any(vm.is_test for vm in osaka.vms.values())
    assert osaka.get_vm("sql01")[0].adapters[0].failover.ipv4 == former


def test_a_test_vm_without_a_mark_is_left_alone_when_no_id_is_known(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    osaka.start_vm_failover("sql01", as_test=True)
    request = TestCleanupRequest(vm="sql01", mark="run-1")

    error = failed(replica_host.end_test_failovers([request], timeout_s=LIMIT_S), "sql01")

    assert isinstance(error, WrongStateError)
    assert any(vm.is_test for vm in osaka.vms.values())


def test_clean_up_never_undoes_a_real_failover(
    replica_host: HyperVHost, osaka: WorldHost, log: list[dict[str, Any]]
) -> None:
    make_test(replica_host)
    ((_, relation),) = osaka.get_vm_replication("sql01")
    relation.state = ReplicationState.FailedOverWaitingCompletion
    log.clear()

    outcomes = replica_host.end_test_failovers([TestCleanupRequest(vm="sql01")], timeout_s=LIMIT_S)

    assert isinstance(outcomes["sql01"], WrongStateError)
    assert log == []


# Network


def test_connecting_sets_vlan_and_switch_and_is_done_once(
    replica_host: HyperVHost, osaka: WorldHost, log: list[dict[str, Any]]
) -> None:
    make_test(replica_host)
    request = ConnectRequest(vm="sql01 - Test", switch="vs-test", vlan=290)
    log.clear()

    first = done(replica_host.connect([request], timeout_s=LIMIT_S), "sql01 - Test")
    again = done(replica_host.connect([request], timeout_s=LIMIT_S), "sql01 - Test")

    adapter = osaka.get_vm("sql01 - Test")[0].adapters[0]
    assert (adapter.switch, adapter.vlan) == ("vs-test", 290)
    assert (first.changed, again.changed) == (True, False)
    assert first.evidence["before"][0]["switch"] == ""
    # The VLAN comes first: connected in the wrong one, a test VM would be in another network.
    assert [entry["cmdlet"] for entry in log] == [
        "Set-VMNetworkAdapterVlan",
        "Connect-VMNetworkAdapter",
    ]


def test_disconnecting_leaves_the_vlan(replica_host: HyperVHost, osaka: WorldHost) -> None:
    make_test(replica_host)
    name = "sql01 - Test"
    replica_host.connect([ConnectRequest(vm=name, switch="vs-test", vlan=290)], timeout_s=LIMIT_S)

    result = done(
        replica_host.connect([ConnectRequest(vm=name, switch=None)], timeout_s=LIMIT_S), name
    )

    assert result.changed
    assert osaka.get_vm(name)[0].adapters[0].switch is None


@pytest.mark.parametrize(
    ("vm", "switch"), [("sql01", "no-such-switch"), ("local01", "vs-test"), ("gone", "vs-test")]
)
def test_what_cannot_be_connected_is_said_per_vm(
    replica_host: HyperVHost, vm: str, switch: str
) -> None:
    outcomes = replica_host.connect([ConnectRequest(vm=vm, switch=switch)], timeout_s=LIMIT_S)

    assert isinstance(outcomes[vm], NotFoundError)


# Power


def test_vms_start_once_and_are_running_when_it_returns(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    make_test(replica_host)
    make_test(replica_host, "sql02")
    names = ["sql01 - Test", "sql02 - Test"]

    first = replica_host.start_vms(names, timeout_s=LIMIT_S)
    again = replica_host.start_vms(names, timeout_s=LIMIT_S)

    for name in names:
        assert osaka.get_vm(name)[0].state is VmState.Running
        assert done(first, name).changed
        assert not done(again, name).changed


def test_a_vm_without_memory_fails_alone_and_says_why(replica_host: HyperVHost) -> None:
    make_test(replica_host)
    make_test(replica_host, "big01")

    outcomes = replica_host.start_vms(["big01 - Test", "sql01 - Test"], timeout_s=LIMIT_S)

    error = failed(outcomes, "big01 - Test")
    assert isinstance(error, ActionFailedError)
    assert "memory" in error.message
    assert "Free memory on hv-osaka-1" in error.next_step
    assert done(outcomes, "sql01 - Test").changed


def test_a_replica_itself_is_not_started(replica_host: HyperVHost, osaka: WorldHost) -> None:
    error = failed(replica_host.start_vms(["sql01"], timeout_s=LIMIT_S), "sql01")

    assert isinstance(error, WrongStateError)
    assert osaka.get_vm("sql01")[0].state is VmState.Off


def test_guests_shut_down_side_by_side(
    primary_host: HyperVHost, tokyo: WorldHost, hours: Any
) -> None:
    began = hours.now()

    outcomes = primary_host.stop_vms(["sql01", "sql02"], turn_off=False, timeout_s=LIMIT_S)

    assert done(outcomes, "sql01").changed
    assert tokyo.get_vm("sql01")[0].state is VmState.Off
    assert tokyo.get_vm("sql02")[0].state is VmState.Off
    assert (hours.now() - began).total_seconds() < 30


def test_a_guest_that_does_not_shut_down_in_time_is_left_running_and_named(
    primary_host: HyperVHost, tokyo: WorldHost
) -> None:
    error = failed(primary_host.stop_vms(["sql01"], turn_off=False, timeout_s=10), "sql01")

    assert "sql01 on hv-tokyo-1: could not shut its guest down" in error.message
    assert tokyo.get_vm("sql01")[0].state is not VmState.Off


def test_turning_off_is_at_once_and_off_stays_off(primary_host: HyperVHost) -> None:
    first = primary_host.stop_vms(["sql01"], turn_off=True, timeout_s=LIMIT_S)
    again = primary_host.stop_vms(["sql01"], turn_off=True, timeout_s=LIMIT_S)

    assert done(first, "sql01").changed
    assert not done(again, "sql01").changed


# Watching


def test_a_boot_is_seen_in_one_look_per_change(replica_host: HyperVHost, hours: Any) -> None:
    make_test(replica_host)
    name = "sql01 - Test"
    replica_host.connect([ConnectRequest(vm=name, switch="vs-test", vlan=290)], timeout_s=LIMIT_S)
    replica_host.start_vms([name], timeout_s=LIMIT_S)
    seen: dict[str, VmObservation | None] = {name: None}
    heartbeats = []

    while not (seen[name] and seen[name].addresses):  # type: ignore[union-attr]
        found = replica_host.observe(seen, wait_s=300, timeout_s=400)[name]
        assert isinstance(found, VmObservation), found
        seen[name] = found
        heartbeats.append(found.heartbeat)

    assert heartbeats == ["NoContact", "OkApplicationsUnknown", "OkApplicationsUnknown"]
    last = seen[name]
    assert last is not None
    assert last.has_heartbeat
    assert last.addresses[0].startswith("10.2.0.1")
    assert last.uptime_s >= 46


def test_a_look_without_news_ends_after_its_time(replica_host: HyperVHost, hours: Any) -> None:
    first = replica_host.observe({"sql01": None}, wait_s=60, timeout_s=90)["sql01"]
    assert isinstance(first, VmObservation)
    began = hours.now()

    again = replica_host.observe({"sql01": first}, wait_s=15, timeout_s=30)["sql01"]

    assert again == first
    assert 15 <= (hours.now() - began).total_seconds() < 17


def test_link_local_addresses_are_no_news(
    primary_host: HyperVHost, tokyo: WorldHost, hours: Any
) -> None:
    first = primary_host.observe({"sql01": None}, wait_s=60, timeout_s=90)["sql01"]
    assert isinstance(first, VmObservation)
    assert any(text.startswith("fe80:") for text in tokyo.get_vm("sql01")[0].addresses)
    assert not any(text.startswith("fe80:") for text in first.addresses)
    began = hours.now()

    primary_host.observe({"sql01": first}, wait_s=15, timeout_s=30)

    assert (hours.now() - began).total_seconds() >= 15


def test_a_look_at_an_unknown_vm_says_so_at_once(replica_host: HyperVHost, hours: Any) -> None:
    began = hours.now()

    found = replica_host.observe({"gone": None, "sql01": None}, wait_s=60, timeout_s=90)

    assert isinstance(found["gone"], NotFoundError)
    assert isinstance(found["sql01"], VmObservation)
    assert hours.now() == began


# Switches of test networks


def test_nothing_asked_is_no_request(replica_host: HyperVHost, lane_to: Any) -> None:
    lane = lane_to("hv-osaka-1")
    host = HyperVHost(name="hv-osaka-1", lane=lane)

    assert host.start_test_failovers([], timeout_s=1) == {}
    assert host.start_vms([], timeout_s=1) == {}
    assert host.observe({}, wait_s=1, timeout_s=2) == {}
    assert lane.calls == []


def test_many_vms_are_one_request(lane_to: Any) -> None:
    lane = lane_to("hv-osaka-1")
    host = HyperVHost(name="hv-osaka-1", lane=lane)

    host.start_test_failovers(
        [TestFailoverRequest(vm=vm) for vm in ("sql01", "sql02", "web [1]")], timeout_s=LIMIT_S
    )

    assert lane.calls == ["start_test_failovers.ps1"]


def test_no_action_of_a_test_touches_another_vm(
    replica_host: HyperVHost, world: World, log: list[dict[str, Any]]
) -> None:
    make_test(replica_host, addresses=(ADDRESS,))
    replica_host.connect(
        [ConnectRequest(vm="sql01 - Test", switch="vs-test", vlan=290)], timeout_s=LIMIT_S
    )
    replica_host.start_vms(["sql01 - Test"], timeout_s=LIMIT_S)
    replica_host.end_test_failovers([TestCleanupRequest(vm="sql01")], timeout_s=LIMIT_S)

    assert {entry["vm"] for entry in log} <= {"sql01", "sql01 - Test"}
    assert {entry["host"] for entry in log} == {"hv-osaka-1"}
    assert world.sites["tokyo"].hosts["hv-tokyo-1"].get_vm("sql01")[0].state is VmState.Running
