"""Asking the person at the terminal before production is moved."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from secondsite.errors import UsageError

__all__ = ["confirm"]


def confirm(plan: str, *, what: Sequence[str], is_sure: bool) -> None:
    """Tell `what` will happen, and let the plan's name be typed unless `is_sure` (`--yes`).

    Raises:
        UsageError: nobody is there to ask, or something else was typed. Nothing was started.
    """
    for line in what:
        print(line, file=sys.stderr)
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "This needs a confirmation, and nobody is at the terminal. Nothing was started.",
            next_step="Add --yes, or run it where the plan's name can be typed.",
        )
    print(f"Type the plan's name ({plan}) to go on: ", end="", file=sys.stderr, flush=True)
    typed = sys.stdin.readline().strip()
    if typed != plan:
        raise UsageError(
            f"{typed!r} is not {plan!r}. Nothing was started.", next_step="Run it again when sure."
        )
