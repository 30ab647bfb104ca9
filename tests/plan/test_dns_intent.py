from __future__ import annotations

import pytest

from secondsite.plan.dns_intent import dns_changes
from secondsite.plan.estate import Estate
from secondsite.plan.hooks import Direction, FailoverKind
from secondsite.plan.loader import load_estate
from secondsite.plan.model import Plan, PlannedVm
from tests.plan.conftest import PlansFolder

VM = PlannedVm.model_validate(
    {
        "name": "sql02",
        "dns": [{"name": "sql.corp.example", "zone": "corp.example", "ttl": "60s", "ptr": True}],
    }
)
PLAN = Plan.model_validate(
    {"name": "web", "protection": "tokyo-osaka", "groups": [{"name": "g", "vms": [VM]}]}
)
ADDRESSES = ["fe80::1", "10.2.0.22", "169.254.3.4", "2001:db8:2::22", "127.0.0.1", "10.2.0.22"]


@pytest.fixture
def estate(folder: PlansFolder) -> Estate:
    return load_estate(folder.write_estate())


Change = tuple[str, str, str, str, int | None, tuple[str, ...]]


def _changes(
    estate: Estate,
    kind: FailoverKind,
    direction: Direction = Direction.FORWARD,
    vm: PlannedVm = VM,
) -> list[Change]:
    return [
        (each.target.name, each.zone, each.name, each.type, each.ttl_s, each.values)
        for each in dns_changes(PLAN, vm, ADDRESSES, kind=kind, estate=estate, direction=direction)
    ]


@pytest.mark.parametrize("kind", [FailoverKind.PLANNED, FailoverKind.UNPLANNED])
def test_a_real_failover_writes_the_production_names_with_usable_addresses(
    estate: Estate, kind: FailoverKind
) -> None:
    assert _changes(estate, kind) == [
        ("production", "corp.example", "sql.corp.example", "A", 60, ("10.2.0.22",)),
        ("production", "corp.example", "sql.corp.example", "AAAA", 60, ("2001:db8:2::22",)),
        (
            "production",
            "2.10.in-addr.arpa",
            "22.0.2.10.in-addr.arpa",
            "PTR",
            60,
            ("sql.corp.example",),
        ),
    ]


def test_a_test_writes_only_the_stand_in_of_the_zone(estate: Estate) -> None:
    name = "sql.dr-test.corp.example"

    assert _changes(estate, FailoverKind.TEST) == [
        ("rehearsal", "dr-test.corp.example", name, "A", 60, ("10.2.0.22",)),
        ("rehearsal", "dr-test.corp.example", name, "AAAA", 60, ("2001:db8:2::22",)),
    ]


def test_a_test_server_without_mapping_serves_the_zone_itself(folder: PlansFolder) -> None:
    estate = load_estate(
        folder.write_estate(
            lambda text: text.replace(
                "    stands_for: {corp.example: dr-test.corp.example}\n", ""
            ).replace("[dr-test.corp.example]", "[corp.example]")
        )
    )

    changes = _changes(estate, FailoverKind.TEST)

    assert [change[:3] for change in changes] == [
        ("rehearsal", "corp.example", "sql.corp.example")
    ] * 2


def test_without_a_target_for_tests_a_test_writes_nothing(folder: PlansFolder) -> None:
    estate = load_estate(
        folder.write_estate(
            lambda text: (
                text[: text.index("  - name: rehearsal")] + text[text.index("protections:") :]
            )
        )
    )

    assert _changes(estate, FailoverKind.TEST) == []


def test_a_reverse_name_in_a_test_follows_its_own_stand_in(folder: PlansFolder) -> None:
    estate = load_estate(
        folder.write_estate(
            lambda text: text.replace(
                "[dr-test.corp.example]", "[dr-test.corp.example, test.2.10.in-addr.arpa]"
            ).replace(
                "{corp.example: dr-test.corp.example}",
                "{corp.example: dr-test.corp.example, 2.10.in-addr.arpa: test.2.10.in-addr.arpa}",
            )
        )
    )

    (pointer,) = [each for each in _changes(estate, FailoverKind.TEST) if each[3] == "PTR"]

    assert pointer == (
        "rehearsal",
        "test.2.10.in-addr.arpa",
        "22.0.test.2.10.in-addr.arpa",
        "PTR",
        60,
        ("sql.dr-test.corp.example",),
    )


def test_the_servers_of_the_site_that_takes_over_come_first(folder: PlansFolder) -> None:
    tokyo = (
        "  - {name: in-tokyo, zones: [corp.example], site: tokyo, key: dr-key,\n"
        "     servers: [{name: dns-tokyo-2, address: 10.1.0.54}]}\n"
    )
    estate = load_estate(
        folder.write_estate(lambda text: text.replace("protections:", f"{tokyo}protections:"))
    )

    forward = [change[0] for change in _changes(estate, FailoverKind.UNPLANNED)]
    back = [change[0] for change in _changes(estate, FailoverKind.UNPLANNED, Direction.BACK)]

    assert forward[0] == "production"
    assert back[0] == "in-tokyo"
    assert sorted(forward) == sorted(back)


def test_a_record_at_the_top_of_a_zone_moves_to_the_top_of_its_stand_in(estate: Estate) -> None:
    vm = PlannedVm.model_validate(
        {"name": "a", "dns": [{"name": "corp.example", "zone": "corp.example"}]}
    )

    changes = _changes(estate, FailoverKind.TEST, vm=vm)

    assert {(change[2], change[4]) for change in changes} == {("dr-test.corp.example", None)}


def test_a_vm_without_usable_address_changes_nothing(estate: Estate) -> None:
    changes = dns_changes(
        PLAN, VM, ["fe80::1", "169.254.1.1"], kind=FailoverKind.PLANNED, estate=estate
    )

    assert changes == ()
