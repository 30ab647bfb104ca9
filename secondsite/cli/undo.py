"""`secondsite undo PLAN`: takes the failover back, before it is committed."""

from __future__ import annotations

import argparse

from secondsite.cli.after_failover import add_arguments_of_verb, carry_out
from secondsite.graph import Operation

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_arguments_of_verb(parser)


def run(arguments: argparse.Namespace) -> int:
    """Carry it out; gives 0 when it is done, 1 when it failed, 4 when it waits for people."""
    return carry_out(
        Operation.UNDO,
        arguments,
        means="The VMs are turned off where they run now; what they wrote there is lost.",
    )
