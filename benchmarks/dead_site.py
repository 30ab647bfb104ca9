"""What a dead site costs: an unplanned failover with every server of the primary site gone.

    python -m benchmarks.dead_site [--vms 100] [--scale 0.5]

Every server of the primary site, its DNS server included, is in turn: *gone* (refuses connections
at once), *dead* (its process was killed), *silent* (drops every SYN) and *hung* (takes connections
and never answers); each with the primary side skipped and attempted, with the limits of an
ordinary estate. Printed is how long the failover took over what it took with the servers gone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from benchmarks.dead_servers import WAYS
from secondsite.run.journal import Journal
from secondsite.run.replay import replay
from tests.campaign.engine import Errand, carry_out

__all__ = ["Figures", "measure"]

_SITE = "tokyo"
_LIMIT_S = 1800.0
_SAID = "every server of it is out of order, and this is a benchmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One failover: how it ended, and how long it took, the look before it included."""

    way: str
    primary_side: str
    state: str
    took_s: float
    preflight_s: float


def measure(way: str, primary_side: str, *, vms: int, scale: float) -> Figures:
    """Fail one freshly generated estate over, with its primary site out of order in that way."""
    with tempfile.TemporaryDirectory() as root, WAYS[way]() as port:
        home, estate = Path(root) / "home", Path(root) / "estate"
        generate = ("lab", "generate", str(estate), "--vms", str(vms), "--scale", str(scale))
        _secondsite(home, *generate)
        with _lab(home, estate / "lab.yaml"):
            _lead_astray(home, port)
            return _fail_over(home, estate / "plans", way=way, primary_side=primary_side)


@contextmanager
def _lab(home: Path, estate: Path) -> Iterator[None]:
    _secondsite(home, "lab", "up", "--estate", str(estate))
    try:
        _secondsite(home, "lab", "break", "partition", "--site", _SITE)
        yield
    finally:
        _secondsite(home, "lab", "down")


def _lead_astray(home: Path, port: int) -> None:
    """Let the engine find every server of the site at `port`."""
    path = home / "lab" / "endpoints.json"
    endpoints = json.loads(path.read_text())
    for kind in ("servers", "dns"):
        for name, endpoint in endpoints[kind].items():
            if _SITE in name:
                endpoint["port"] = port
    path.write_text(json.dumps(endpoints))


def _fail_over(home: Path, plans: Path, *, way: str, primary_side: str) -> Figures:
    flow_run = uuid4()
    errand = Errand(
        home=home,
        plans=plans,
        plan="generated",
        operation="unplanned",
        direction="forward",
        options={"primary_side": primary_side, "other_site_is_gone": _SAID},
        flow_run=str(flow_run),
        instant="",
        answers=False,
        limits={},
        verdict=home / "verdict.json",
    )
    os.environ["PREFECT_API_URL"] = "http://127.0.0.1:1/api"  # its progress is shown to no one
    engine = multiprocessing.get_context("spawn").Process(target=carry_out, args=(errand,))
    engine.start()
    engine.join(_LIMIT_S)
    if engine.is_alive():
        engine.kill()
        sys.exit(f"{way}, {primary_side}: not over within {_LIMIT_S:g} s")
    return _figures(home, flow_run, way=way, primary_side=primary_side)


def _figures(home: Path, flow_run: UUID, *, way: str, primary_side: str) -> Figures:
    with closing(Journal.open(f"sqlite:///{home / 'journal.db'}")) as journal:
        run_id = journal.find(flow_run.hex[:8]) or ""
        record = replay(entry.event for entry in journal.read(run_id))
    looked = next(step for step in record.steps if step.id == "preflight")
    if record.ended_at is None or looked.started_at is None or looked.ended_at is None:
        sys.exit(f"{way}, {primary_side}: the engine died")
    return Figures(
        way=way,
        primary_side=primary_side,
        state=record.state,
        took_s=(record.ended_at - looked.started_at).total_seconds(),
        preflight_s=(looked.ended_at - looked.started_at).total_seconds(),
    )


def _secondsite(home: Path, *words: str) -> None:
    command = [sys.executable, "-m", "secondsite", *words]
    environment = os.environ | {"SECONDSITE_HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}")


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; gives 1 when a failover did not end well."""
    parser = argparse.ArgumentParser(description="What a dead site costs a failover.")
    parser.add_argument("--vms", type=int, default=100)
    parser.add_argument("--scale", type=float, default=0.5, help="factor on the lab's times")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument(
        "--sides", nargs="+", choices=["skip", "attempt"], default=["skip", "attempt"]
    )
    arguments = parser.parse_args(words)
    print(
        f"{'primary side':<13} {'servers':<8} {'state':<7} {'took s':>8} {'look s':>7} {'ratio':>7}"
    )
    is_well = True
    for side in arguments.sides:
        first: Figures | None = None
        for way in arguments.ways:
            each = measure(way, side, vms=arguments.vms, scale=arguments.scale)
            first = first or each
            is_well = is_well and each.state == "done"
            print(
                f"{side:<13} {way:<8} {each.state:<7} {each.took_s:>8.1f} {each.preflight_s:>7.1f} "
                f"{each.took_s / first.took_s:>7.3f}",
                flush=True,
            )
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
