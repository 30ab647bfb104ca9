"""VM networks: what is asked of VMM about them, and what it shows of them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_network
from typing import Any

from secondsite.connectors.logical_networks import (
    LogicalView,
    NetworkView,
    SiteView,
    SubnetView,
)
from secondsite.connectors.outcomes import read_items, read_object
from secondsite.plan.made_network import MadeNetwork, MadePool

__all__ = [
    "MakeNetworkRequest",
    "RemoveNetworkRequest",
    "VmmAdapter",
    "VmmConnection",
    "mark_of",
    "read_logical_networks",
]


def mark_of(run_id: str) -> str:
    """What the networks of a run bear as their description: only such ones are ever removed."""
    return f"secondsite: network of {run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeNetworkRequest:
    """A VM network that is to be there."""

    network: MadeNetwork
    mark: str

    def as_row(self) -> dict[str, Any]:
        """One element of `make_networks.ps1 -Requests`."""
        written = self.network.as_dict()
        keys = ("name", "logical_network", "isolation", "subnets")
        return {**{key: written[key] for key in keys}, "mark": self.mark}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNetworkRequest:
    """A VM network of ours that is to be gone, with everything that was made for it."""

    name: str
    mark: str

    def as_row(self) -> dict[str, Any]:
        """One element of `remove_networks.ps1 -Requests`."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class VmmAdapter:
    """One adapter and the VM network that it is connected to.

    Attributes:
        adapter: Its name.
        number: Its place among the adapters of that name, from 0.
        network: The VM network; empty: it is taken off the one that it is on.
        mark: Description of a network that a test made for itself: one without it is not ours.
            Empty for networks of the estate.
        subnet: The VM subnet by name; of a network with one subnet it need not be told.
        prefix: The VM subnet by its subnet, where the name is not known.
        is_allocated: VMM gives it an address out of the network's pool, and hands it out; when it
            is taken off, that address is given back.
    """

    adapter: str
    number: int = 0
    network: str
    mark: str = ""
    subnet: str = ""
    prefix: str = ""
    vlan: int | None = None
    is_allocated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VmmConnection:
    """A VM whose adapters are connected by VMM.

    Attributes:
        vm: Its name on its host.
        vm_id: Hyper-V's VMId.
        host: VMM is told to look at it, if it does not know the VM yet.
    """

    vm: str
    vm_id: str
    host: str
    adapters: tuple[VmmAdapter, ...]

    def as_row(self) -> dict[str, Any]:
        """One element of `connect_adapters.ps1 -Requests`."""
        return {**asdict(self), "adapters": [asdict(each) for each in self.adapters]}


def read_logical_networks(answer: Any, *, host: str) -> tuple[LogicalView, ...]:
    """The answer of `logical_networks.ps1`."""
    found = read_items(read_object(answer, host=host).get("logical_networks"))
    return tuple(
        LogicalView(
            name=row["name"],
            isolation=row["isolation"],
            hosts=tuple(str(each) for each in read_items(row["hosts"])),
            sites=tuple(each for site in read_items(row["sites"]) for each in _wires(site)),
            networks=tuple(_network(each) for each in read_items(row["networks"])),
        )
        for row in found
    )


def _wires(row: Mapping[str, Any]) -> list[SiteView]:
    """A network site VLAN by VLAN."""
    prefixes: dict[int, list[str]] = defaultdict(list)
    for part in read_items(row["parts"]):
        prefixes[int(part["vlan"])].append(part["subnet"])
    wires = []
    for vlan, found in prefixes.items():
        own = tuple(str(ip_network(each)) for each in found if each)
        pools = [each for each in read_items(row["pools"]) if _prefix(each) in own]
        wires.append(
            SiteView(
                name=row["name"],
                vlan=vlan or None,
                prefixes=own,
                pools=tuple(_pool(each) for each in pools),
                granted=tuple(int(each["granted"]) for each in pools),
            )
        )
    return wires


def _network(row: Mapping[str, Any]) -> NetworkView:
    return NetworkView(
        name=row["name"],
        isolation=row["isolation"],
        subnets=tuple(_subnet(each) for each in read_items(row["subnets"])),
    )


def _subnet(row: Mapping[str, Any]) -> SubnetView:
    parts = read_items(row["parts"])
    prefixes = tuple(str(ip_network(each["subnet"])) for each in parts if each["subnet"])
    return SubnetView(
        name=row["name"],
        site=row["site"] or "",
        vlan=next((int(each["vlan"]) for each in parts if each["vlan"]), None),
        prefixes=prefixes,
        pools=tuple(_pool(each) for each in read_items(row["pools"]) if _prefix(each) in prefixes),
    )


def _prefix(row: Mapping[str, Any]) -> str:
    return str(ip_network(row["subnet"]))


def _pool(row: Mapping[str, Any]) -> MadePool:
    return MadePool(
        name=row["name"],
        subnet=_prefix(row),
        first=row["first"],
        last=row["last"],
        gateways=tuple(str(each) for each in read_items(row["gateways"]) if each),
        dns=tuple(str(each) for each in read_items(row["dns"]) if each),
    )
