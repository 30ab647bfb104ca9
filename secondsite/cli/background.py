"""Background processes: started detached, known by pid and start time, ended by pid.

A pid alone may have been given to somebody else since; a pid with its start time has not.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

__all__ = ["BackgroundProcess", "forget", "load", "save", "start", "stop"]

_START_TIME_TOLERANCE_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundProcess:
    """A process that we started."""

    pid: int
    started_at_s: float

    def find(self) -> psutil.Process | None:
        """The process, if it still lives."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at_s) < _START_TIME_TOLERANCE_S
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.find() is not None


def start(
    command: Sequence[str], *, environment: Mapping[str, str], log: Path
) -> BackgroundProcess:
    """Start `command` detached from this terminal, its output appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=os.sep,
            start_new_session=True,
        )
    started_at_s = psutil.Process(process.pid).create_time()
    # We shall not wait for it: it outlives us. Without this, Python warns at exit.
    process.returncode = 0
    return BackgroundProcess(pid=process.pid, started_at_s=started_at_s)


def stop(background: BackgroundProcess, *, timeout_s: float) -> bool:
    """End the process and all that it started; gives whether there was anything to end.

    Asks first, and kills what still lives after `timeout_s` seconds.
    """
    process = background.find()
    if process is None:
        return False
    family = [process]
    with suppress(psutil.NoSuchProcess):
        family += process.children(recursive=True)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(family, timeout=timeout_s)
    for member in alive:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(alive, timeout=5)
    return True


def save(path: Path, processes: Mapping[str, BackgroundProcess]) -> None:
    """Remember `processes` in the file `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({name: asdict(process) for name, process in processes.items()}))
    part.replace(path)


def load(path: Path) -> dict[str, BackgroundProcess]:
    """The processes remembered in `path`; none if there is no such file."""
    try:
        stored = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {name: BackgroundProcess(**fields) for name, fields in stored.items()}


def forget(path: Path) -> None:
    """Remove the memory of ended processes."""
    path.unlink(missing_ok=True)
