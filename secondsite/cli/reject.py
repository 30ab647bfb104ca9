"""`secondsite reject RUN GATE`: does not let a run pass a gate."""

from __future__ import annotations

import argparse

from secondsite.cli.deciding import add_arguments_of_decision, decide
from secondsite.run.events import Decision

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_arguments_of_decision(parser, steps="1")


def run(arguments: argparse.Namespace) -> int:
    """Decide; gives 0."""
    return decide(Decision.REJECT, arguments)
