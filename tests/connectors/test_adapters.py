"""Which addresses of a VM count once it runs: of the expected prefix, not link-local, not stale."""

from __future__ import annotations

from typing import Any

from secondsite.connectors.adapters import Expectation, ExpectedAdapter, seen_adapters
from secondsite.connectors.base import Adapter, AdapterObservation, VmObservation, VmSurvey
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


def test_a_surveyed_adapter_is_on_the_network_with_its_switch_and_vlan() -> None:
    site = Site.model_validate(
        {
            "vmm": {"name": "v", "credential": "c"},
            "hosts": [{"name": "h", "credential": "c"}],
            "networks": [
                {"name": "prod", "switch": "VS", "vlan": 10},
                {"name": "backup", "switch": "VS", "vlan": 20},
            ],
        }
    )
    common: dict[str, Any] = {"id": "", "mac": "", "addresses": ()}
    survey = VmSurvey(
        name="v",
        id="i",
        state="Off",
        generation=2,
        heartbeat="",
        memory_mib=1,
        adapters=(
            Adapter(name="A", switch="vs", vlan=20, **common),
            Adapter(name="a", switch="vs", vlan=77, **common),
            Adapter(name="A", switch=None, vlan=10, **common),
        ),
        replication=(),
        recovery_points=(),
    )

    seen = seen_adapters(survey, site)

    assert [(each.slot, each.network, each.is_connected) for each in seen] == [
        (("a", 0), "backup", True),
        (("a", 1), None, True),
        (("a", 2), None, False),
    ]
