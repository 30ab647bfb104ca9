"""`secondsite down`: ends what `up` started, and nothing else."""

from __future__ import annotations

import argparse
import json

from secondsite.cli.services import services

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """End the worker, then the server. Doing it twice is harmless."""
    ended = services().stop()
    if arguments.json:
        print(json.dumps({"ended": ended}))
    elif ended:
        print(f"Ended: {', '.join(ended)}.")
    else:
        print("Nothing of this home was running.")
    return 0
