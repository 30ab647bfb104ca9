"""The static address of a VM when it comes home: as planned, through the subnet rules. Pure.

A plan names addresses of the recovery site. On the way back the protection's subnet rules give the
address at home: the host part is kept, as Azure Site Recovery and every subnet mapping do it.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from secondsite.plan.estate import Protection
from secondsite.plan.guests import StaticAddress
from secondsite.plan.hooks import Direction
from secondsite.plan.model import PlannedVm

__all__ = ["static_address"]

_Address = IPv4Address | IPv6Address


def static_address(
    vm: PlannedVm, protection: Protection, direction: Direction
) -> StaticAddress | None:
    """What is injected into `vm`; None if nothing is, or if no rule tells its address at home."""
    planned = vm.address
    if not isinstance(planned, StaticAddress) or direction is Direction.FORWARD:
        return planned if isinstance(planned, StaticAddress) else None
    rules = [(ip_network(there), ip_network(here)) for here, there in protection.subnets.items()]

    def home(address: _Address) -> _Address | None:
        for there, here in rules:
            if address.version == there.version and address in there:
                host_part = int(address) - int(there.network_address)
                return ip_address(int(here.network_address) + host_part)
        return None

    def with_prefix(text: object) -> str | None:
        if text is None:
            return None
        address, _, prefix = str(text).partition("/")
        moved = home(ip_address(address))
        return f"{moved}/{prefix}" if moved is not None else None

    def each(addresses: Iterable[_Address]) -> list[str]:
        return [str(home(address) or address) for address in addresses]

    ipv4, ipv6 = with_prefix(planned.ipv4), with_prefix(planned.ipv6)
    if ipv4 is None and ipv6 is None:
        return None
    gateway = home(planned.gateway) if planned.gateway else None
    gateway6 = home(planned.gateway6) if planned.gateway6 else None
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
