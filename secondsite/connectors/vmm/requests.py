"""Requests for addresses of VMM's static pools. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["GrantRequest", "RevokeRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRequest:
    """One address to be taken out of a pool.

    Attributes:
        vm: Name for results and errors.
        pool: Name of the static IP address pool.
        owner_id: GUID that VMM notes as the owner: the VM's or its adapter's VMM id.
        mark: Who took it (the run's id): an address with this mark is ours, and not taken twice.
        address: A certain address; None: the next free one.
    """

    vm: str
    pool: str
    owner_id: str
    mark: str
    address: str | None = None

    def as_row(self) -> dict[str, str | None]:
        """One element of `grant_addresses.ps1 -Requests`."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeRequest:
    """One address to be given back; `owner_id` and `mark` as when it was granted."""

    vm: str
    owner_id: str
    address: str
    mark: str

    def as_row(self) -> dict[str, str]:
        """One element of `revoke_addresses.ps1 -Requests`."""
        return asdict(self)
