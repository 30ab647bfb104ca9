"""The connector to one VMM server."""

from __future__ import annotations

from secondsite.connectors.vmm.networks import (
    MakeNetworkRequest,
    RemoveNetworkRequest,
    VmmAdapter,
    VmmConnection,
    mark_of,
)
from secondsite.connectors.vmm.requests import GrantRequest, PoolAdapter, RevokeRequest
from secondsite.connectors.vmm.server import VmmServer

__all__ = [
    "GrantRequest",
    "MakeNetworkRequest",
    "PoolAdapter",
    "RemoveNetworkRequest",
    "RevokeRequest",
    "VmmAdapter",
    "VmmConnection",
    "VmmServer",
    "mark_of",
]
