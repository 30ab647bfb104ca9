"""`secondsite mark-done RUN [STEP…]`: takes failed steps as done by hand."""

from __future__ import annotations

import argparse

from secondsite.cli.deciding import add_arguments_of_decision, decide
from secondsite.run.events import Decision

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_arguments_of_decision(parser, steps="*")


def run(arguments: argparse.Namespace) -> int:
    """Decide; gives 0."""
    return decide(Decision.MARK_DONE, arguments)
