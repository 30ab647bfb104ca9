"""A suite: several plans that are rehearsed one after the other, with one report."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from secondsite.plan.schedule import Schedule
from secondsite.plan.written import Written

__all__ = ["Suite"]

_SUITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def _suite_name(text: str) -> str:
    if not _SUITE_NAME.fullmatch(text):
        raise ValueError(
            f'"{text}" is no name for a suite: write up to 63 letters, digits, - and _, '
            "beginning with a letter or a digit"
        )
    return text


class Suite(Written):
    """Several plans, rehearsed in sequence.

    Attributes:
        name: Unique among the suites and the plans; commands, runs and reports use it.
        description: What it is for, in a sentence.
        plans: Names of the plans, in the order in which they are rehearsed.
        schedule: When it is rehearsed by itself; never if absent.
        clean_up: `at the end`: the test VMs of each plan stay up for those behind it (the
            directory for the databases), and are removed in the reverse order; `after each`: no
            two plans are up together.
        on_failure: What a plan that fails leads to: `continue` with the next, or `stop`. What is
            up is cleaned up either way.
    """

    name: Annotated[
        str,
        AfterValidator(_suite_name),
        Field(json_schema_extra={"pattern": f"^{_SUITE_NAME.pattern}$"}),
    ]
    description: str = ""
    plans: Annotated[tuple[str, ...], Field(min_length=1)]
    schedule: Schedule | None = None
    clean_up: Literal["at the end", "after each"] = "at the end"
    on_failure: Literal["continue", "stop"] = "continue"
