"""`secondsite validate [PATH…]`: every fault of plans and estate at once; needs no site, no lab."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from secondsite.home import plans_folder

if TYPE_CHECKING:
    from secondsite.plan.loader import Verdict

__all__ = ["add_arguments", "run"]

_WRONG = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="folders of plans, plans or estates (default: $SECONDSITE_PLANS, or ./plans)",
    )
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print what is wrong; 0 if nothing is, else 3."""
    paths: Sequence[Path] = arguments.paths or [_short(plans_folder())]
    verdicts = [_verdict(path) for path in paths]
    faults = sorted({fault for verdict in verdicts for fault in verdict.faults})
    warnings = sorted({warning for verdict in verdicts for warning in verdict.warnings})
    plans = [(path, plan) for verdict in verdicts for path, plan, _ in verdict.plans]
    suites = [(path, suite) for verdict in verdicts for path, suite in verdict.suites]
    if arguments.json:
        facts = {
            "valid": not faults,
            "faults": [asdict(fault) for fault in faults],
            "warnings": [asdict(warning) for warning in warnings],
            "plans": [
                {"name": plan.name, "file": str(path), "vms": len(list(plan.vms))}
                for path, plan in plans
            ],
            "suites": [
                {"name": suite.name, "file": str(path), "plans": list(suite.plans)}
                for path, suite in suites
            ],
        }
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return _WRONG if faults else 0
    for fault in faults:
        print(fault, file=sys.stderr)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if faults:
        print(f"{_count(len(faults), 'fault')}. Nothing was touched.", file=sys.stderr)
        return _WRONG
    for path, plan in plans:
        vms, groups = len(list(plan.vms)), len(plan.groups)
        print(f"{path}: {plan.name}, {_count(vms, 'VM')} in {_count(groups, 'group')}")
    for path, suite in suites:
        print(f"{path}: {suite.name}, a suite of {_count(len(suite.plans), 'plan')}")
    print("No faults.")
    return 0


def _verdict(path: Path) -> Verdict:
    from secondsite.plan.loader import ESTATE_NAMES, estate_file, examine, plan_files
    from secondsite.plan.suite_loader import suite_files

    if path.name in ESTATE_NAMES:
        return examine(path, [])
    if path.suffix in {".yaml", ".yml"}:
        return examine(estate_file(path.parent), [path])
    return examine(estate_file(path), plan_files(path), suites=suite_files(path))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _short(path: Path) -> Path:
    """`path` from the current directory, where it is below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
