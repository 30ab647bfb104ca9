"""Under which address the engine reaches a guest: its own, or the one of a masquerade network.

An isolated test network often has the very addresses of production. A router in front of it
translates them 1:1, as virtual-lab routers do; the estate says to which subnets.
"""

from __future__ import annotations

from ipaddress import ip_address

from secondsite.plan.estate import Network

__all__ = ["masqueraded"]


def masqueraded(network: Network | None, address: str) -> str:
    """The address to connect to for `address`, which a guest in `network` has.

    It keeps its host part: 10.2.0.22 behind 10.2.0.0/24 → 172.31.7.0/24 is 172.31.7.22. An address
    outside the network's subnets, or a network without masquerade, leaves it as it is.
    """
    if network is None:
        return address
    plain = ip_address(address)
    for subnet, block in zip(network.subnets, network.masquerade, strict=False):
        if plain in subnet:
            host_part = int(plain) - int(subnet.network_address)
            return str(block.network_address + host_part)
    return address
