"""A static address of the plan in the site of a failover: as written, or through the subnet rules.

A plan names addresses of the recovery site; on the way back the rules give those at home. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_interface

from secondsite.plan.estate import Protection
from secondsite.plan.guests import StaticAddress
from secondsite.plan.hooks import Direction
from secondsite.plan.model import PlannedVm
from secondsite.plan.subnet_rules import Address, SubnetRules

__all__ = ["in_direction", "static_address"]


def static_address(
    vm: PlannedVm, protection: Protection, direction: Direction
) -> StaticAddress | None:
    """The static address that the plan writes for `vm` itself, in the site of a failover."""
    if not isinstance(vm.address, StaticAddress):
        return None
    return in_direction(vm.address, SubnetRules(protection, direction), direction)


def in_direction(
    planned: StaticAddress, rules: SubnetRules, direction: Direction
) -> StaticAddress | None:
    """What is injected for `planned`; None if no rule tells the address at home."""
    if direction is Direction.FORWARD:
        return planned

    def with_prefix(written: object) -> str | None:
        if written is None:
            return None
        interface = ip_interface(str(written))
        moved = rules.moved(interface.ip)
        return f"{moved}/{interface.network.prefixlen}" if moved is not None else None

    def each(addresses: Iterable[Address]) -> list[str]:
        return [str(rules.moved(address) or address) for address in addresses]

    ipv4, ipv6 = with_prefix(planned.ipv4), with_prefix(planned.ipv6)
    if ipv4 is None and ipv6 is None:
        return None
    gateway = rules.moved(planned.gateway) if planned.gateway else None
    gateway6 = rules.moved(planned.gateway6) if planned.gateway6 else None
    return StaticAddress.model_validate(
        {
            "ipv4": ipv4,
            "gateway": str(gateway) if gateway and ipv4 else None,
            "ipv6": ipv6,
            "gateway6": str(gateway6) if gateway6 and ipv6 else None,
            "dns": each(planned.dns),
            "adapter": planned.adapter,
        }
    )
