"""Which options of `secondsite run` belong to which kind of failover.

An option that would do nothing is refused: whoever gave it believes that it does.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from secondsite.errors import UsageError

__all__ = ["check_choices"]

_KINDS: Mapping[str, tuple[str, ...]] = {
    "test_network": ("test",),
    "clean_up": ("test",),
    "hold": ("test",),
    "primary_side": ("unplanned",),
    "other_site_is_gone": ("unplanned",),
    "recovery_point": ("test", "unplanned"),
    "recovery_point_of": ("test", "unplanned"),
}
"""The kinds in which an option means something; those that are not here mean something in all."""

_LATEST = "`--kind planned` sends the last changes first: it has no recovery point to choose."


def check_choices(arguments: argparse.Namespace) -> None:
    """Refuse what would be ignored.

    Raises:
        UsageError: an option is for another kind of failover. Nothing was started.
    """
    wrong = [
        name
        for name, kinds in _KINDS.items()
        if getattr(arguments, name) and arguments.kind not in kinds
    ]
    if wrong:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in wrong)
        kinds = " and ".join(dict.fromkeys(f"--kind {k}" for name in wrong for k in _KINDS[name]))
        is_point = arguments.kind == "planned" and any("recovery_point" in name for name in wrong)
        raise UsageError(
            f"{options}: only with {kinds}, and this is --kind {arguments.kind}. "
            "Nothing was started.",
            next_step=f"Leave it out, or choose another kind.{f' {_LATEST}' if is_point else ''}",
        )
    if arguments.hold and not arguments.clean_up:
        raise UsageError(
            "--hold asks people before the clean-up, and without --clean-up there is none in this "
            "run. Nothing was started.",
            next_step="Add --clean-up, or leave --hold out: the test VMs stay up until "
            "`secondsite cleanup`.",
        )
