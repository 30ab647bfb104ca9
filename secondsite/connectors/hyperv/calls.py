"""Calling our Hyper-V scripts through a lane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from secondsite.connectors.base import Outcomes
from secondsite.connectors.hyperv.requests import patience_s
from secondsite.connectors.outcomes import read_outcomes
from secondsite.connectors.scriptlane import Json, Script, ScriptLane

__all__ = ["HostCalls"]


@cache
def _script(name: str) -> Script:
    return Script.from_package("secondsite.connectors.hyperv", f"scripts/{name}.ps1")


class HostCalls:
    """One Hyper-V host through one lane, which takes one call at a time.

    Args:
        name: The host's name in the estate; results and errors use it.
        lane: A connection to it.
    """

    def __init__(self, *, name: str, lane: ScriptLane) -> None:
        self.name = name
        self._lane = lane

    def _call(self, script: str, parameters: Mapping[str, Json], *, timeout_s: float) -> Any:
        return self._lane.call(_script(script), parameters, timeout_s=timeout_s)

    def _act(
        self,
        script: str,
        parameters: Mapping[str, Json],
        *,
        vms: Iterable[str],
        action: str,
        timeout_s: float,
        confirm_s: float | None = None,
    ) -> Outcomes:
        """One request for all of `vms`; none at all for none.

        Args:
            script: Name of the script.
            parameters: What it is handed.
            vms: Whose outcomes are wanted.
            action: Completes "could not ...".
            timeout_s: For all of it.
            confirm_s: How long the script may wait at most for what it did to show.
        """
        names = list(vms)
        if not names:
            return {}
        if confirm_s is not None:
            parameters = {**parameters, "ConfirmS": patience_s(timeout_s, at_most_s=confirm_s)}
        answer = self._call(script, parameters, timeout_s=timeout_s)
        return read_outcomes(answer, host=self.name, vms=names, action=action)
