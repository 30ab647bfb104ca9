"""What the engine adds to what the sites need: test failovers of generated plans on the lab.

    python benchmarks/engine.py [--vms 12 100 500] [--scale 0.5]

For each size it prints the run's wall time over its critical path (the steps that had to follow
one another), WinRM requests per VM as the lab counted them, Prefect task runs, and the peak memory
of the process that ran the flow. Ratios and counts come from one run; times are this machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

_SAMPLE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One line of the result."""

    vms: int
    wall_s: float
    critical_path_s: float
    winrm_requests: int
    task_runs: int
    peak_memory_mib: float

    def __str__(self) -> str:
        """A row of the table."""
        return (
            f"{self.vms:>5} {self.wall_s:>8.1f} {self.critical_path_s:>10.1f} "
            f"{self.wall_s / self.critical_path_s:>7.3f} {self.winrm_requests / self.vms:>9.2f} "
            f"{self.task_runs:>10} {self.peak_memory_mib:>9.0f}"
        )


class Machine:
    """A home of its own for one measurement."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")
        }
        self._environment = kept | {
            "SECONDSITE_HOME": str(folder / "home"),
            "SECONDSITE_PLANS": str(folder / "estate" / "plans"),
        }

    def run(self, *words: str) -> str:
        """What `secondsite WORDS` prints."""
        command = [sys.executable, "-m", "secondsite", *words]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout


class PeakMemory:
    """Samples the flow's process below the worker while a run goes on."""

    def __init__(self, worker_pid: int) -> None:
        self._worker = psutil.Process(worker_pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.peak_bytes = 0

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            for child in self._worker.children(recursive=True):
                try:
                    self.peak_bytes = max(self.peak_bytes, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue


def measure(vms: int, *, scale: float) -> Figures:
    """Run one test failover of a generated plan and count."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        estate = machine.folder / "estate"
        machine.run("lab", "generate", str(estate), "--vms", str(vms), "--scale", str(scale))
        try:
            machine.run("lab", "up", "--estate", str(estate / "lab.yaml"))
            api_url = json.loads(machine.run("up", "--json"))["api_url"]
            worker_pid = json.loads(machine.run("status", "--json"))["worker"]["pid"]
            with PeakMemory(worker_pid) as memory:
                facts = json.loads(machine.run("run", "generated", "--kind", "test", "--json"))
            log = [json.loads(line) for line in machine.run("lab", "log", "--json").splitlines()]
            return Figures(
                vms=vms,
                wall_s=facts["duration_s"],
                critical_path_s=facts["critical_path_s"],
                winrm_requests=sum(1 for event in log if "wsman" in event),
                task_runs=_task_runs(api_url),
                peak_memory_mib=memory.peak_bytes / 2**20,
            )
        finally:
            machine.run("down")
            machine.run("lab", "down")


def _task_runs(api_url: str) -> int:
    # Prefect's server records task runs a little after they ended.
    count = -1
    while count != (now := _count(api_url)):
        count = now
        time.sleep(3)
    return count


def _count(api_url: str) -> int:
    answer: Any = httpx.post(f"{api_url}/task_runs/count", json={}, timeout=30).json()
    return int(answer)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vms", type=int, nargs="+", default=[12, 100, 500])
    parser.add_argument("--scale", type=float, default=0.5, help="factor on the lab's times")
    arguments = parser.parse_args()
    print("  VMs   wall s  crit.path s   ratio  WinRM/VM  task runs  peak MiB")
    for vms in arguments.vms:
        print(measure(vms, scale=arguments.scale), flush=True)


if __name__ == "__main__":
    main()
