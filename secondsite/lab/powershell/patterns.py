"""Wildcards, regular expressions, and the operators that split, join and replace text."""

from __future__ import annotations

import re
from functools import lru_cache

from secondsite.lab.powershell.conversion import as_array, enumerate_value, to_number
from secondsite.lab.powershell.failures import runtime_error, unsupported
from secondsite.lab.powershell.text_form import to_text


@lru_cache(maxsize=512)
def wildcard(pattern: str, *, case: bool = False) -> re.Pattern[str]:
    """A -like pattern as a regular expression for the whole text."""
    parts: list[str] = []
    pos = 0
    while pos < len(pattern):
        char = pattern[pos]
        if char == "`" and pos + 1 < len(pattern):
            pos += 1
            parts.append(re.escape(pattern[pos]))
        elif char == "*":
            parts.append(".*")
        elif char == "?":
            parts.append(".")
        elif char == "[":
            end = pattern.find("]", pos + 2)
            if end < 0:
                raise runtime_error(
                    f"The specified wildcard character pattern is not valid: {pattern}",
                    "RuntimeException",
                )
            inside = pattern[pos + 1 : end].replace("\\", "\\\\").replace("^", "\\^")
            parts.append(f"[{inside}]")
            pos = end
        else:
            parts.append(re.escape(char))
        pos += 1
    return re.compile("".join(parts), re.DOTALL | (0 if case else re.IGNORECASE))


@lru_cache(maxsize=512)
def regex(pattern: str, *, case: bool = False) -> re.Pattern[str]:
    """A .NET regular expression, as far as Python's are the same.

    Raises:
        PsError: it is wrong, or written in a way that only .NET knows.
    """
    translated = re.sub(r"\(\?<(?![=!])(\w+)>", r"(?P<\1>", pattern)
    translated = re.sub(r"\\k<(\w+)>", r"(?P=\1)", translated).replace(r"\z", r"\Z")
    try:
        return re.compile(translated, 0 if case else re.IGNORECASE)
    except re.error as error:
        raise runtime_error(
            f'parsing "{pattern}" - {error}', "RegexArgument", category="InvalidArgument"
        ) from None


def replacement(text: str) -> str:
    """A .NET replacement text as a Python template."""
    escaped = text.replace("\\", "\\\\")
    escaped = re.sub(r"\$\{(\w+)\}|\$(\d+)|\$&", _replacement_group, escaped)
    return escaped.replace("$$", "$")


def _replacement_group(match: re.Match[str]) -> str:
    return rf"\g<{match.group(1) or match.group(2) or 0}>"


def replace(left: object, right: object, *, case: bool = False) -> object:
    """`left -replace pattern, with`."""
    parts = as_array(right)
    if len(parts) > 2:
        raise runtime_error(
            f"The -replace operator allows only two elements to follow it, not {len(parts)}.",
            "BadReplaceArgument",
        )
    pattern = regex(to_text(parts[0]) if parts else "", case=case)
    template = replacement(to_text(parts[1]) if len(parts) > 1 else "")
    items = enumerate_value(left)
    if items is None:
        return pattern.sub(template, to_text(left))
    return [pattern.sub(template, to_text(each)) for each in items]


def split(left: object, right: object, *, case: bool = False) -> list[object]:
    """`left -split pattern, limit`."""
    parts = as_array(right)
    if len(parts) > 2 or (parts and not isinstance(parts[0], str)):
        raise unsupported("-split with options or a script block")
    limit = int(to_number(parts[1])) if len(parts) > 1 else 0
    if limit < 0:
        raise unsupported("-split with a negative limit")
    pattern = regex(to_text(parts[0]), case=case)
    result: list[object] = []
    for each in as_array(left):
        result += (
            [piece or "" for piece in pattern.split(to_text(each), max(limit - 1, 0))]
            if limit != 1
            else [to_text(each)]
        )
    return result


def split_words(value: object) -> list[object]:
    """`-split value`: by blanks."""
    return [word for each in as_array(value) for word in to_text(each).split()]


def join(left: object, right: object) -> str:
    """`left -join separator`."""
    return to_text(right).join(to_text(each) for each in as_array(left))
