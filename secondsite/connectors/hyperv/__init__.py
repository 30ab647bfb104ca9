"""The connector to one Hyper-V host."""

from __future__ import annotations

from secondsite.connectors.hyperv.failover import FailoverRequest, StartAction
from secondsite.connectors.hyperv.host import HyperVHost

__all__ = ["FailoverRequest", "HyperVHost", "StartAction"]
