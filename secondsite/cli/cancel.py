"""`secondsite cancel PLAN`: VMs start again where they were before the failover."""

from __future__ import annotations

import argparse

from secondsite.cli.after_failover import add_arguments_of_verb, carry_out
from secondsite.graph import Operation

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_arguments_of_verb(parser)
    parser.add_argument(
        "--other-site-is-gone",
        metavar="TEXT",
        default="",
        help="the site that the VMs were to go to is silent: who says that they do not run there, "
        "and how they know",
    )


def run(arguments: argparse.Namespace) -> int:
    """Carry it out; gives 0 when it is done, 1 when it failed, 4 when it waits for people."""
    return carry_out(
        Operation.CANCEL,
        arguments,
        means="The VMs start again where they were.",
        more={"other_site_is_gone": arguments.other_site_is_gone},
    )
