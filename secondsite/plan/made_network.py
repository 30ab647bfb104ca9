"""A VM network that a test failover makes in VMM for itself: what it will be, before it is.

It is planned once, in the preflight, and the journal keeps it. So whoever takes the run up, or
cleans up after it, knows every name that may be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from secondsite.plan.estate import Network

__all__ = ["MADE_NETWORKS", "MadeNetwork", "MadePool", "MadeSubnet"]

MADE_NETWORKS = "made_networks"
"""Key, in the evidence of a preflight, of the networks that the run makes; it never changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePool:
    """A static IP address pool that is copied.

    Attributes:
        subnet: The subnet that it is in.
        first: First address that it grants.
        last: Last address that it grants.
        gateways: Handed out with each address.
        dns: Handed out with each address.
    """

    name: str
    subnet: str
    first: str
    last: str
    gateways: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSubnet:
    """A VM subnet: a VLAN of a network site, or the copy of a virtual subnet.

    Attributes:
        site: The network site; empty with network virtualization.
        prefixes: Its subnets.
        pools: Pools that are made for it; those of a network site are there already.
    """

    name: str
    site: str = ""
    vlan: int | None = None
    prefixes: tuple[str, ...] = ()
    pools: tuple[MadePool, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeNetwork:
    """A VM network.

    Attributes:
        mapped: The network that it takes the place of; None: of none that is mapped.
        logical_network: What it is made of.
        isolation: NoIsolation, VLANNetwork or WindowsNetworkVirtualization.
        masquerade: Subnet → under which one the engine reaches guests there.
    """

    name: str
    mapped: str | None = None
    logical_network: str
    isolation: str
    subnets: tuple[MadeSubnet, ...] = ()
    masquerade: Mapping[str, str] | None = None

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The subnets of all its VM subnets, those first that the engine reaches."""
        known = self.masquerade or {}
        all_of_them = [prefix for each in self.subnets for prefix in each.prefixes]
        return tuple(sorted(dict.fromkeys(all_of_them), key=lambda each: each not in known))

    @property
    def is_virtual(self) -> bool:
        """Whether Windows Network Virtualization isolates it."""
        return self.isolation == "WindowsNetworkVirtualization"

    def subnet_for(self, addresses: Iterable[str]) -> MadeSubnet:
        """The VM subnet that holds the first of `addresses`; the first one where none does."""
        for address in map(ip_address, addresses):
            for each in self.subnets:
                if any(address in ip_network(prefix) for prefix in each.prefixes):
                    return each
        return self.subnets[0]

    def as_network(self) -> Network:
        """As the networks of the estate are, with the switch left to VMM."""
        known = self.masquerade or {}
        pools = [pool for each in self.subnets for pool in each.pools]
        return Network.model_validate(
            {
                "name": self.name,
                "switch": self.logical_network,
                "vlan": next((each.vlan for each in self.subnets), None),
                "subnets": list(self.prefixes),
                "dns": list(dict.fromkeys(each for pool in pools for each in pool.dns)),
                "purpose": "test",
                "masquerade": [known[each] for each in self.prefixes if each in known],
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values, for the journal."""
        return {**asdict(self), "masquerade": dict(self.masquerade or {})}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> MadeNetwork:
        """What `as_dict` gave."""
        return cls(
            **{
                **written,
                "subnets": tuple(
                    MadeSubnet(
                        **{
                            **each,
                            "prefixes": tuple(each["prefixes"]),
                            "pools": tuple(
                                MadePool(
                                    **{
                                        **pool,
                                        "gateways": tuple(pool["gateways"]),
                                        "dns": tuple(pool["dns"]),
                                    }
                                )
                                for pool in each["pools"]
                            ),
                        }
                    )
                    for each in written["subnets"]
                ),
            }
        )
