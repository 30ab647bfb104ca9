"""WinRM: the one way in which the engine talks to Windows. `winrm` is imported nowhere else."""

from __future__ import annotations

from secondsite.connectors.winrm.certificate import certificate_expiry
from secondsite.connectors.winrm.endpoint import Endpoint
from secondsite.connectors.winrm.lane import Lane, ScriptRun
from secondsite.connectors.winrm.limits import LaneLimits
from secondsite.connectors.winrm.pool import LanePool
from secondsite.connectors.winrm.script import Json, Script

__all__ = [
    "Endpoint",
    "Json",
    "Lane",
    "LaneLimits",
    "LanePool",
    "Script",
    "ScriptRun",
    "certificate_expiry",
]
