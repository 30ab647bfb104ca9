"""What pydantic found, in words for whoever wrote the file: what is wrong, what to write instead.

No text of pydantic itself gets through. Values under `password` and the like are never shown.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from secondsite.plan.suggestions import nearest

__all__ = ["Wording", "place_in_words", "say", "shown"]

Wording = tuple[str, str]
"""(what is wrong, what to write instead); the second may be empty."""

_SECRET_KEYS = frozenset({"auth", "password", "passphrase", "secret", "token", "url"})
_LONGEST_SHOWN = 60


def say(
    kind: str,
    *,
    value: Any,
    context: Mapping[str, Any],
    path: Sequence[str | int],
    message: str = "",
) -> Wording:
    """The words for pydantic's error type `kind` about `value` at `path`.

    `message` is used for the types whose words are our own already (`own_words`).
    """
    if kind == "own_words":
        return message, ""
    value_text = kind_of(value) if is_secret(path) else shown(value)
    words = _WORDS.get(kind)
    if words is not None:
        return words(value, value_text, context)
    wanted = next((wanted for prefix, wanted in _WANTED if kind.startswith(prefix)), None)
    if wanted is not None:
        return _not_wanted(value, value_text, wanted)
    return f"{value_text} is not possible here", "what the plan or estate format page says"


def is_secret(path: Sequence[str | int]) -> bool:
    """Whether what stands at `path` must not be shown."""
    return any(str(part).casefold() in _SECRET_KEYS for part in path)


def shown(value: Any) -> str:
    """`value` as a message shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value}"
    if isinstance(value, str):
        text = value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}…"
        return '"' + text.replace("\n", " ") + '"'
    return kind_of(value)


def kind_of(value: Any) -> str:
    """What sort of value it is, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "a mapping (key: value)"
        case _:
            return "a list"


def place_in_words(path: Sequence[str | int], data: Any) -> str:
    """`group "databases": vm "sql02": boot_timeout`, for the value at `path` of `data`."""
    words: list[str] = []
    current = data
    for position, part in enumerate(path):
        current = _inside(current, part)
        if isinstance(part, int) and words:
            is_last = position == len(path) - 1
            label = "" if is_last and isinstance(current, str) else _label(current)
            before = words.pop()
            words.append(f"{_singular(before)} {label}" if label else f"{before} {part + 1}")
        else:
            words.append(str(part))
    return ": ".join(words)


def _inside(current: Any, part: str | int) -> Any:
    if isinstance(current, Mapping):
        return current.get(part)
    if isinstance(current, Sequence) and isinstance(part, int) and part < len(current):
        return current[part]
    return None


def _label(item: Any) -> str:
    if isinstance(item, str):
        return shown(item)
    if isinstance(item, Mapping):
        for key in ("name", "gate", "script"):
            if isinstance(item.get(key), str):
                return shown(item[key])
    return ""


def _singular(word: str) -> str:
    if word == "vms":
        return "vm"
    if word.endswith("sses"):
        return word[:-2]
    is_plural = word.endswith("s") and len(word) > 3 and word != "kerberos"
    return word[:-1] if is_plural else word


def _not_wanted(value: Any, value_text: str, wanted: str) -> Wording:
    if value is None:
        return "nothing is written here", f"{wanted}, or remove the line"
    if wanted == "text" and isinstance(value, int | float):
        return f"{value_text} is {kind_of(value)}", f'it in quotes: "{value_text}"'
    if wanted == "a list" and isinstance(value, str | int | float):
        is_shown = value_text == shown(value)
        return f"{value_text} is not a list", f"[{value}]" if is_shown else wanted
    return f"{value_text} does not fit here", wanted


_WANTED = (
    ("string", "text"),
    ("bool", "true or false"),
    ("int", "a whole number"),
    ("float", "a number"),
    ("decimal", "a number"),
    ("finite_number", "a number"),
    ("model", "a mapping (key: value)"),
    ("dict", "a mapping (key: value)"),
    ("mapping", "a mapping (key: value)"),
    ("list", "a list"),
    ("tuple", "a list"),
    ("set_item", "plain text or numbers in the list"),
    ("set", "a list"),
    ("frozen_set", "a list"),
    ("iterable", "a list"),
    ("none_required", "nothing"),
    ("datetime", "a date and time with zone, like 2026-03-01T14:30:00Z"),
    ("timezone", "a date and time with zone, like 2026-03-01T14:30:00Z"),
    ("date", "a date like 2026-03-01"),
    ("time_delta", "a duration like 30s or 10m"),
    ("time", "a time of day like 14:30:00"),
    ("url", "an address like https://host.example/"),
    ("uuid", "an id like 7655da1b-bff2-46f3-97d1-75d3cb863b4f"),
    ("ip_v4_network", "an IPv4 subnet like 10.2.0.0/24"),
    ("ip_v4_interface", "an IPv4 address with its prefix length, like 10.2.0.22/24"),
    ("ip_v4", "an IPv4 address like 10.2.0.22"),
    ("ip_v6_network", "an IPv6 subnet like 2001:db8:2::/64"),
    ("ip_v6_interface", "an IPv6 address with its prefix length, like 2001:db8:2::22/64"),
    ("ip_v6", "an IPv6 address like 2001:db8:2::22"),
    ("ip_any_network", "a subnet like 10.2.0.0/24 or 2001:db8:2::/64"),
    ("ip_any", "an address like 10.2.0.22 or 2001:db8:2::22"),
)
"""Beginnings of pydantic's error types, longer ones before shorter ones that they begin with."""


def _own_words(_value: Any, _shown: str, context: Mapping[str, Any]) -> Wording:
    return str(context.get("error", "this is not possible here")), ""


def _expected(value: Any, value_text: str, context: Mapping[str, Any]) -> Wording:
    wanted = str(context.get("expected", "")).replace("'", "")
    if value is None:
        return "nothing is written here", f"{wanted}, or remove the line"
    known = [each.strip() for each in wanted.replace(" or ", ", ").split(",")]
    near = nearest(str(value), known) if isinstance(value, str) else None
    hint = f' (did you mean "{near}"?)' if near else ""
    return f"{value_text} is not one of the possible values{hint}", wanted


def _bound(words: str, key: str) -> Callable[[Any, str, Mapping[str, Any]], Wording]:
    def say_bound(_value: Any, value_text: str, context: Mapping[str, Any]) -> Wording:
        limit = context.get(key)
        limit_text = f"{limit:g}" if isinstance(limit, int | float) else str(limit)
        return f"{value_text} is out of range", f"a value {words} {limit_text}"

    return say_bound


def _too_short(value: Any, value_text: str, context: Mapping[str, Any]) -> Wording:
    least = int(context.get("min_length", 1))
    if not value:
        return ("the list is empty" if isinstance(value, list | tuple) else "this is empty"), (
            "something here, or remove the line"
        )
    what = "characters" if isinstance(value, str) else "entries"
    return f"{value_text} is too short", f"at least {least} {what}"


def _too_long(value: Any, value_text: str, context: Mapping[str, Any]) -> Wording:
    what = "characters" if isinstance(value, str) else "entries"
    return f"{value_text} is too long", f"at most {context.get('max_length')} {what}"


def _network(value: Any, value_text: str, _context: Mapping[str, Any]) -> Wording:
    try:
        meant = ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return f"{value_text} is not a subnet", "one like 10.2.0.0/24"
    return f"{value_text} is an address inside a subnet, not the subnet itself", f"{meant}"


_WORDS: Mapping[str, Callable[[Any, str, Mapping[str, Any]], Wording]] = {
    "value_error": _own_words,
    "assertion_error": _own_words,
    "literal_error": _expected,
    "enum": _expected,
    "greater_than": _bound("greater than", "gt"),
    "greater_than_equal": _bound("of at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("of at most", "le"),
    "multiple_of": _bound("that is a multiple of", "multiple_of"),
    "too_short": _too_short,
    "string_too_short": _too_short,
    "too_long": _too_long,
    "string_too_long": _too_long,
    "ip_v4_network": _network,
    "ip_v6_network": _network,
    "ip_any_network": _network,
    "string_pattern_mismatch": lambda _value, text, context: (
        f"{text} has not the form that is wanted here",
        f"text that fits {context.get('pattern')}",
    ),
}
