from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from secondsite.plan.dns_intent import dns_changes
from secondsite.plan.estate import Estate
from secondsite.plan.hooks import Direction, FailoverKind
from secondsite.plan.model import Plan

_ZONES = ("corp.example", "dr-test.corp.example", "2.10.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa")


@st.composite
def _targets(draw: st.DrawFn) -> list[dict[str, Any]]:
    targets = []
    for index in range(draw(st.integers(0, 4))):
        zones = draw(st.lists(st.sampled_from(_ZONES), min_size=1, max_size=4, unique=True))
        for_tests = draw(st.booleans())
        stand_ins = st.dictionaries(st.sampled_from(_ZONES), st.sampled_from(zones), max_size=2)
        targets.append(
            {
                "name": f"t{index}",
                "zones": zones,
                "servers": [{"name": f"s{index}"}],
                "for_tests": for_tests,
                "stands_for": draw(stand_ins) if for_tests else {},
                "site": draw(st.sampled_from([None, "a", "b"])),
            }
        )
    return targets


def _estate(targets: list[dict[str, Any]]) -> Estate:
    site = {"vmm": {"name": "v", "credential": "c"}, "hosts": [{"name": "h", "credential": "c"}]}
    pair = {"primary": "a", "recovery": "b", "primary_cloud": "x", "recovery_cloud": "y"}
    return Estate.model_validate(
        {
            "sites": {"a": site, "b": site},
            "dns": targets,
            "protections": [{"name": "p", **pair}],
        }
    )


PLAN = Plan.model_validate(
    {
        "name": "web",
        "protection": "p",
        "groups": [
            {
                "name": "g",
                "vms": [
                    {
                        "name": "sql01",
                        "dns": [
                            {"name": "sql.corp.example", "zone": "corp.example", "ptr": True},
                            {"name": "db.corp.example", "zone": "corp.example", "ttl": "60s"},
                        ],
                    }
                ],
            }
        ],
    }
)


@settings(deadline=None)
@given(
    _targets(),
    st.lists(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), max_size=4),
    st.sampled_from(FailoverKind),
    st.sampled_from(Direction),
)
def test_tests_write_to_targets_for_tests_and_nothing_else_does(
    targets: list[dict[str, Any]],
    addresses: list[object],
    kind: FailoverKind,
    direction: Direction,
) -> None:
    estate = _estate(targets)
    (vm,) = PLAN.vms

    changes = dns_changes(
        PLAN, vm, map(str, addresses), kind=kind, estate=estate, direction=direction
    )

    for change in changes:
        assert change.target.for_tests == (kind is FailoverKind.TEST)
        assert change.zone in change.target.zones
        assert change.name == change.zone or change.name.endswith(f".{change.zone}")
        assert change.values or change.type != "PTR"
    keys = [(each.target.name, each.name, each.type) for each in changes if each.type != "PTR"]
    assert len(keys) == len(set(keys))
