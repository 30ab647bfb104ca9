"""Scripts of a plan, run on a Windows server."""

from __future__ import annotations

from secondsite.connectors.planscripts.run import run_plan_script

__all__ = ["run_plan_script"]
