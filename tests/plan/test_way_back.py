"""The static address of a VM when it comes home."""

from __future__ import annotations

from secondsite.plan.estate import Protection
from secondsite.plan.guests import StaticAddress
from secondsite.plan.model import Direction, PlannedVm
from secondsite.plan.way_back import static_address

RULES = {"10.1.0.0/24": "10.2.0.0/24", "2001:db8:1::/64": "2001:db8:2::/64"}


def protection(rules: dict[str, str]) -> Protection:
    return Protection.model_validate(
        {
            "name": "p",
            "primary": "tokyo",
            "recovery": "osaka",
            "primary_cloud": "a",
            "recovery_cloud": "b",
            "subnets": rules,
        }
    )


VM = PlannedVm.model_validate(
    {
        "name": "sql01",
        "address": {
            "ipv4": "10.2.0.21/24",
            "gateway": "10.2.0.1",
            "ipv6": "2001:db8:2::21/64",
            "dns": ["10.2.0.10", "192.0.2.53"],
        },
    }
)


def test_forward_it_is_what_the_plan_says() -> None:
    assert static_address(VM, protection(RULES), Direction.FORWARD) == VM.address


def test_back_the_host_part_is_kept_in_the_subnet_at_home() -> None:
    home = static_address(VM, protection(RULES), Direction.BACK)

    assert home == StaticAddress.model_validate(
        {
            "ipv4": "10.1.0.21/24",
            "gateway": "10.1.0.1",
            "ipv6": "2001:db8:1::21/64",
            "dns": ["10.1.0.10", "192.0.2.53"],
        }
    )


def test_without_a_rule_nothing_is_injected_on_the_way_back() -> None:
    assert static_address(VM, protection({}), Direction.BACK) is None


def test_a_vm_without_a_static_address_gets_none() -> None:
    assert static_address(PlannedVm(name="x"), protection(RULES), Direction.BACK) is None
