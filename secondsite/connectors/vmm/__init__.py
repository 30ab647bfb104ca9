"""The connector to one VMM server."""

from __future__ import annotations

from secondsite.connectors.vmm.networks import (
    MadeAdapter,
    MadeConnection,
    MakeNetworkRequest,
    RemoveNetworkRequest,
    mark_of,
)
from secondsite.connectors.vmm.requests import GrantRequest, PoolAdapter, RevokeRequest
from secondsite.connectors.vmm.server import VmmServer

__all__ = [
    "GrantRequest",
    "MadeAdapter",
    "MadeConnection",
    "MakeNetworkRequest",
    "PoolAdapter",
    "RemoveNetworkRequest",
    "RevokeRequest",
    "VmmServer",
    "mark_of",
]
