"""Which process carries a run, by a name that tells on the same machine whether it still lives."""

from __future__ import annotations

import os
import re
import socket

import psutil

__all__ = ["is_surely_gone", "this_process"]

_HOLDER = re.compile(r"(?P<host>.+):(?P<pid>\d+)(?:@(?P<started_at>\d+))?")
_SAME_START_S = 2.0


def this_process() -> str:
    """`host:pid@start`: a process id alone may be used again."""
    started_at = psutil.Process().create_time()
    return f"{socket.gethostname()}:{os.getpid()}@{started_at:.0f}"


def is_surely_gone(holder: str) -> bool:
    """Whether the process named `holder` ran on this machine and has ended.

    False for processes of other machines: only a missing heartbeat tells of those.
    """
    match = _HOLDER.fullmatch(holder)
    if match is None or match["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(match["pid"]))
        is_dead = process.status() == psutil.STATUS_ZOMBIE
        started_at = process.create_time()
    except psutil.NoSuchProcess:
        return True
    if is_dead:
        return True
    return match["started_at"] is not None and (
        abs(started_at - float(match["started_at"])) > _SAME_START_S
    )
