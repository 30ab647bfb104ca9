"""Text and tables in Markdown, whatever they hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from secondsite.reports.phrasing import plain_text

__all__ = ["markdown_table", "markdown_text"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~])")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; every cell is text, whatever it holds."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(markdown_text(cell) for cell in row)} |" for row in rows]
    return lines if len(lines) > 2 else ["(none)"]


def markdown_text(text: str) -> str:
    """`text` so that no renderer reads anything else into it."""
    # Markdown renderers pass HTML through: names and messages must be text in both.
    flat = plain_text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", flat)
