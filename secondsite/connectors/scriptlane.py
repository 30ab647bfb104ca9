"""What the Hyper-V and VMM connectors need of a connection: to call a script with parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from secondsite.connectors.winrm.script import Json, Script

__all__ = ["Json", "Script", "ScriptLane"]


class ScriptLane(Protocol):
    """One connection to one Windows server; `secondsite.connectors.winrm.Lane` is one."""

    def call(self, script: Script, parameters: Mapping[str, Json], *, timeout_s: float) -> Json:
        """The object that `script` answers with.

        Raises:
            SiteError: by class: surely not started, outcome unknown, or the script failed.
        """
