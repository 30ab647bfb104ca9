"""`secondsite commit PLAN`: keeps the failover for good."""

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
        Operation.COMMIT,
        arguments,
        means="There is no way back after this, and no other recovery point.",
    )
