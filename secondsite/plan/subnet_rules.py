"""The subnet rules of a protection: an address of one site in the subnet of the other. Pure.

The host part is kept, as Azure Site Recovery and every subnet mapping do it.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from secondsite.plan.estate import Protection
from secondsite.plan.hooks import Direction
from secondsite.plan.quantities import Subnet

__all__ = ["Address", "SubnetRule", "SubnetRules"]

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetRule:
    """One rule, in the direction of a failover."""

    source: Subnet
    target: Subnet

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"

    def takes(self, address: Address) -> bool:
        """Whether it speaks of that address."""
        return address.version == self.source.version and address in self.source

    def moved(self, address: Address) -> Address:
        """The address with the same host part in the target subnet."""
        host_part = int(address) - int(self.source.network_address)
        return ip_address(int(self.target.network_address) + host_part)


class SubnetRules:
    """All rules of a protection, in the direction of a failover."""

    def __init__(self, protection: Protection, direction: Direction) -> None:
        pairs = [
            (ip_network(here), ip_network(there)) for here, there in protection.subnets.items()
        ]
        is_forward = direction is Direction.FORWARD
        self.rules = tuple(
            SubnetRule(source=here, target=there)
            if is_forward
            else SubnetRule(source=there, target=here)
            for here, there in pairs
        )

    def rule_for(self, address: Address) -> SubnetRule | None:
        """The rule that speaks of `address`."""
        return next((rule for rule in self.rules if rule.takes(address)), None)

    def moved(self, address: Address) -> Address | None:
        """`address` in the other site; None if no rule tells."""
        rule = self.rule_for(address)
        return rule.moved(address) if rule is not None else None
