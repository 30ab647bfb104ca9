"""Scripts of a plan, run on a Windows server, inside a VM or on the engine's own machine."""

from __future__ import annotations

from secondsite.connectors.planscripts.engine import run_engine_script
from secondsite.connectors.planscripts.guest import Guest, run_guest_script
from secondsite.connectors.planscripts.run import run_plan_script

__all__ = ["Guest", "run_engine_script", "run_guest_script", "run_plan_script"]
