"""What our VMM scripts answer, as the domain's objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from secondsite.connectors.addresses import usable_addresses
from secondsite.connectors.base import (
    Inventory,
    InventoryAdapter,
    InventoryNetwork,
    InventoryPool,
    InventoryVm,
)
from secondsite.connectors.outcomes import read_items, read_object, read_outcomes
from secondsite.errors import SiteError

__all__ = ["read_addresses", "read_inventory"]


def read_inventory(answer: Any, *, host: str) -> Inventory:
    """Everything that the server manages."""
    found = read_object(answer, host=host)
    return Inventory(
        clouds=_texts(found["clouds"]),
        hosts=_texts(found["hosts"]),
        vms=tuple(_vm(row) for row in read_items(found["vms"])),
        networks=tuple(_network(row) for row in read_items(found["networks"])),
        classifications=_texts(found["classifications"]),
    )


def _vm(row: Mapping[str, Any]) -> InventoryVm:
    adapters = row.get("adapters")
    told = (
        None
        if adapters is None
        else tuple(InventoryAdapter(**each) for each in read_items(adapters))
    )
    return InventoryVm(**{**row, "adapters": told})


def _network(row: Mapping[str, Any]) -> InventoryNetwork:
    return InventoryNetwork(
        name=row["name"],
        id=row["id"],
        logical_network=row["logical_network"],
        isolation=row["isolation"],
        subnets=_texts(row["subnets"]),
        pools=tuple(InventoryPool(**pool) for pool in read_items(row["pools"])),
        hosts=None if row.get("hosts") is None else _texts(row["hosts"]),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in read_items(value))


def read_addresses(
    answer: Any, *, host: str, vm_ids: Iterable[str]
) -> dict[str, tuple[str, ...] | SiteError]:
    """Usable addresses per VM id, for every VM that was asked for."""
    outcomes = read_outcomes(answer, host=host, vms=vm_ids, action="find its addresses")
    return {
        vm_id: outcome
        if isinstance(outcome, SiteError)
        else usable_addresses(read_items(outcome.evidence.get("addresses")))
        for vm_id, outcome in outcomes.items()
    }
