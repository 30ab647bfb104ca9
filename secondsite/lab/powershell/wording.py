"""Word lists, written as text."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words of a text, for tables of names that read better as lines than as lists."""
    return tuple(text.split())
