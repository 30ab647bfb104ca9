"""Which process carries a run, by a name that tells on the same machine whether it still lives.

A process id alone may be used again, and two machines may have one name. So the name of a process
also bears when it started, and in which table of processes: that of one boot of one machine, or of
one container on it. Whoever looks from another table learns nothing from it, and says so.
"""

from __future__ import annotations

import os
import re
import socket
import zlib
from pathlib import Path

import psutil

__all__ = ["is_surely_gone", "this_process"]

_HOLDER = re.compile(r"(?P<host>.+):(?P<pid>\d+)(?:@(?P<started>\d+)(?:~(?P<table>[0-9a-f]+))?)?")
_SAME_START_S = 2.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def this_process() -> str:
    """`host:pid@start~table`; without `~table` where the system tells no such thing."""
    process, table = psutil.Process(), _table()
    name = f"{socket.gethostname()}:{os.getpid()}@{_started_s(process, table):.0f}"
    return f"{name}~{table}" if table else name


def is_surely_gone(holder: str) -> bool:
    """Whether the process named `holder` ran on this machine and has ended.

    False for processes of other machines and containers, and of this machine before its last start:
    only a missing heartbeat tells of those.
    """
    match = _HOLDER.fullmatch(holder)
    if match is None or match["host"] != socket.gethostname():
        return False
    table = match["table"] or ""
    if table and table != _table():
        return False
    try:
        process = psutil.Process(int(match["pid"]))
        is_dead = process.status() == psutil.STATUS_ZOMBIE
        started_s = _started_s(process, table)
    except psutil.NoSuchProcess:
        return True
    if is_dead:
        return True
    return match["started"] is not None and (
        abs(started_s - float(match["started"])) > _SAME_START_S
    )


def _started_s(process: psutil.Process, table: str) -> float:
    """When it started: since the machine's start, where `table` names that; else since the epoch.

    Linux computes the time since the epoch from a clock that may be set meanwhile; a live process
    would look like another one then.
    """
    return process.create_time() - (psutil.boot_time() if table else 0.0)


def _table() -> str:
    """Which table of processes this process sees; empty where nothing tells."""
    try:
        names = f"{_BOOT_ID.read_text().strip()} {_PID_NAMESPACE.readlink()}"
    except OSError:
        return ""
    return f"{zlib.crc32(names.encode()):08x}"
