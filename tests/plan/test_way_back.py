"""The static address of a plan when its VM comes home."""

from __future__ import annotations

from secondsite.plan.estate import Protection
from secondsite.plan.guests import StaticAddress
from secondsite.plan.model import Direction
from secondsite.plan.subnet_rules import SubnetRules
from secondsite.plan.way_back import in_direction

RULES = {"10.1.0.0/24": "10.2.0.0/24", "2001:db8:1::/64": "2001:db8:2::/64"}
PLANNED = StaticAddress.model_validate(
    {
        "ipv4": "10.2.0.21/24",
        "gateway": "10.2.0.1",
        "ipv6": "2001:db8:2::21/64",
        "dns": ["10.2.0.10", "192.0.2.53"],
    }
)


def rules(written: dict[str, str], direction: Direction) -> SubnetRules:
    protection = Protection.model_validate(
        {
            "name": "p",
            "primary": "tokyo",
            "recovery": "osaka",
            "primary_cloud": "a",
            "recovery_cloud": "b",
            "subnets": written,
        }
    )
    return SubnetRules(protection, direction)


def test_forward_it_is_what_the_plan_says() -> None:
    forward = rules(RULES, Direction.FORWARD)

    assert in_direction(PLANNED, forward, Direction.FORWARD) == PLANNED


def test_back_the_host_part_is_kept_in_the_subnet_at_home() -> None:
    home = in_direction(PLANNED, rules(RULES, Direction.BACK), Direction.BACK)

    assert home == StaticAddress.model_validate(
        {
            "ipv4": "10.1.0.21/24",
            "gateway": "10.1.0.1",
            "ipv6": "2001:db8:1::21/64",
            "dns": ["10.1.0.10", "192.0.2.53"],
        }
    )


def test_without_a_rule_nothing_tells_the_address_at_home() -> None:
    assert in_direction(PLANNED, rules({}, Direction.BACK), Direction.BACK) is None
