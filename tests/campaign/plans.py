"""The plans folder of a campaign: the shipped one, and a plan with hooks."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["HOOKS", "MARK", "MARKED_ANYHOW", "MARKED_ONCE", "PAYROLL", "write_plans"]

REPOSITORY = Path(__file__).parents[2]
PAYROLL = "payroll"
HOOKS = "payroll-hooks"
MARK = "marked"
MARKED_ONCE, MARKED_ANYHOW = "pay01", "pay02"
"""Which VM is marked by a script that is skipped when in doubt, and by one that then runs again."""

_GATE_AND_SCRIPT = """\
shutdown:
  before:
    - gate: Books closed
      instructions: Say so.
      timeout: 1h
      on_timeout: stop
    - {script: scripts/mark.ps1, name: Mark before, on: "host:pay01", on_unknown: skip,
       arguments: {Vm: pay01}}
groups:
"""
_SCRIPT_AFTER = """\
    after:
      - {script: scripts/mark.ps1, name: Mark after, on: "host:pay02", on_unknown: rerun,
         arguments: {Vm: pay02}}
"""
_SCRIPT = """\
param($Vm, $RecoveryPlanContext)
$ErrorActionPreference = 'Stop'
Set-VM -Name $Vm -Notes 'marked'
"""


def write_plans(folder: Path) -> None:
    """Make the plans folder."""
    shutil.copytree(REPOSITORY / "plans", folder)
    estate = folder / "estate.yaml"
    # At this scale nothing takes long: looking often costs nothing, waiting long would.
    estate.write_text(estate.read_text().replace("poll_interval: 1s", "poll_interval: 50ms"))
    payroll = folder / f"{PAYROLL}.yaml"
    text = payroll.read_text().replace("ttl: 5m}", "ttl: 5m, ptr: true}")
    payroll.write_text(text)
    hooks = text.replace("name: payroll\n", f"name: {HOOKS}\n", 1)
    hooks = hooks.replace("groups:\n", _GATE_AND_SCRIPT, 1).rstrip() + "\n" + _SCRIPT_AFTER
    (folder / f"{HOOKS}.yaml").write_text(hooks)
    (folder / "scripts" / "mark.ps1").write_text(_SCRIPT)
