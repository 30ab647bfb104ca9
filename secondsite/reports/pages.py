"""The Jinja environment of every page: strict about what is missing, and escaping everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from secondsite.reports.phrasing import (
    count_of,
    plain_lines,
    plain_text,
    say_duration,
    say_moment,
)

__all__ = ["page_environment"]


def page_environment(filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """An environment with the filters that all pages know, and those of `filters`.

    A value of None is "not known", and shown as a dash: "None" is not a word for operators.
    """
    environment = Environment(
        loader=PackageLoader("secondsite.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: "-" if value is None else value,
    )
    environment.filters |= {
        "count_of": count_of,
        "duration": say_duration,
        "lines": plain_lines,
        "moment": say_moment,
        "plain": plain_text,
        "told": _told,
        **filters,
    }
    return environment


def _told(text: str) -> Markup:
    """A sentence in which what stands between backticks is shown as code."""
    parts = plain_text(text).split("`")
    if len(parts) % 2 == 0:  # one of them stands alone
        return escape(plain_text(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(parts)
    )
