"""The lab's background process: brought up, found again, ended."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from secondsite.cli.background import BackgroundProcess, start, stop
from secondsite.errors import UnreachableError, UsageError
from secondsite.lab.endpoints import LabFolder

__all__ = ["down", "up"]

_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 10.0
_POLL_S = 0.05
_TAIL_LINES = 12


def up(home: Path, *, estate: Path, scale: float | None = None) -> dict[str, Any]:
    """Bring the lab up unless it is; gives its endpoints.

    Raises:
        PlanError: the lab's file is wrong; nothing was started.
        UsageError: another lab is up in this home, or the scale makes no sense.
        UnreachableError: the process did not come up.
    """
    from secondsite.lab.estate_loader import load_lab_estate

    wanted = load_lab_estate(estate)
    if scale is not None and not 0 < scale <= 10:
        raise UsageError(
            f"The scale {scale:g} is out of range.",
            next_step="Write a factor above 0 and up to 10: 0.05 is twenty times as fast.",
        )
    folder = LabFolder(home)
    running = _running(folder)
    if running is not None:
        return _join(folder, running, lab=wanted.name)
    folder.make()
    folder.forget()
    command = [sys.executable, "-m", "secondsite.lab.daemon"]
    command += ["--estate", str(estate.absolute()), "--home", str(home)]
    if scale is not None:
        command += ["--scale", str(scale)]
    folder.daemon_log.unlink(missing_ok=True)
    process = start(command, environment=dict(os.environ), log=folder.daemon_log)
    return _wait(folder, process)


def down(home: Path) -> bool:
    """End the lab of this home; gives whether there was one. Doing it twice is harmless."""
    folder = LabFolder(home)
    running = _running(folder)
    ended = running is not None and stop(running, timeout_s=_STOP_LIMIT_S)
    folder.forget()
    return ended


def _running(folder: LabFolder) -> BackgroundProcess | None:
    recorded = folder.read_process()
    if recorded is None:
        return None
    process = BackgroundProcess(pid=recorded["pid"], started_at_s=recorded["started_at_s"])
    return process if process.is_alive else None


def _join(folder: LabFolder, process: BackgroundProcess, *, lab: str) -> dict[str, Any]:
    endpoints = _wait(folder, process)
    if endpoints["lab"] != lab:
        raise UsageError(
            f"The lab {endpoints['lab']} is up in {folder.home}; one home has one lab.",
            next_step="End it with `secondsite lab down`, or use another SECONDSITE_HOME.",
        )
    return endpoints


def _wait(folder: LabFolder, process: BackgroundProcess) -> dict[str, Any]:
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline:
        endpoints = folder.read_endpoints()
        if endpoints is not None and endpoints.get("pid") == process.pid:
            return endpoints
        if not process.is_alive:
            raise UnreachableError(
                f"The lab ended as it started. It said: {_tail(folder.daemon_log)}",
                next_step=f"All it said is in {folder.daemon_log}",
            )
        time.sleep(_POLL_S)
    stop(process, timeout_s=_STOP_LIMIT_S)
    raise UnreachableError(
        f"The lab was not ready within {_START_LIMIT_S:g} s, and was ended.",
        next_step=f"What it said is in {folder.daemon_log}",
    )


def _tail(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "nothing"
    return "\n".join(lines[-_TAIL_LINES:]) or "nothing"
