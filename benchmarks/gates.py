"""What open gates cost: processes, threads and memory of server, worker and watch, together.

    python -m benchmarks.gates [--runs 20] [--gates 10]

Test failovers of generated plans on the lab come to gates before every one of their VMs, and wait.
Counted is what there is before the first run and when all of them wait, so the growth holds
everything that the runs have left behind as well.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from ruamel.yaml import YAML

from benchmarks.engine import Machine

__all__ = ["main"]

_LIMIT_MIB = 100
_PATIENCE_S = 1500
_SETTLED_AFTER_S = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the background services are made of at one moment."""

    processes: int
    threads: int
    memory_mib: float

    @classmethod
    def now(cls, home: Path) -> Cost:
        """Server, worker and watch with everything below them."""
        remembered = json.loads((home / "up.json").read_text())
        roots = [psutil.Process(each["pid"]) for each in remembered.values()]
        family = [each for root in roots for each in (root, *root.children(recursive=True))]
        return cls(
            processes=len(family),
            threads=sum(each.num_threads() for each in family),
            memory_mib=sum(each.memory_info().rss for each in family) / 2**20,
        )


def measure(runs: int, gates: int) -> tuple[Cost, Cost]:
    """The cost without open gates, and with so many gates in each of so many runs."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        estate = machine.folder / "estate"
        count = (runs + 1) * gates
        machine.run("lab", "generate", str(estate), "--vms", str(count), "--scale", "0.02")
        names = _write_plans(estate / "plans", runs=runs + 1, gates=gates)
        try:
            machine.run("lab", "up", "--estate", str(estate / "lab.yaml"))
            machine.run("up", "--json")
            _wait_at_gates(machine, names[:1], gates)  # what is needed once is there then
            before = _settled(machine)
            _wait_at_gates(machine, names[1:], gates)
            return before, _settled(machine)
        finally:
            machine.run("down")
            machine.run("lab", "down")


def _write_plans(folder: Path, *, runs: int, gates: int) -> list[str]:
    """One plan for each run, from the generated one: a gate before each of its VMs."""
    generated = folder / "generated.yaml"
    plan = YAML(typ="safe").load(generated)
    generated.unlink()
    vms = [_plain(vm) for group in plan["groups"] for vm in group["vms"]]
    names = []
    for number in range(runs):
        mine = vms[number * gates : (number + 1) * gates]
        names.append(f"gated-{number:03}")
        written = {
            "name": names[-1],
            "protection": plan["protection"],
            "groups": [{"name": "all", "vms": mine}],
        }
        (folder / f"{names[-1]}.yaml").write_text(json.dumps(written))
    return names


def _plain(vm: Any) -> dict[str, Any]:
    own = {"name": vm} if isinstance(vm, str) else dict(vm)
    own.pop("depends_on", None)
    return own | {"before": [{"gate": f"Start {own['name']}", "timeout": "1d"}]}


def _wait_at_gates(machine: Machine, plans: list[str], gates: int) -> None:
    """Start a run of each plan; return when all of their gates are open and no process is left."""
    for plan in plans:
        machine.run("run", plan, "--kind", "test", "--detach", "--json")
    given_up_at = time.monotonic() + _PATIENCE_S
    while time.monotonic() < given_up_at:
        waiting = json.loads(machine.run("gates", "--json"))["waiting"]
        mine = [each for each in waiting if each["run_id"].rpartition("-test-")[0] in plans]
        if len(mine) == len(plans) * gates:
            return
        time.sleep(2)
    sys.exit(f"not all gates are open after {_PATIENCE_S} s")


def _settled(machine: Machine) -> Cost:
    """The cost when the last flow's process has ended."""
    cost = Cost.now(machine.folder / "home")
    since = time.monotonic()
    while time.monotonic() - since < _SETTLED_AFTER_S:
        time.sleep(1)
        now = Cost.now(machine.folder / "home")
        if now.processes != cost.processes:
            since = time.monotonic()
        cost = now
    return cost


def main() -> int:
    """Print what open gates cost; gives 1 if that is too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--gates", type=int, default=10, help="in each of them")
    arguments = parser.parse_args()
    before, after = measure(arguments.runs, arguments.gates)
    grown = after.memory_mib - before.memory_mib
    print(f"{'':<28}{'processes':>10}{'threads':>9}{'RSS MiB':>9}")
    print(f"{'before':<28}{before.processes:>10}{before.threads:>9}{before.memory_mib:>9.0f}")
    gates = f"{arguments.runs * arguments.gates} gates open in {arguments.runs} runs"
    print(f"{gates:<28}{after.processes:>10}{after.threads:>9}{after.memory_mib:>9.0f}")
    is_cheap = after.processes <= before.processes and grown < _LIMIT_MIB
    print(f"memory grew by {grown:.0f} MiB: {'as promised' if is_cheap else 'TOO MUCH'}")
    return 0 if is_cheap else 1


if __name__ == "__main__":
    sys.exit(main())
