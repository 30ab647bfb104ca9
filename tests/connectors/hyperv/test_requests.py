from __future__ import annotations

import pytest

from secondsite.connectors.base import (
    Connection,
    ConnectRequest,
    FormerAdapter,
    InjectedAddress,
    RestoreRequest,
    TestCleanupRequest,
    TestFailoverRequest,
    VmObservation,
)
from secondsite.connectors.hyperv.requests import (
    ADDRESS_PARAMETERS,
    address_parameters,
    cleanup_row,
    connect_row,
    failover_row,
    patience_s,
    restore_row,
    seen_row,
)

EMPTY = dict.fromkeys(ADDRESS_PARAMETERS, "")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (
            InjectedAddress(ipv4="10.2.0.22/24"),
            {"IPv4Address": "10.2.0.22", "IPv4SubnetMask": "255.255.255.0"},
        ),
        (
            InjectedAddress(ipv4="10.2.0.22/22", gateway="10.2.0.1", dns=("10.2.0.10",)),
            {
                "IPv4Address": "10.2.0.22",
                "IPv4SubnetMask": "255.255.252.0",
                "IPv4DefaultGateway": "10.2.0.1",
                "IPv4PreferredDNSServer": "10.2.0.10",
            },
        ),
        (
            InjectedAddress(
                ipv6="2001:db8::22/64",
                gateway6="2001:db8::1",
                dns=("10.2.0.10", "2001:db8::a", "2001:db8::b", "2001:db8::c"),
            ),
            {
                "IPv6Address": "2001:db8::22",
                "IPv6SubnetPrefixLength": "64",
                "IPv6DefaultGateway": "2001:db8::1",
                "IPv6PreferredDNSServer": "2001:db8::a",
                "IPv6AlternateDNSServer": "2001:db8::b",
            },
        ),
    ],
)
def test_an_address_becomes_the_cmdlets_parameters(
    address: InjectedAddress, expected: dict[str, str]
) -> None:
    assert address_parameters(address) == {**EMPTY, **expected}


def test_a_request_carries_everything_as_data() -> None:
    row = failover_row(
        TestFailoverRequest(
            vm="sql02'; Remove-VM *",
            recovery_point_id="p1",
            mark="run-7",
            may_adopt=True,
            addresses=(InjectedAddress(ipv4="10.2.0.22/24", adapter="LAN"),),
        )
    )

    assert row["vm"] == "sql02'; Remove-VM *"
    assert (row["recovery_point_id"], row["mark"], row["may_adopt"]) == ("p1", "run-7", True)
    (address,) = row["addresses"]
    assert (address["adapter"], address["number"]) == ("LAN", 0)
    assert address["address"]["IPv4Address"] == "10.2.0.22"


def test_without_an_address_nothing_is_injected() -> None:
    row = failover_row(TestFailoverRequest(vm="web01"))

    assert row["addresses"] == []


@pytest.mark.parametrize(
    ("request_", "former"),
    [
        (TestCleanupRequest(vm="a", former_address={"adapter": "x"}), []),
        (TestCleanupRequest(vm="a", restore_address=True), []),
        (
            # as journals of an earlier version have it
            TestCleanupRequest(vm="a", restore_address=True, former_address={"adapter": "x"}),
            [{"adapter": "x"}],
        ),
        (
            TestCleanupRequest(
                vm="a", restore_address=True, former_address=[{"adapter": "x"}, {"adapter": "y"}]
            ),
            [{"adapter": "x"}, {"adapter": "y"}],
        ),
    ],
)
def test_an_address_is_put_back_only_if_asked_and_known(
    request_: TestCleanupRequest, former: list[dict[str, str]]
) -> None:
    assert cleanup_row(request_)["former_address"] == former


def test_each_adapter_has_its_own_connection_and_no_switch_means_disconnect() -> None:
    row = connect_row(ConnectRequest(vm="a", adapters=(Connection(adapter="LAN", switch="s"),)))

    assert (row["vm"], row["switch"], row["vlan"]) == ("a", None, None)
    assert row["adapters"] == [
        {"adapter": "LAN", "number": 0, "switch": "s", "vlan": None, "keep": False}
    ]


def test_what_an_adapter_had_before_is_told_whole() -> None:
    row = restore_row(
        RestoreRequest(
            vm="a", adapters=(FormerAdapter(adapter="LAN", failover={"IPv4Address": "10.9.0.5"}),)
        )
    )

    (adapter,) = row["adapters"]
    assert adapter["settings"] == {**EMPTY, "IPv4Address": "10.9.0.5"}
    assert adapter["ours"] is None


def test_what_was_seen_goes_along_and_unseen_is_null() -> None:
    seen = VmObservation(
        vm="a", state="Running", heartbeat="NoContact", addresses=("10.0.0.1",), uptime_s=3.0
    )

    assert seen_row("a", seen) == {
        "vm": "a",
        "state": "Running",
        "heartbeat": "NoContact",
        "addresses": ["10.0.0.1"],
    }
    assert seen_row("a", None)["state"] is None


@pytest.mark.parametrize(
    ("timeout_s", "at_most_s", "patience"), [(300, 15, 15), (20, 60, 15), (3, 60, 1)]
)
def test_a_script_stops_waiting_before_its_caller_does(
    timeout_s: float, at_most_s: float, patience: float
) -> None:
    assert patience_s(timeout_s, at_most_s=at_most_s) == patience
