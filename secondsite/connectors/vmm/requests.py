"""Requests for addresses of VMM's static pools. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["GrantRequest", "PoolAdapter", "RevokeRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolAdapter:
    """One adapter that is to get an address of each family for which its network has a pool.

    Attributes:
        adapter: Its name.
        number: Its place among the adapters of that name, from 0.
        network: The VM network whose pools are meant.
        wanted: Addresses to try first, in this order; else it is the next free one.
    """

    adapter: str
    number: int = 0
    network: str
    wanted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRequest:
    """Addresses to be taken out of pools for one VM.

    Attributes:
        vm: Name for results and errors.
        vm_id: Hyper-V's VMId.
        mark: What they are taken for: an address of the same adapter with this mark is ours, and
            not taken twice, whoever asks again.
    """

    vm: str
    vm_id: str
    mark: str
    adapters: tuple[PoolAdapter, ...]

    def as_row(self) -> dict[str, Any]:
        """One element of `grant_addresses.ps1 -Requests`."""
        rows = [{**asdict(each), "wanted": list(each.wanted)} for each in self.adapters]
        return {"vm": self.vm, "vm_id": self.vm_id, "mark": self.mark, "adapters": rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeRequest:
    """All addresses of one VM to be given back that were taken with this mark."""

    vm: str
    vm_id: str
    mark: str

    def as_row(self) -> dict[str, Any]:
        """One element of `revoke_addresses.ps1 -Requests`."""
        return asdict(self)
