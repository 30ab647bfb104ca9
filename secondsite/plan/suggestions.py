"""The nearest known word to one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest"]

_MOST_LISTED = 12


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; case, `-` and `_` make no difference."""
    by_plain = {_plain(each): each for each in known}
    if _plain(word) in by_plain:
        return by_plain[_plain(word)]
    close = difflib.get_close_matches(_plain(word), by_plain, n=1, cutoff=0.6)
    return by_plain[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean "sql01"?)`, or the known words if none is near, or that there are none."""
    words = list(dict.fromkeys(known))
    near = nearest(word, words)
    if near is not None:
        return f' (did you mean "{near}"?)'
    if not words:
        return " (there are none)"
    listed = ", ".join(sorted(words)[:_MOST_LISTED])
    return f" (known: {listed}{', …' if len(words) > _MOST_LISTED else ''})"


def _plain(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "")
